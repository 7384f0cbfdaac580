package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"freshet/control/geo/geotest"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

// joins joins an event from a page of origin; it returns the status, and the kind of problem.
func (b *browser) joins(slug, origin string) (int, string) {
	b.o.t.Helper()
	var headers []string
	if origin != "" {
		headers = []string{"Origin", origin}
	}
	w := b.send("POST", slug+"/join", nil, headers...)
	var p problem.Problem
	_ = json.Unmarshal(w.Body.Bytes(), &p)
	return w.Code, strings.TrimPrefix(p.Type, "/problems/")
}

// A live event is joined from the sites that its organizer has listed, from our own pages, and by programs.
func TestJoinFromSites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		e := opened(o, owner, nil)
		if code, kind := o.browser().joins(e.slug, "https://other.example"); code != 200 {
			t.Errorf("at first, from anywhere: %d %s", code, kind)
		}
		edited := owner.does("PATCH", e.at, object{"embed": object{"where": "listed", "sites": []string{"https://Example.org/", "*.example.org", "example.org"}}}, "If-Match", "*")
		if got := fmt.Sprint(edited["embed"]); got != "map[sites:[example.org *.example.org] where:listed]" {
			t.Errorf("%s", got)
		}
		for origin, code := range map[string]int{
			"": 200, "https://example.org": 200, "https://www.example.org": 200, "https://other.example": 403, "null": 403,
			"https://webcasts.example": 200, "http://example.com": 200, // our own: as it is called, and as it was asked
			"https://example.com.evil.example": 403,
		} {
			got, kind := o.browser().joins(e.slug, origin)
			if got != code || code == 403 && kind != "embed-refused" {
				t.Errorf("from %q: %d %s, want %d", origin, got, kind, code)
			}
		}
		owner.does("PATCH", e.at, object{"embed": object{"where": "nowhere"}}, "If-Match", "*")
		for origin, code := range map[string]int{"": 200, "https://example.org": 403, "https://webcasts.example": 200} {
			if got, kind := o.browser().joins(e.slug, origin); got != code {
				t.Errorf("nowhere, from %q: %d %s, want %d", origin, got, kind, code)
			}
		}
		copied := owner.does("POST", e.at+"/clone", nil)
		if got := fmt.Sprint(copied["embed"]); got != "map[where:nowhere]" {
			t.Errorf("a copy: %s", got)
		}
	})
}

// Who may not come for where they come from is told so, at the door and at each join, and not by which list.
func TestFiltersAtTheDoor(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hear(o)
		e := opened(o, owner, nil)
		edited := owner.does("PATCH", e.at, object{"filters": object{
			"allowAddresses": []string{"203.0.113.9/24", "2001:db8::/32"}, "denyAddresses": []string{"203.0.113.66"},
			"allowDomains": []string{"@Example.org", "*.example.org"}, "denyDomains": []string{"guest.example.org"},
		}}, "If-Match", "*")
		want := "map[allowAddresses:[203.0.113.0/24 2001:db8::/32] allowCountries:[] allowDomains:[example.org *.example.org] denyAddresses:[203.0.113.66] denyCountries:[] denyDomains:[guest.example.org]]"
		if got := fmt.Sprint(edited["filters"]); got != want {
			t.Errorf("%s", got)
		}
		for from, code := range map[string]int{
			"203.0.113.7:1": 200, "[2001:db8::1]:1": 200, "203.0.113.66:1": 403, "198.51.100.1:1": 403, "[::ffff:203.0.113.66]:1": 403,
		} {
			got, kind := o.at(from).joins(e.slug, "")
			if got != code || code == 403 && kind != "not-here" {
				t.Errorf("join from %s: %d %s, want %d", from, got, kind, code)
			}
			w := o.at(from).send("POST", e.slug+"/enter", object{"name": "Zoé", "email": "zoe@example.org"})
			if w.Code != code {
				t.Errorf("enter from %s: %d %s, want %d", from, w.Code, w.Body, code)
			}
		}
		for email, code := range map[string]int{"zoe@example.org": 200, "zoe@ca.example.org": 200, "zoe@guest.example.org": 403, "zoe@other.example": 403} {
			w := o.browser().send("POST", e.slug+"/enter", object{"name": "Zoé", "email": email})
			if w.Code != code || code == 403 && (!strings.Contains(w.Body.String(), "/problems/not-here") || strings.Contains(w.Body.String(), "domain")) {
				t.Errorf("%s: %d %s, want %d", email, w.Code, w.Body, code)
			}
		}
		owner.does("PATCH", e.at, object{"filters": object{
			"allowAddresses": []string{}, "denyAddresses": []string{}, "allowDomains": []string{}, "denyDomains": []string{},
		}}, "If-Match", "*")
		if got, kind := o.at("198.51.100.1:1").joins(e.slug, ""); got != http.StatusOK {
			t.Errorf("without lists: %d %s", got, kind)
		}
	})
}

// Whoever registers is held to both lists, too; a guest whom somebody has added is not held to that of domains.
func TestFiltersAtRegistration(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, e := o.plan(owner, object{"access": "registration", "filters": object{
		"allowAddresses": []string{}, "denyAddresses": []string{"198.51.100.0/24"}, "allowDomains": []string{"example.org"}, "denyDomains": []string{},
	}})
	slug := "/events/" + e["slug"].(string)
	for _, row := range []struct {
		from, email string
		code        int
	}{
		{"203.0.113.7:1", "zoe@example.org", 202}, {"203.0.113.7:1", "zoe@other.example", 403}, {"198.51.100.7:1", "ana@example.org", 403},
	} {
		w := o.at(row.from).send("POST", slug+"/register", object{"name": "Zoé", "email": row.email})
		if w.Code != row.code || row.code == 403 && !strings.Contains(w.Body.String(), "/problems/not-here") {
			t.Errorf("%+v: %d %s", row, w.Code, w.Body)
		}
	}
	added := owner.does("POST", at+"/guests", object{"guests": []object{{"name": "Bob", "email": "bob@other.example"}}})
	if added["added"] != 1.0 {
		t.Errorf("%v", added)
	}
}

