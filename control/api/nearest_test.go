package api

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/geo"
	"freshet/control/geo/geotest"
	"freshet/control/node"
	"freshet/control/route"
	"freshet/control/store/storetest"
	pb "freshet/proto"
)

// A world is a live event on edges around the world, and a database of places.
type world struct{ hall }

var regions = []string{"yul", "nyc", "gru", "par", "fra", "jnb", "bom", "sin", "tyo", "syd"}

func newWorld(t *testing.T, fields object) world {
	o, owner := founded(t, storetest.New(t))
	var err error
	o.places, err = geo.Open(geotest.Write(t, t.TempDir()), geo.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} // where its proxy stands
	o.api = New(Config{Version: "1", Pages: "https://webcasts.example", Trusted: loopback}, o.deps())
	w := world{opened(o, owner, fields)}
	for _, r := range regions {
		w.edge(r, nil)
	}
	return w
}

// edge has the edge of a region be heard, as change says.
func (w world) edge(region string, change func(*node.Node)) {
	p, _ := geo.Region(region)
	n := node.Node{Name: "edge-" + region, Role: "edge", Region: region, At: &p, Heard: time.Now(), Facts: &pb.NodeFacts{
		Whep: "https://" + region + ".example/whep", Rtt: "https://" + region + ".example/rtt",
	}}
	if change != nil {
		change(&n)
	}
	w.api.d.Fleet.Hear(n)
}

// A way is what a join tells.
type way struct {
	edges, probes, session string // regions of the first two
	token                  string
}

func (w world) join(from string, bearer string, body any) (got way) {
	w.t.Helper()
	b := w.with(bearer)
	b.from = from
	j := b.does("POST", w.slug+"/join", body)
	names := func(list any) string {
		var all []string
		items, _ := list.([]any)
		for _, i := range items {
			all = append(all, strings.TrimPrefix(i.(object)["node"].(string), "edge-"))
		}
		return strings.Join(all, " ")
	}
	return way{names(j["edges"]), names(j["probes"]), j["session"].(string), j["token"].(string)}
}

func TestJoinByPlace(t *testing.T) {
	w := newWorld(t, nil)
	for city, want := range map[string]string{
		"Montreal": "yul nyc", "Mexico City": "nyc yul", "Rio de Janeiro": "gru", "Lyon": "par fra", "Berlin": "fra par", "Nairobi": "jnb",
		"Dubai": "bom", "Jakarta": "sin", "Seoul": "tyo", "Auckland": "syd",
	} {
		i := slices.IndexFunc(geotest.Cities, func(c geotest.City) bool { return c.Name == city })
		for _, from := range []string{fmt.Sprintf("%s:1", geotest.IPv4(i)), fmt.Sprintf("[%s]:1", geotest.IPv6(i)), fmt.Sprintf("[::ffff:%s]:1", geotest.IPv4(i))} {
			got := w.join(from, "", nil)
			if !strings.HasPrefix(got.edges, want) || len(strings.Fields(got.edges)) != 3 {
				t.Errorf("%s, %s: %q, want %q first", city, from, got.edges, want)
			}
			if close := strings.Contains("Mexico City, Lyon", city); close != (got.probes != "") {
				t.Errorf("%s: %q are to be measured", city, got.probes)
			}
			d, ok := w.api.d.Why.Of(uuid.MustParse(got.session), time.Now())
			c := geotest.Cities[i]
			if !ok || d.Country != c.Country || d.City.EN != c.Name || "edge-"+strings.Fields(got.edges)[0] != d.Choice || len(d.Candidates) != route.Kept ||
				d.Candidates[0].Km == route.Unknown || d.Measured || "/events/"+d.Event != w.slug {
				t.Errorf("%s: why: %+v %v", city, d, ok)
			}
			if text := fmt.Sprintf("%+v", d); strings.Contains(text, geotest.IPv4(i).String()) || strings.Contains(text, geotest.IPv6(i).String()) {
				t.Errorf("%s: the address is kept: %s", city, text)
			}
		}
	}
}

