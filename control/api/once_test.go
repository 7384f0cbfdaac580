package api

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/once"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

const keyHeader = "Idempotency-Key"

// Each operation that makes something takes a key, and the document says so; these make nothing, or are nobody's.
func TestKeyed(t *testing.T) {
	unkeyed := map[string]string{
		"set-up": "nobody's, and once in all", "sign-up": "nobody's", "use-sign-up": "a link works once",
		"log-in": "nobody's", "log-out": "makes nothing",
		"ask-log-in-link": "nobody's", "open-log-in-link": "makes nothing", "use-log-in-link": "a link works once",
		"use-log-in-code": "a link works once", "ask-reset": "nobody's", "use-reset": "a link works once",
		"open-invitation": "makes nothing", "use-invitation": "a link works once", "ask-quote": "nobody's", "join-event": "keeps nothing",
		"use-second-step": "a code works once", "begin-second-step": "each takes the place of the last",
		"confirm-second-step": "a code works once", "renew-recovery-codes": "each takes the place of the last",
		"ask-passkey": "nobody's", "use-passkey": "a challenge works once", "begin-passkey": "makes nothing", "add-passkey": "a challenge works once",
		"enter-event":   "nobody's, and what it gave is renewed by it",
		"prepare-event": "leads to a state", "schedule-event": "leads to a state", "start-event": "leads to a state",
		"end-event": "leads to a state", "archive-event": "leads to a state", "cancel-event": "leads to a state",
		"register": "nobody's, and once an address", "accept-guest": "leads to a state", "refuse-guest": "leads to a state",
		"unsubscribe":     "nobody's, and leads to a state",
		"make-join-token": "shown once, and one that got lost runs out", "rotate-gossip-key": "refused while a change goes on",
		"rotate-signing-key": "refused while a change goes on",
	}
	newOffice(t, storetest.New(t)).api.operations(func(op *huma.Operation) {
		if op.Method != http.MethodPost {
			return
		}
		if _, ok := unkeyed[op.OperationID]; once.IsKeyed(op) == ok {
			t.Errorf("%s: takes a key: %v; in the list of those that do not: %v", op.OperationID, once.IsKeyed(op), ok)
		}
		named := slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.Name == keyHeader && p.In == "header" })
		if once.IsKeyed(op) && (!named || op.Responses["409"] == nil || op.Responses["400"] == nil) {
			t.Errorf("the document does not say that %s takes a key", op.OperationID)
		}
	})
}

// What was done is not done again, also not by a control node that was started after the first had died.
func TestOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		bob := object{"email": "bob+x@example.org", "name": "B & <b>", "role": "organizer"}
		first := owner.send("POST", "/members", bob, keyHeader, "k")
		if first.Code != http.StatusCreated {
			t.Fatalf("%d %s", first.Code, first.Body)
		}
		same := func(w *httptest.ResponseRecorder) {
			t.Helper()
			if w.Code != first.Code || w.Body.String() != first.Body.String() || w.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
				t.Errorf("%d %s\nfirst was %d %s", w.Code, w.Body, first.Code, first.Body)
			}
		}
		same(owner.send("POST", "/members", bob, keyHeader, "k"))
		o.api = New(Config{Version: "1", Pages: "https://webcasts.example"}, o.deps())
		same(owner.send("POST", "/members", bob, keyHeader, "k"))
		o.link("bob+x@example.org", 1)

		owner.fails(409, "request-differs", "POST", "/members", object{"email": "eve@example.org", "role": "owner"}, keyHeader, "k")
		owner.fails(409, "request-differs", "POST", "/members?x=1", bob, keyHeader, "k")
		owner.fails(409, "request-differs", "POST", "/keys", object{"name": "A", "scopes": []string{"read"}}, keyHeader, "k")
		owner.fails(409, "member", "POST", "/members", bob, keyHeader, "other")
		owner.fails(409, "member", "POST", "/members", bob)

		// What was refused is judged anew.
		owner.fails(422, "invalid", "POST", "/members", object{"email": "x", "role": "owner"}, keyHeader, "wrong")
		owner.does("POST", "/members", object{"email": "eve@example.org", "role": "owner"}, keyHeader, "wrong")

		// Without a body.
		id := owner.does("POST", "/members", bob, keyHeader, "k")["id"].(string)
		for range 3 {
			owner.does("POST", "/members/"+id+"/invitation", nil, keyHeader, "again")
		}
		o.link("bob+x@example.org", 2)

		// A secret is not kept.
		key := object{"name": "A", "scopes": []string{"read"}, "expiresAt": o.now().Add(time.Hour)}
		secret := owner.does("POST", "/keys", key, keyHeader, "key")["key"].(string)
		owner.fails(409, "shown-once", "POST", "/keys", key, keyHeader, "key")
		o.pass(2 * time.Hour)
		owner.fails(409, "shown-once", "POST", "/keys", key, keyHeader, "key")
		if n := len(owner.keys()); n != 1 {
			t.Errorf("%d keys", n)
		}
		kept, err := store.All[*string](t.Context(), db, store.Load(testdata).Get("answers"), nil)
		if err != nil || len(kept) != 4 {
			t.Errorf("%d answers are kept: %v", len(kept), err)
		}
		for _, text := range kept {
			if text != nil && strings.Contains(*text, secret[4:]) {
				t.Errorf("a key is kept: %s", *text)
			}
		}

		// Another account has keys of its own, and who may not do it any more gets no answer either.
		other := o.browser()
		other.does("POST", "/sign-ups", object{"account": "Other", "name": "Max", "email": "max@example.org"})
		other.does("POST", "/sign-ups/use", object{"token": token(o.link("max@example.org", 1)), "password": password})
		if w := other.send("POST", "/members", bob, keyHeader, "k"); w.Code != http.StatusCreated || w.Body.String() == first.Body.String() {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		eve := o.browser()
		eve.does("POST", "/invitations/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
		same(eve.send("POST", "/members", bob, keyHeader, "k")) // an owner as the first was
		eve.does("PATCH", "/members/"+eve.does("GET", "/me", nil)["id"].(string), object{"role": "presenter"})
		eve.fails(403, "forbidden", "POST", "/members", bob, keyHeader, "k")

		o.pass(24 * time.Hour)
		owner.fails(409, "member", "POST", "/members", bob, keyHeader, "k")
	})
}

