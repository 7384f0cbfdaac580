package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"freshet/bench/testmesh"
	"freshet/control/store"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

// A page follows an event.
type page struct {
	t      *testing.T
	status int
	header http.Header
	r      *bufio.Reader
	close  func()
}

// A told event is what a page is told.
type told struct{ retry, name, id, data string }

func (o *office) serve() string {
	s := httptest.NewServer(o.api)
	o.t.Cleanup(s.Close)
	return s.URL + Prefix
}

// follows returns a page at base that knows last, empty for nothing.
func follows(t *testing.T, base, slug, last string) *page {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testmesh.Patience)
	q, err := http.NewRequestWithContext(ctx, "GET", base+"/events/"+slug+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		q.Header.Set("Last-Event-ID", last)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{t, answer.StatusCode, answer.Header, bufio.NewReader(answer.Body), func() { cancel(); answer.Body.Close() }}
	t.Cleanup(p.close)
	return p
}

// next returns what comes next; io.EOF at the end.
func (p *page) next() (e told, err error) {
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "":
			return e, nil
		case "retry":
			e.retry = value
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		default:
			p.t.Errorf("%q", line)
		}
	}
}

// hears returns the next of name, past what comes again and again.
func (p *page) hears(name string) told {
	p.t.Helper()
	for {
		e, err := p.next()
		if err != nil {
			p.t.Fatalf("%s: %v", name, err)
		}
		if e.name == name {
			return e
		}
		if e.name != "beat" && e.retry == "" {
			p.t.Fatalf("%+v, want %s", e, name)
		}
	}
}

func (e told) state(t *testing.T) string {
	t.Helper()
	var of struct{ State string }
	if err := json.Unmarshal([]byte(e.data), &of); err != nil {
		t.Fatalf("%s: %v", e.data, err)
	}
	return of.State
}

// A page is told what there is, what becomes of it at the moment it does, and when it is gone: by whichever control node,
// under the same ids.
func TestFollow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, object{"title": "Launch\nof <it>"})
		slug := e["slug"].(string)
		stream := owner.does("POST", at+"/streams", object{"name": "Floor"})["id"].(string)
		here := o.serve()
		other := newOffice(t, db)
		there := other.serve()

		a := follows(t, here, slug, "")
		if a.status != 200 || a.header.Get("Content-Type") != "text/event-stream" || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Accel-Buffering") != "no" {
			t.Fatalf("%d %v", a.status, a.header)
		}
		if first, _ := a.next(); first.retry < "1000" || first.retry >= "2000" || len(first.retry) != 4 {
			t.Errorf("%+v", first)
		}
		if beat, _ := a.next(); beat != (told{name: "beat", data: "{}"}) {
			t.Errorf("%+v", beat)
		}
		known := a.hears("event")
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(known.data), &got), json.Unmarshal(o.browser().send("GET", "/public/events/by-slug/"+slug, nil).Body.Bytes(), &want)); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}

		b := follows(t, there, slug, known.id) // comes back, elsewhere
		if retry, _ := b.next(); retry.retry == "" {
			t.Errorf("%+v", retry)
		}
		if beat, _ := b.next(); beat.name != "beat" {
			t.Errorf("%+v", beat)
		}
		owner.does("POST", at+"/prepare", nil)
		now := a.hears("event")
		if now.state(t) != "preparation" || now.id == known.id {
			t.Errorf("%+v", now)
		}
		other.api.d.Board.Refresh(t.Context()) // as it does each second
		if same := b.hears("event"); same != now {
			t.Errorf("%+v there, %+v here", same, now)
		}
		waiting := func(of *office) any { return of.browser().does("GET", "/streams/"+stream, nil)["waiting"] }
		follows(t, here, slug, now.id).next()
		if here, there := waiting(o), waiting(other); here != 2.0 || there != 1.0 {
			t.Errorf("%v and %v wait", here, there)
		}
		owner.does("POST", at+"/start", nil)
		if now = a.hears("event"); now.state(t) != "live" || waiting(o) != 0.0 {
			t.Errorf("%+v, %v wait", now, waiting(o))
		}
		// No edge is there, but the event is known. The other node tells of it once it knows it, too.
		o.browser().fails(503, "unavailable", "POST", "/events/"+slug+"/join", nil)
		late := follows(t, there, slug, "")
		other.api.d.Board.Refresh(t.Context())
		for e := late.hears("event"); e.state(t) != "live"; e = late.hears("event") {
		}
		other.browser().fails(503, "unavailable", "POST", "/events/"+slug+"/join", nil)

		owner.does("POST", at+"/end", nil)
		if now = a.hears("event"); now.state(t) != "ended" {
			t.Errorf("%+v", now)
		}
		owner.does("POST", at+"/archive", nil)
		if gone := a.hears("gone"); gone != (told{name: "gone", data: "{}"}) {
			t.Errorf("%+v", gone)
		}
		if e, err := a.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%+v %v", e, err)
		}
		o.browser().fails(404, "event-unknown", "GET", "/events/"+slug+"/live", nil)
		o.browser().fails(404, "event-unknown", "GET", "/events/nothing-here/live", nil)
	})
}

// A node that is live for who comes first is so for joins: nobody is told before they know.
func TestFollowLate(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, e := o.plan(owner, nil)
	owner.does("POST", at+"/streams", object{"name": "Floor"})
	owner.does("POST", at+"/start", nil)
	other := newOffice(t, o.db) // whose board has not read yet
	slug := e["slug"].(string)
	if e := follows(t, other.serve(), slug, "").hears("event"); e.state(t) != "live" {
		t.Errorf("%+v", e)
	}
	other.browser().fails(503, "unavailable", "POST", "/events/"+slug+"/join", nil)
}

// Once an event is followed, no page asks the database: while that is away, they are told what was known.
func TestFollowAlone(t *testing.T) {
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	o, owner := founded(t, &storetest.DB{DB: db})
	_, e := o.plan(owner, nil)
	_, unknown := o.plan(owner, nil)
	slug := e["slug"].(string)
	here := o.serve()
	a := follows(t, here, slug, "")
	want := a.hears("event")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if o.api.d.Board.Refresh(t.Context()) {
		t.Error("read from a database that is closed")
	}
	for range 5 {
		if got := follows(t, here, slug, "").hears("event"); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	a.hears("beat")
	if w := o.browser().send("GET", "/events/"+unknown["slug"].(string)+"/live", nil); w.Code/100 != 5 {
		t.Errorf("one that nobody has followed: %d %s", w.Code, w.Body)
	}
}

// A node that stops lets its pages go at once, and takes no more.
func TestFollowStop(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	_, e := o.plan(owner, nil)
	slug := e["slug"].(string)
	here := o.serve()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.api.d.Live.Run(ctx) }()
	var all []*page
	for range 20 {
		p := follows(t, here, slug, "")
		p.hears("event")
		all = append(all, p)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	began := time.Now()
	for _, p := range all {
		for {
			if _, err := p.next(); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Error(err)
				}
				break
			}
		}
	}
	t.Logf("20 streams ended after %v", time.Since(began))
	var p problem.Problem
	w := o.browser().send("GET", "/events/"+slug+"/live", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
}
