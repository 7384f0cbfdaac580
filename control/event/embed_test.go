package event

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

func TestSites(t *testing.T) {
	for s, want := range map[string]string{
		"Example.org": "example.org", " https://www.Example.org/news?x#y ": "www.example.org", "http://localhost:3000/": "localhost:3000",
		"*.example.org": "*.example.org", "bücher.example": "xn--bcher-kva.example", "127.0.0.1:08080": "127.0.0.1:8080",
	} {
		if got, ok := siteOf(s); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "*", "https://", "ftp://example.org", "example.org:0", "example.org:70000", "example.org:x", "example.org/news", "a b",
		"example.org; script-src *", "'self'", "example.org\r\nSet-Cookie: a", "user@example.org", "[::1]:80",
	} {
		if got, ok := siteOf(s); ok {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// What browsers keep to (Ancestors) and what joins are held to (Allows) are one rule.
func TestAllows(t *testing.T) {
	sites := []string{"example.org", "*.partner.example", "localhost:3000"}
	for _, c := range []struct {
		origin string
		listed bool
	}{
		{"https://example.org", true},
		{"http://example.org", true},
		{"https://EXAMPLE.org:443", true},
		{"https://example.org:8443", false},
		{"https://www.example.org", false},
		{"https://badexample.org", false},
		{"https://example.org.evil.example", false},
		{"https://www.partner.example", true},
		{"https://a.b.partner.example", true},
		{"https://partner.example", false},
		{"http://localhost:3000", true},
		{"http://localhost", false},
		{"null", false},
		{"chrome-extension://example.org", false},
		{"https://example.org@evil.example", false},
		{"%zz", false},
	} {
		for where, want := range map[Where]bool{Anywhere: true, OnSites: c.listed, Nowhere: false, "": true} {
			if got := (Embed{where, sites}).Allows(c.origin); got != want {
				t.Errorf("%s from %s: %v, want %v", where, c.origin, got, want)
			}
		}
	}
	for where, want := range map[Where]string{
		Anywhere: "*", "": "*", Nowhere: "'self'", OnSites: "'self' http://example.org http://*.partner.example http://localhost:3000",
	} {
		if got := (Embed{where, sites}).Ancestors(); got != want {
			t.Errorf("%s: %s, want %s", where, got, want)
		}
	}
}

var embedTests = store.Load(os.DirFS("testdata"))

// What a frame is told is 2 s old at most; while the database is away it is what was known last, and of what was never
// known it is nothing.
func TestFrames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx, now := t.Context(), time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
		account := store.NewID()
		if _, err := store.Exec(ctx, db, embedTests.Get("test_account"), store.Args{"id": account, "at": now}); err != nil {
			t.Fatal(err)
		}
		e := Event{Account: account}
		e.Title, e.StartsAt, e.Kind, e.Access, e.TimeZone = "Launch", now, Webcast, Open, "UTC"
		e.Languages.V, e.Agenda.V, e.Embed.V = []string{}, []AgendaItem{}, Embed{OnSites, []string{"example.org"}}
		e, err := Create(ctx, db, nil, e, strings.NewReader(strings.Repeat("abcdefgh", 100)), now)
		if err != nil {
			t.Fatal(err)
		}
		f := NewFrames(db.DB, func() time.Time { return now })
		check := func(what, slug, origin, ancestors string, refused bool) {
			t.Helper()
			if a, r := f.Frame(ctx, slug, origin); a != ancestors || r != refused {
				t.Errorf("%s: %q %v, want %q %v", what, a, r, ancestors, refused)
			}
		}
		check("listed", e.Slug, "https://example.org", "'self' http://example.org", false)
		check("not listed", e.Slug, "https://other.example", "'self' http://example.org", true)
		check("nobody says who it is", e.Slug, "", "'self' http://example.org", false)
		check("no event", "sample", "https://other.example", "*", false)

		e.Embed.V = Embed{Where: Nowhere}
		if e, err = Update(ctx, db, e); err != nil {
			t.Fatal(err)
		}
		now = now.Add(framesFresh)
		check("changed", e.Slug, "https://example.org", "'self'", true)

		var all sync.WaitGroup // many at once are one reading, and all are told
		now = now.Add(framesFresh)
		for range 50 {
			all.Go(func() { check("at once", e.Slug, "https://example.org", "'self'", true) })
		}
		all.Wait()

		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		check("away", e.Slug, "https://example.org", "'self'", true)
		check("away, and never known", "another", "https://example.org", "'none'", false)
		gone, stop := context.WithCancel(ctx)
		stop()
		if a, _ := f.Frame(gone, e.Slug, ""); a != "'self'" {
			t.Errorf("who asks has left: %s", a)
		}
	})
}
