package hook

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"freshet/control/account"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

var (
	testStatements = store.Load(os.DirFS("testdata"))
	allStates      = testStatements.Get("states")
	allMails       = testStatements.Get("mails")
)

var t0 = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// A receiver is a program elsewhere, with HTTPS, that checks what it gets.
type receiver struct {
	t      *testing.T
	server *httptest.Server
	secret string

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request)
	ids    []string // of all that came
	taken  []int    // n of the messages that it has answered with 2xx
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{t: t}
	r.server = httptest.NewTLSServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
		return
	}
	r.mu.Lock()
	answer := r.answer
	r.ids = append(r.ids, q.Header.Get("webhook-id"))
	secret := r.secret
	r.mu.Unlock()
	key, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = key.VerifyIgnoringTimestamp(body, q.Header)
	}
	if err != nil || q.Method != "POST" || q.Header.Get("Content-Type") != "application/json" {
		r.t.Errorf("%s %v: %v", q.Method, q.Header, err)
	}
	if answer != nil {
		answer(w, q)
		return
	}
	var m struct {
		Type      Kind
		Timestamp time.Time
		Account   uuid.UUID
		Event     string
		Data      struct{ N int }
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Type != EventChanged || m.Account == uuid.Nil || m.Timestamp.IsZero() || m.Event != "" {
		r.t.Errorf("%s: %v", body, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, m.Data.N)
}

// answers has r answer so from now on; nil: as it should.
func (r *receiver) answers(f func(w http.ResponseWriter, r *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *receiver) got() (ids []string, taken []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.ids...), append([]int{}, r.taken...)
}

// A desk is an account with a sender, whose clock tests set.
type desk struct {
	*Sender
	t       *testing.T
	account uuid.UUID
	now     time.Time
}

func newDesk(t *testing.T, db *storetest.DB) *desk {
	t.Helper()
	email := "ana@example.org"
	d := &desk{t: t, now: t0}
	a, _, err := account.Create(t.Context(), db, "Nordlicht", account.Person{Email: &email, Name: "Ana", Language: "en", TimeZone: "UTC"}, t0)
	if err != nil {
		t.Fatal(err)
	}
	d.account = a.ID
	d.Sender = d.node(db)
	return d
}

// node returns another sender of the same database: of another node.
func (d *desk) node(db *storetest.DB) *Sender {
	reach := NewReach(true, prometheus.NewRegistry())
	return NewSender(Sender{
		Log: slog.New(slog.DiscardHandler), Store: db.DB, Queue: NewQueue(), Reach: reach, Signer: NewSigner([]byte("a key of tests")), Mail: mail.NewQueue(),
		Now: func() time.Time { return d.now }, Pages: "https://webcasts.example",
	}, prometheus.NewRegistry())
}

// trust has s take the certificates of tests.
func (r *receiver) trustedBy(s *Sender) {
	s.Reach.roots = x509.NewCertPool()
	s.Reach.roots.AddCert(r.server.Certificate())
	s.client = s.Reach.client()
	r.t.Cleanup(s.client.CloseIdleConnections)
}

// hook makes one that leads to r.
func (d *desk) hook(r *receiver) Hook {
	d.t.Helper()
	h, err := Add(d.t.Context(), d.Store, d.account, r.server.URL+"/hook", []Kind{EventChanged}, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	r.secret = d.Signer.secret(h)
	return h
}

func (d *desk) tell(numbers ...int) {
	d.t.Helper()
	for _, n := range numbers {
		if err := d.Store.InTx(d.t.Context(), func(ctx context.Context, q store.Querier) error {
			return d.Queue.Tell(ctx, q, News{Account: d.account, Kind: EventChanged, Data: map[string]int{"n": n}}, d.now)
		}); err != nil {
			d.t.Fatal(err)
		}
	}
}

// due sends what is due, and returns to how many hooks.
func (d *desk) due() int {
	d.t.Helper()
	all, err := d.claim(d.t.Context(), atOnce)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range all {
		d.serve(d.t.Context(), c)
	}
	return len(all)
}

// states are those of all deliveries, the oldest first.
func (d *desk) states() string {
	d.t.Helper()
	all, err := store.All[struct {
		Kind     string `db:"kind"`
		State    string `db:"state"`
		Attempts int64  `db:"attempts"`
		Status   *int64 `db:"status"`
		Answer   string `db:"answer"`
		Body     string `db:"body"`
	}](d.t.Context(), d.Store, allStates, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	var b strings.Builder
	for _, v := range all {
		status := "-"
		if v.Status != nil {
			status = strconv.FormatInt(*v.Status, 10)
		}
		if (v.Body == "") != (v.State != waiting) {
			d.t.Errorf("%s, with the body %q", v.State, v.Body)
		}
		fmt.Fprintf(&b, "%s %d %s, ", v.State, v.Attempts, status)
	}
	return strings.TrimSuffix(b.String(), ", ")
}

// A receiver that is down for a minute gets all, in order, each under the id that it has from the start.
func TestOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d, r := newDesk(t, db), newReceiver(t)
		r.trustedBy(d.Sender)
		h := d.hook(r)
		d.tell(1, 2)
		if n := d.due(); n != 1 {
			t.Errorf("%d due", n)
		}
		r.answers(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) })
		d.tell(3, 4)
		began := d.now
		for ; d.now.Sub(began) <= time.Minute; d.now = d.now.Add(time.Second) {
			d.due()
		}
		if got := d.states(); got != "done 1 200, done 1 200, waiting 3 503, waiting 0 -" { // at 0, 5 and 35 s
			t.Errorf("%s", got)
		}
		got, err := Get(t.Context(), db, d.account, h.ID)
		if err != nil || got.Failing == nil || !got.Failing.Equal(began) || !got.NextAt.After(d.now) {
			t.Errorf("%+v %v", got, err)
		}
		r.answers(nil)
		d.tell(5)
		d.now = d.now.Add(3 * time.Minute)
		d.due()
		ids, taken := r.got()
		if fmt.Sprint(taken) != "[1 2 3 4 5]" {
			t.Errorf("%v", taken)
		}
		if len(ids) != 8 || ids[2] != ids[3] || ids[3] != ids[4] || ids[4] != ids[5] || ids[5] == ids[6] || ids[0] == ids[1] {
			t.Errorf("%v", ids)
		}
		if got, err := Get(t.Context(), db, d.account, h.ID); err != nil || got.Failing != nil || d.due() != 0 {
			t.Errorf("%+v %v", got, err)
		}
		if err := Sweep(t.Context(), db.DB, d.now.Add(keptFor+time.Hour)); err != nil || d.states() != "" {
			t.Errorf("%s %v", d.states(), err)
		}
	})
}