// Those that come at once, to two nodes, are done once; who is told to wait is told how long.
func TestOnceAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		o2 := &office{t: t, db: db, api: New(Config{Version: "1", Pages: "https://webcasts.example"}, o.deps())}
		o2.ms.Store(o.ms.Load())
		answers := make([]*httptest.ResponseRecorder, 12)
		var g sync.WaitGroup
		for i := range answers {
			b := &browser{o: []*office{o, o2}[i%2], from: owner.from, jar: map[string]string{}}
			for name, value := range owner.jar {
				b.jar[name] = value
			}
			g.Go(func() {
				answers[i] = b.send("POST", "/members", object{"email": "bob@example.org", "role": "organizer"}, keyHeader, "k")
			})
		}
		g.Wait()
		made := ""
		for _, w := range answers {
			switch w.Code {
			case http.StatusCreated:
				if made != "" && w.Body.String() != made {
					t.Errorf("%s, and %s", w.Body, made)
				}
				made = w.Body.String()
			case http.StatusConflict:
				if w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "/problems/request-running") {
					t.Errorf("%v %s", w.Header(), w.Body)
				}
			default:
				t.Errorf("%d %s", w.Code, w.Body)
			}
		}
		if made == "" {
			t.Error("nobody got the answer")
		}
		o.link("bob@example.org", 1)
	})
}

// While the first runs, the second is told so.
func TestOnceRunning(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	bob := object{"email": "bob@example.org", "role": "organizer"}
	body := &stalled{text: `{"email":"bob@example.org","role":"organizer"}`, reads: make(chan bool), goOn: make(chan bool)}
	r := httptest.NewRequest("POST", Prefix+"/members", body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(keyHeader, "k")
	for name, value := range owner.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w, done := httptest.NewRecorder(), make(chan bool)
	go func() {
		defer close(done)
		o.api.ServeHTTP(w, r)
	}()
	<-body.reads
	p := owner.send("POST", "/members", bob, keyHeader, "k")
	if p.Code != 409 || p.Header().Get("Retry-After") != "1" || !strings.Contains(p.Body.String(), "request-running") {
		t.Errorf("%d %v %s", p.Code, p.Header(), p.Body)
	}
	owner.does("POST", "/members", object{"email": "eve@example.org", "role": "organizer"}, keyHeader, "other")
	close(body.goOn)
	<-done
	if w.Code != http.StatusCreated {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if again := owner.send("POST", "/members", bob, keyHeader, "k"); again.Body.String() != w.Body.String() {
		t.Errorf("%s, and %s", again.Body, w.Body)
	}
}

// A stalled body says when it is read, and waits.
type stalled struct {
	text        string
	reads, goOn chan bool
	rest        *strings.Reader
}

func (s *stalled) Read(b []byte) (int, error) {
	if s.rest == nil {
		close(s.reads)
		<-s.goOn
		s.rest = strings.NewReader(s.text)
	}
	return s.rest.Read(b)
}

func TestBadIdempotencyKeys(t *testing.T) {
	_, owner := founded(t, storetest.New(t))
	for name, key := range map[string]string{
		"empty": "", "long": strings.Repeat("k", 256), "a space": "a b", "a tab": "a\tb", "not ASCII": "clé", "a control character": "a\x7f",
	} {
		p := owner.fails(400, "bad-request", "POST", "/members", object{"email": "bob@example.org", "role": "owner"}, keyHeader, key)
		if len(p.Errors) != 1 || p.Errors[0].Pointer != "/header/"+keyHeader {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	for name, key := range map[string]string{"short": "k", "quoted": `"8e03978e-40d5-43e8-bc93-6894a57f9324"`, "longest": strings.Repeat("~", 255)} {
		if w := owner.send("POST", "/members", object{"email": name + "@example.org", "role": "owner"}, keyHeader, key); w.Code != http.StatusCreated {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("POST", Prefix+"/members", strings.NewReader(`{"email":"x@example.org","role":"owner"}`))
	r.Header = http.Header{"Content-Type": {"application/json"}, keyHeader: {"a", "b"}}
	for name, value := range owner.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	if owner.o.api.ServeHTTP(w, r); w.Code != http.StatusBadRequest {
		t.Errorf("two keys: %d %s", w.Code, w.Body)
	}
	// Where it means nothing, it is nothing.
	owner.does("PATCH", "/account", object{"name": "X"}, keyHeader, "a b")
	owner.o.browser().fails(401, "unauthorized", "POST", "/members", object{}, keyHeader, "a b")
}