// Countries are held to at the door, at each join and at registration; who comes from where nobody knows is in no list.
func TestCountries(t *testing.T) {
	w := newWorld(t, nil)
	at := func(name string) string {
		i := slices.IndexFunc(geotest.Cities, func(c geotest.City) bool { return c.Name == name })
		return fmt.Sprintf("%s:1", geotest.IPv4(i))
	}
	none := []string{}
	registering, e := w.plan(w.owner, object{"access": "registration"})
	register := "/events/" + e["slug"].(string) + "/register"
	for n, row := range []struct {
		allow, deny []string
		came        map[string]bool
	}{
		{[]string{"ca", "US", "CA"}, none, map[string]bool{"Montreal": true, "Boston": true, "Lyon": false, "": false}},
		{none, []string{"FR"}, map[string]bool{"Montreal": true, "Lyon": false, "": true}},
		{none, none, map[string]bool{"Lyon": true, "": true}},
	} {
		lists := object{
			"allowAddresses": none, "denyAddresses": none, "allowDomains": none, "denyDomains": none,
			"allowCountries": row.allow, "denyCountries": row.deny,
		}
		for _, path := range []string{w.at, registering} {
			w.owner.does("PATCH", path, object{"filters": lists}, "If-Match", "*")
			delete(lists, "allowCountries") // says nothing of countries: they stay
			delete(lists, "denyCountries")
			w.owner.does("PATCH", path, object{"filters": lists}, "If-Match", "*")
			lists["allowCountries"], lists["denyCountries"] = row.allow, row.deny
		}
		for city, came := range row.came {
			from := "10.1.2.3:1"
			if city != "" {
				from = at(city)
			}
			body := object{"name": "Zoé", "email": fmt.Sprintf("zoe-%d@%s.example", n, strings.ToLower(city)+"x")}
			for path, ok := range map[string]int{w.slug + "/join": 200, w.slug + "/enter": 200, register: 202} {
				var sent any = body
				if strings.HasSuffix(path, "/join") {
					sent = nil
				}
				got := w.office.at(from).send("POST", path, sent)
				if want := map[bool]int{true: ok, false: 403}[came]; got.Code != want || want == 403 && !strings.Contains(got.Body.String(), "/problems/not-here") {
					t.Errorf("%v: %q at %s: %d %s, want %d", row, city, path, got.Code, got.Body, want)
				}
			}
		}
	}
	edited := w.owner.does("GET", w.at, nil)
	if got := fmt.Sprint(edited["filters"]); !strings.Contains(got, "allowCountries:[]") {
		t.Errorf("%s", got)
	}
}

func TestBadSitesAndFilters(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, _ := o.plan(owner, nil)
	lists := func(name string, values ...string) object {
		f := object{"allowAddresses": []string{}, "denyAddresses": []string{}, "allowDomains": []string{}, "denyDomains": []string{}}
		f[name] = values
		return object{"filters": f}
	}
	many := func(n int, format string) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf(format, i%250))
		}
		return all
	}
	for _, c := range []struct {
		name    string
		body    object
		pointer string
	}{
		{"a block that no mail has", object{"mailHidden": []string{"logo", "phone"}}, "/mailHidden/1"},
		{"another place", object{"embed": object{"where": "everywhere"}}, "/embed/where"},
		{"no place", object{"embed": object{"sites": []string{"example.org"}}}, "/embed"},
		{"a source of a policy", object{"embed": object{"where": "listed", "sites": []string{"ok.example", "a; script-src *"}}}, "/embed/sites/1"},
		{"all", object{"embed": object{"where": "listed", "sites": []string{"*"}}}, "/embed/sites/0"},
		{"many sites", object{"embed": object{"where": "listed", "sites": many(51, "s%d.example")}}, "/embed/sites"},
		{"long sites", object{"embed": object{"where": "listed", "sites": many(50, strings.Repeat("a", 60)+".s%d.example")}}, "/embed/sites"},
		{"no network", lists("denyAddresses", "192.0.2.1", "192.0.2.0/33"), "/filters/denyAddresses/1"},
		{"a name for a network", lists("allowAddresses", "example.org"), "/filters/allowAddresses/0"},
		{"many networks", lists("allowAddresses", many(201, "192.0.2.%d")...), "/filters/allowAddresses"},
		{"an address for a domain", lists("allowDomains", "zoe@example.org"), "/filters/allowDomains/0"},
		{"no country", lists("allowCountries", "CA", "EU"), "/filters/allowCountries/1"},
		{"a name for a country", lists("denyCountries", "Canada"), "/filters/denyCountries/0"},
		{"many countries", lists("denyCountries", many(201, "C%d")...), "/filters/denyCountries"},
		{"many domains", lists("denyDomains", many(201, "d%d.example")...), "/filters/denyDomains"},
	} {
		p := owner.fails(422, "invalid", "PATCH", at, c.body, "If-Match", "*")
		if len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer {
			t.Errorf("%s: %+v, want one at %s", c.name, p.Errors, c.pointer)
		}
	}
	if w := owner.send("GET", at, nil); w.Header().Get("ETag") != `"1"` {
		t.Errorf("%s %s", w.Header().Get("ETag"), w.Body)
	}
}