// Who fails for a day is switched off, what waited is given up, and the owner has a mail.
func TestSwitchedOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		d, r := newDesk(t, db), newReceiver(t)
		r.trustedBy(d.Sender)
		h := d.hook(r)
		r.answers(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken <b>", 500) })
		d.tell(1, 2)
		for began := d.now; d.now.Sub(began) < 23*time.Hour; d.now = d.now.Add(time.Minute) {
			d.due()
		}
		if got, err := Get(t.Context(), db, d.account, h.ID); err != nil || got.OffAt != nil {
			t.Fatalf("switched off early: %+v %v", got, err)
		}
		for began := d.now; d.now.Sub(began) < 6*time.Hour; d.now = d.now.Add(time.Minute) {
			d.due()
		}
		got, err := Get(t.Context(), db, d.account, h.ID)
		if err != nil || got.OffAt == nil || got.OffAt.Sub(t0) < offAfter {
			t.Fatalf("%+v %v", got, err)
		}
		if s := d.states(); !strings.HasPrefix(s, "failed 9 500, failed ") {
			t.Errorf("%s", s)
		}
		d.tell(3) // nobody hears
		d.now = d.now.Add(48 * time.Hour)
		if n := d.due(); n != 0 || strings.Count(d.states(), ",") != 1 {
			t.Errorf("%d due, %s", n, d.states())
		}
		mails, err := store.All[struct {
			To      string                   `db:"recipient"`
			Kind    mail.Kind                `db:"kind"`
			Message store.JSON[mail.Written] `db:"message"`
		}](t.Context(), db, allMails, nil)
		if err != nil || len(mails) != 1 || mails[0].To != "ana@example.org" || mails[0].Kind != mail.HookOff ||
			!strings.Contains(mails[0].Message.V.Text, "https://webcasts.example/settings/webhooks") || strings.Contains(mails[0].Message.V.HTML, "<b>") {
			t.Errorf("%+v %v", mails, err)
		}
		// Switched on again it hears what comes then.
		got.set(true, d.now)
		if _, err := Update(t.Context(), db, got, d.now); err != nil {
			t.Fatal(err)
		}
		r.answers(nil)
		d.tell(4)
		d.due()
		if _, taken := r.got(); fmt.Sprint(taken) != "[4]" {
			t.Errorf("%v", taken)
		}
	})
}

