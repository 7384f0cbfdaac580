package edge_test

import (
	"strings"
	"testing"

	"freshet/edge"
)

// A viewer can ask how its stream comes to the edge, while its session lasts.
func TestStats(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	stop := p.run(t, 15)
	defer stop()
	v := watch(t, r, "floor", viewerOptions{})
	path := ""
	for _, link := range v.links {
		if strings.Contains(link, `rel="`+edge.StatsLink+`"`) {
			path = strings.TrimPrefix(link[:strings.Index(link, ">")], "<")
		}
	}
	if path == "" {
		t.Fatalf("Link: got %q, want relation %s among them", v.links, edge.StatsLink)
	}
	url := path
	if strings.HasPrefix(path, "/") {
		url = r.http.URL + path
	}
	want := `{"stream":"floor","node":"edge-1","hops":[` +
		`{"node":"edge-0","upstream":"origin-1","rtt_ms":1.5,"received":1000,"lost":0,"repaired_below":0,"missing":0,"repaired":0,"gone":0,"late":0,"shed":0,"room_bps":0,"rate_bps":0,"switches":0},` +
		`{"node":"edge-1","upstream":"edge-0","rtt_ms":80,"received":999,"lost":21,"repaired_below":20,"missing":5,"repaired":4,"gone":1,"late":3,"shed":2,"room_bps":4000000,"rate_bps":3500000,"switches":6}]}`
	status, header, body := call(t, "GET", url, "", "", nil)
	if status != 200 || strings.TrimSpace(body) != want {
		t.Errorf("GET stats: got %d %s\nwant %s", status, body, want)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Content-Type": "application/json"} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, row := range []struct {
		method, url string
		want        int
		allow       string
	}{
		{"POST", url, 405, "GET, OPTIONS"}, {"DELETE", url, 405, "GET, OPTIONS"}, {"GET", url + "/x", 404, ""}, {"GET", url + "x", 404, ""},
		{"PUT", strings.TrimSuffix(url, "stats") + "layer", 405, "GET, POST, OPTIONS"},
		{"GET", strings.Replace(url, "floor", "other", 1), 404, ""},
	} {
		status, header, _ := call(t, row.method, row.url, "application/json", "{}", nil)
		if status != row.want || header.Get("Allow") != row.allow {
			t.Errorf("%s %s: got %d, Allow %q; want %d, %q", row.method, row.url, status, header.Get("Allow"), row.want, row.allow)
		}
	}
	if status, _, _ := call(t, "DELETE", strings.TrimSuffix(url, "/stats"), "", "", nil); status != 200 && status != 204 {
		t.Fatalf("DELETE: got %d", status)
	}
	if status, _, _ := call(t, "GET", url, "", "", nil); status != 404 {
		t.Errorf("GET stats after the end: got %d, want 404", status)
	}
}
