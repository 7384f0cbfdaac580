package guest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/control/account"
	"freshet/control/api"
	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/guest"
	"freshet/control/keys"
	"freshet/control/live"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/node"
	"freshet/control/pass"
	"freshet/control/store"
	"freshet/control/why"
)

var kept = store.Load(os.DirFS("testdata"))

// A controlNode is the API over a database, with what writes and sends mails, on an address of its own.
type controlNode struct {
	listener net.Listener
	server   *http.Server
	mailer   *guest.Mailer
	sender   *mail.Sender
}

func newNode(t testing.TB, db *store.DB, server mail.Server, now func() time.Time) *controlNode {
	t.Helper()
	log, metrics, queue := slog.New(slog.DiscardHandler), prometheus.NewRegistry(), mail.NewQueue()
	key := bytes.Repeat([]byte{7}, 32)
	n := &controlNode{
		mailer: guest.NewMailer(guest.Mailer{Log: log, Store: db, Now: now, Letters: &guest.Letters{
			Mail: queue, Passes: pass.New(key), Stops: pass.NewStop(key), Pages: "https://webcasts.example", From: "webcasts@example.org",
		}}),
		sender: mail.NewSender(mail.Sender{Log: log, Store: db, Queue: queue, Server: server, Now: now}, metrics),
	}
	records, hasher := node.NewRecords(), login.NewHasher(login.Cost{Passes: 1, Memory: 64, Lanes: 1})
	hub := live.New(live.Config{Pages: "https://webcasts.example"}, log, db, metrics)
	board := event.NewBoard(log, db, records, hub)
	handler := api.New(api.Config{Version: "1", Pages: "https://webcasts.example"}, api.Deps{
		Log: log, Metrics: metrics, Records: records, Fleet: node.NewFleet(), Why: why.New(), Live: hub, Board: board,
		Door: door.New(door.Deps{
			Log: log, Metrics: metrics, Store: db, Board: board, Revoked: records, Hasher: hasher, Keys: keys.Make(),
			Guests: &guest.Desk{Store: db, Passes: n.mailer.Letters.Passes}, Now: now,
		}),
		Store: db, Mail: queue, Mailer: n.mailer, Hasher: hasher, Now: now,
	})
	var err error
	if n.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	n.server = &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return n
}

// run serves until ctx ends.
func (n *controlNode) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return n.mailer.Run(ctx) })
	g.Go(func() error { return n.sender.Run(ctx) })
	g.Go(func() error {
		if err := n.server.Serve(n.listener); err != http.ErrServerClosed {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return n.server.Close()
	})
	return g.Wait()
}

// planned returns an event for which anybody may register.
func planned(t testing.TB, db *store.DB) event.Event {
	t.Helper()
	email, now := "ana@example.org", time.Now()
	a, p, err := account.Create(t.Context(), db, "Nordlicht", account.Person{Email: &email, Name: "Ana", Language: "en", TimeZone: "UTC", Signature: "Ana"}, now)
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{Account: a.ID, MadeBy: &p.ID, Lobby: "Welcome.", Description: strings.Repeat("What it is about. ", 50)}
	e.Kind, e.Title, e.StartsAt, e.TimeZone, e.Access = event.Webcast, "Launch", now.AddDate(0, 0, 7), "America/Toronto", event.Registration
	e.Languages.V = []string{"en", "fr"}
	e.Agenda.V = []event.AgendaItem{{At: 0, Title: "Welcome"}, {At: 30, Title: "What is new", Text: "All of it"}, {At: 60, Title: "Questions"}}
	e.Form.V = []event.FormField{{ID: "company", Label: "Company", Kind: event.TextField, Required: true}, {ID: "terms", Label: "I agree", Kind: event.ConsentField, Required: true}}
	e.Options.V.Registration = true
	e, err = event.Create(t.Context(), db, nil, e, rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// register registers somebody, and returns an error unless that was acknowledged.
func register(ctx context.Context, c *http.Client, at, slug, email string) error {
	body := fmt.Sprintf(`{"name":"Zoë Brontë","email":%q,"language":"fr","answers":{"company":"ACME","terms":true}}`, email)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at+api.Prefix+"/events/"+slug+"/register", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := c.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}
	if w.StatusCode != http.StatusAccepted || strings.TrimSpace(string(text)) != `{"status":"sent"}` {
		return fmt.Errorf("%d %s", w.StatusCode, text)
	}
	return nil
}

// all returns the texts that a statement of testdata brings.
func all(t testing.TB, db *store.DB, name string) []string {
	t.Helper()
	texts, err := store.All[string](t.Context(), db, kept.Get(name), nil)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
