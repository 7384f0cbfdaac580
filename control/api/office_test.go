package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/door"
	"freshet/control/event"
	"freshet/control/geo"
	"freshet/control/guest"
	"freshet/control/hook"
	"freshet/control/keys"
	"freshet/control/live"
	"freshet/control/login"
	"freshet/control/mail"
	"freshet/control/node"
	"freshet/control/store"
	"freshet/control/store/storetest"
	"freshet/control/why"
	"freshet/proto/problem"
)

// An office is an API with a database, a clock that tests set, and the mails that were written.
type office struct {
	t   *testing.T
	api *API
	db  *storetest.DB
	ms  atomic.Int64 // of the clock

	records *node.Records
	keys    *keys.Keys
	places  *geo.Places   // nil: nothing is known
	guests  passholders   // that have passes
	mailer  *guest.Mailer // of the API that was made last
}

// passholders have passes that are easy to say, and are on no list.
type passholders map[string]door.Guest

// known are passholders, and the guests on the lists of events.
type known struct {
	passholders
	*guest.Desk
}

func (k known) ByPass(ctx context.Context, pass string) (door.Guest, error) {
	if one, ok := k.passholders[pass]; ok {
		return one, nil
	}
	return k.Desk.ByPass(ctx, pass)
}

func newOffice(t *testing.T, db *storetest.DB) *office {
	o := &office{t: t, db: db, records: node.NewRecords(), keys: keys.Make(), guests: passholders{}}
	o.records.SetKeys(o.keys.Public()...)
	o.ms.Store(time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC).UnixMilli())
	o.api = New(Config{Version: "1", Pages: "https://webcasts.example", Staff: "staff@example.org"}, o.deps())
	return o
}

func (o *office) deps() Deps {
	log, reg := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	hub := live.New(live.Config{Pages: "https://webcasts.example"}, log, o.db.DB, reg)
	board, queue := event.NewBoard(log, o.db.DB, o.records, hub), mail.NewQueue()
	o.mailer = newMailer(o.db.DB, queue, o.now)
	return Deps{
		Log: log, Metrics: reg, Records: o.records, Fleet: node.NewFleet(), Why: why.New(), Live: hub, Board: board,
		Door: door.New(door.Deps{
			Log: log, Metrics: reg, Store: o.db.DB, Board: board, Revoked: o.records, Hasher: newHasher(), Keys: o.keys, Places: o.places,
			Guests: known{o.guests, &guest.Desk{Store: o.db.DB, Passes: o.mailer.Letters.Passes}}, Now: o.now,
		}),
		Store: o.db.DB, Mail: queue, Mailer: o.mailer, Hasher: newHasher(), Sealer: newSealer(o.t), Now: o.now,
		Hooks: hook.NewQueue(), Reach: hook.NewReach(false, reg), Signer: hook.NewSigner(nil), Places: o.places,
	}
}

func newSealer(t *testing.T) *login.Sealer {
	s, err := login.NewSealer([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (o *office) now() time.Time       { return time.UnixMilli(o.ms.Load()) }
func (o *office) pass(d time.Duration) { o.ms.Add(d.Milliseconds()) }
func (o *office) browser() *browser {
	return &browser{o: o, from: "203.0.113.7:4711", jar: map[string]string{}}
}
func (o *office) at(from string) *browser { b := o.browser(); b.from = from; return b }

var (
	testdata = os.DirFS("testdata")
	allMails = store.Load(testdata).Get("mails")
)

// link returns the path behind the pages' address of the link in the newest of n mails to an address.
func (o *office) link(to string, n int) string {
	o.t.Helper()
	all, err := store.All[store.JSON[mail.Written]](o.t.Context(), o.db, allMails, store.Args{"to": to})
	if err != nil {
		o.t.Fatal(err)
	}
	if len(all) != n {
		o.t.Fatalf("%d mails to %s, want %d", len(all), to, n)
	}
	if n == 0 {
		return ""
	}
	m := regexp.MustCompile(`https://webcasts\.example(/\S+)`).FindStringSubmatch(all[0].V.Text)
	if m == nil {
		o.t.Fatalf("no link in %q", all[0].V.Text)
	}
	return m[1]
}

// token is the last part of a link.
func token(link string) string { return link[strings.LastIndex(link, "/")+1:] }

// A browser keeps cookies.
type browser struct {
	o    *office
	from string
	host string // that it asks; empty for the test's own
	key  string // sent as a bearer, where it is not empty
	jar  map[string]string
}

type object = map[string]any

// send makes a request and keeps what cookies the answer brings.
func (b *browser) send(method, path string, body any, headers ...string) *httptest.ResponseRecorder {
	b.o.t.Helper()
	var r *http.Request
	if body == nil {
		r = httptest.NewRequest(method, Prefix+path, nil)
	} else {
		text, err := json.Marshal(body)
		if err != nil {
			b.o.t.Fatal(err)
		}
		r = httptest.NewRequest(method, Prefix+path, bytes.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
	}
	r.RemoteAddr = b.from
	if b.host != "" {
		r.Host = b.host
	}
	if b.key != "" {
		r.Header.Set("Authorization", "Bearer "+b.key)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.o.api.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
		} else {
			b.jar[c.Name] = c.Value
		}
	}
	return w
}

// does makes a request that is to succeed, and returns its body.
func (b *browser) does(method, path string, body any, headers ...string) object {
	b.o.t.Helper()
	w := b.send(method, path, body, headers...)
	if w.Code/100 != 2 {
		b.o.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	var out object
	if w.Body.Len() > 0 && w.Body.Bytes()[0] == '{' {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			b.o.t.Fatal(err)
		}
	}
	return out
}

// fails makes a request that is to fail so.
func (b *browser) fails(status int, kind, method, path string, body any, headers ...string) *problem.Problem {
	b.o.t.Helper()
	w := b.send(method, path, body, headers...)
	var p problem.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Type != "/problems/"+kind {
		b.o.t.Errorf("%s %s: %d %s, want %d %s", method, path, w.Code, w.Body, status, kind)
	}
	h := w.Header()
	if h.Get("Content-Type") != problem.ContentType || status == 401 && h.Get("WWW-Authenticate") == "" ||
		(status == 429 || status == 503) && h.Get("Retry-After") == "" {
		b.o.t.Errorf("%s %s: %d with %v", method, path, w.Code, h)
	}
	return &p
}

const (
	ana      = "ana@example.org"
	password = "correct horse battery"
)

// founded returns an office with an account, and its owner's browser.
func founded(t *testing.T, db *storetest.DB) (*office, *browser) {
	o := newOffice(t, db)
	b := o.browser()
	b.does("POST", "/setup", object{"account": "Nordlicht", "name": "Ana", "email": " Ana@Example.org", "password": password, "language": "fr-CA", "timeZone": "America/Toronto"})
	return o, b
}