// What counts as failed, and what is kept of the answer.
func TestReplies(t *testing.T) {
	d, r := newDesk(t, storetest.New(t)), newReceiver(t)
	r.trustedBy(d.Sender)
	h := d.hook(r)
	if d.client.Timeout != sendTime || d.client.Transport.(*http.Transport).Proxy != nil {
		t.Errorf("%v", d.client)
	}
	elsewhere := newReceiver(t)
	long := strings.Repeat("a\x00é", 1000)
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, q *http.Request)
		want   reply
	}{
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, reply{true, 204, ""}},
		{"a long answer", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, long) }, reply{true, 200, strings.ReplaceAll(long[:1024], "\x00", "")}},
		{"not found", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, reply{false, 404, ""}},
		{"a redirect", func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, elsewhere.server.URL, http.StatusTemporaryRedirect)
		}, reply{false, 307, ""}},
		{"too long an answer", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, replyMost+1)) }, reply{false, 200, "The answer is longer than 64 KiB."}},
		{"as long as it may be", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, replyMost)) }, reply{true, 200, ""}},
		{"a long header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", replyMost+1))
		}, reply{false, 0, ""}},
		{"cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, reply{false, 0, "EOF"}},
		{"none", func(_ http.ResponseWriter, q *http.Request) {
			<-q.Context().Done()
			panic(http.ErrAbortHandler) // a handler that returns answers 200, which may overtake the end of the wait
		}, reply{false, 0, "No answer within 5 s."}},
		{"half of one", func(w http.ResponseWriter, q *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			<-q.Context().Done()
		}, reply{false, 200, "No answer within 5 s."}},
	} {
		client := *d.client
		client.Timeout = 300 * time.Millisecond
		r.answers(c.answer)
		got := post(t.Context(), &client, h.URL, r.secret, letter{ID: store.NewID(), Body: "{}"}, d.now)
		if c.name == "a redirect" || c.name == "a long header" {
			got.text = "" // as HTTP has it
		}
		if got != c.want {
			t.Errorf("%s: %+.80v, want %+.80v", c.name, got, c.want)
		}
	}
	if ids, _ := elsewhere.got(); len(ids) != 0 {
		t.Error("a redirect was followed")
	}
	elsewhere.server.Close()
	h.URL = elsewhere.server.URL
	if got := post(t.Context(), d.client, h.URL, r.secret, letter{Body: "{}"}, d.now); got.ok || got.status != 0 || !strings.Contains(got.text, "refused") {
		t.Errorf("%+v", got)
	}
	stranger := newReceiver(t)
	d.Reach.roots = nil // those of the system
	h.URL = stranger.server.URL
	if got := post(t.Context(), d.Reach.client(), h.URL, r.secret, letter{Body: "{}"}, d.now); got.ok || !strings.Contains(got.text, "certificate") {
		t.Errorf("%+v", got)
	}
}

// What a name leads to counts when it is dialled, whatever was there when the hook was made.
func TestBlocked(t *testing.T) {
	d, r := newDesk(t, storetest.New(t)), newReceiver(t)
	d.Reach.local = false
	r.trustedBy(d.Sender)
	port := r.server.URL[strings.LastIndex(r.server.URL, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		if got := post(t.Context(), d.client, "https://"+host+port, "whsec_", letter{Body: "{}"}, d.now); got.ok || got.text != "The name leads to an address that is none of the public internet." {
			t.Errorf("%s: %+v", host, got)
		}
	}
	if ids, _ := r.got(); len(ids) != 0 {
		t.Errorf("%d came", len(ids))
	}
	for _, c := range []struct {
		leads string
		ok    bool
	}{
		{"1.1.1.1", true}, {"::ffff:1.1.1.1", true}, {"", true}, {"10.0.0.1", false}, {"1.1.1.1 169.254.169.254", false}, {"::ffff:127.0.0.1", false},
	} {
		d.Reach.lookup = func(context.Context, string) (all []netip.Addr, _ error) {
			for _, a := range strings.Fields(c.leads) {
				all = append(all, netip.MustParseAddr(a))
			}
			return all, nil
		}
		if err := d.Reach.check(t.Context(), "https://hooks.example.org/"); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.leads, err)
		}
	}
}

// On one machine where somebody tries Freshet out, a program there may listen, without a certificate.
func TestLocal(t *testing.T) {
	d := newDesk(t, storetest.New(t))
	came := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came <- struct{}{} }))
	t.Cleanup(server.Close)
	for address, ok := range map[string]bool{
		server.URL: true, "http://localhost:1": true, "http://[::1]:1": true, "https://127.0.0.1:1": true,
		"http://1.1.1.1": false, "https://10.0.0.1": false, "http://192.168.0.1": false,
	} {
		if err := d.Reach.check(t.Context(), address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	if got := post(t.Context(), d.client, server.URL, "whsec_", letter{Body: "{}"}, d.now); !got.ok {
		t.Errorf("%+v", got)
	}
	<-came
	d.client.CloseIdleConnections()
}