// An edge over its load is passed over, one that is away is not named, and neither is one that a viewer says has failed
// it, until 30 s later, whatever it says meanwhile.
func TestJoinPassesOver(t *testing.T) {
	w := newWorld(t, nil)
	lyon := fmt.Sprintf("%s:1", geotest.IPv4(20))
	if got := w.join(lyon, "", nil); !strings.HasPrefix(got.edges, "par fra") {
		t.Fatalf("at first: %q", got.edges)
	}
	w.edge("par", func(n *node.Node) { n.Facts.LoadPermille = 950 })
	if got := w.join(lyon, "", nil); got.edges != "fra yul nyc" {
		t.Errorf("over its load: %q", got.edges)
	}
	w.edge("par", func(n *node.Node) { n.Away = true })
	if got := w.join(lyon, "", nil); got.edges != "fra yul nyc" {
		t.Errorf("away: %q", got.edges)
	}
	w.edge("par", nil)
	got := w.join(lyon, "", object{"failed": []string{"edge-par", "edge-gone"}})
	if got.edges != "fra yul nyc" {
		t.Errorf("failed: %q", got.edges)
	}
	again := w.join(lyon, got.token, nil)
	if again.edges != "fra yul nyc" || again.session != got.session {
		t.Errorf("failed, asked again: %q", again.edges)
	}
	session := uuid.MustParse(got.session)
	d, _ := w.api.d.Why.Of(session, time.Now())
	if _, ok := d.Failed["edge-par"]; !ok || len(d.Failed) != 1 {
		t.Errorf("failed: %v", d.Failed)
	}
	d.Failed = map[string]time.Time{"edge-par": time.Now().Add(-route.Rest)}
	w.api.d.Why.Keep(session, d)
	if got := w.join(lyon, got.token, nil); !strings.HasPrefix(got.edges, "par fra") {
		t.Errorf("30 s later: %q", got.edges)
	}
}

// A viewer of whom nobody knows where it is measures, and is believed about its way, and about nothing else.
func TestJoinByRoundTrips(t *testing.T) {
	w := newWorld(t, nil)
	const private = "10.1.2.3:1"
	first := w.join(private, "", nil)
	if n := len(strings.Fields(first.probes)); n != 8 {
		t.Fatalf("%d probes: %q", n, first.probes)
	}
	got := w.join(private, first.token, object{"rtt": object{"edge-tyo": 12.5, "edge-sin": 70, "edge-par": 240, "edge-gone": 1}})
	if !strings.HasPrefix(got.edges, "tyo sin") || got.probes != "" || got.session != first.session {
		t.Errorf("%+v", got)
	}
	d, ok := w.api.d.Why.Of(uuid.MustParse(got.session), time.Now())
	if !ok || !d.Measured || d.Country != "" || d.Candidates[0].RTT != 12500*time.Microsecond || d.Candidates[0].Km != route.Unknown {
		t.Errorf("why: %+v %v", d, ok)
	}
	for _, c := range []struct {
		rtt  object
		want string
	}{
		{object{"edge-tyo": -50, "edge-sin": 1}, "sin tyo"}, // both at no distance; it is Singapore's turn or Tokyo's
		{object{"edge-tyo": 1e300, "edge-sin": 1}, "sin"},
	} {
		got := w.join(private, first.token, object{"rtt": c.rtt})
		if first := strings.Fields(got.edges)[0]; !strings.Contains(c.want, first) {
			t.Errorf("%v: %q", c.rtt, got.edges)
		}
		d, _ := w.api.d.Why.Of(uuid.MustParse(got.session), time.Now())
		for _, x := range d.Candidates {
			if x.RTT != route.Unknown && (x.RTT < 0 || x.RTT > mostRTT) {
				t.Errorf("%v: %s is %v away", c.rtt, x.Node, x.RTT)
			}
		}
	}
	many := object{}
	for i := range 17 {
		many[fmt.Sprint("edge-", i)] = 1
	}
	for _, bad := range []object{
		{"rtt": many}, {"rtt": object{"edge-tyo": "near"}}, {"rtt": []int{1}}, {"failed": slices.Repeat([]string{"edge-tyo"}, 9)}, {"failed": "edge-tyo"},
	} {
		if p := w.browser().fails(422, "invalid", "POST", w.slug+"/join", bad); len(p.Errors) == 0 {
			t.Errorf("%v: %+v", bad, p)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	for _, row := range []struct{ from, told, want string }{
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "192.0.2.9", "192.0.2.9"},
		{"10.0.0.1:1", "198.51.100.66, 192.0.2.9, 10.0.0.2", "192.0.2.9"},
		{"[2001:db8::1]:1", "2001:db8:1::9", "2001:db8:1::9"},
		{"10.0.0.1:1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"203.0.113.7:1", "192.0.2.9", "203.0.113.7"}, // nobody's proxy
		{"10.0.0.1:1", "192.0.2.9, nonsense", ""},
		{"[::ffff:10.0.0.1]:1", "::ffff:192.0.2.9", "192.0.2.9"},
	} {
		api := New(Config{Version: "1", Pages: "https://webcasts.example", Proxied: true, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/64")}}, o.deps())
		b := &browser{o: &office{t: t, api: api, db: o.db}, from: row.from, jar: map[string]string{}}
		var headers []string
		if row.told != "" {
			headers = []string{"X-Forwarded-For", row.told}
		}
		if got := b.tells(headers...); got != row.want {
			t.Errorf("%+v: %s", row, got)
		}
	}
}
