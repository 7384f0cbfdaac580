package edge_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/edge"
	"freshet/edge/admit"
	"freshet/proto/problem"
)

func TestConfigOfAdmission(t *testing.T) {
	for _, row := range []struct {
		name string
		cfg  edge.Config
		ok   bool
	}{
		{"nothing said", edge.Config{}, true},
		{"capacity and next", edge.Config{Capacity: admit.Rate{Packets: 1, Bits: 1}, Next: []string{"https://e.example/whep", "http://127.0.0.1:80/whep"}}, true},
		{"negative", edge.Config{Capacity: admit.Rate{Bits: -1}}, false},
		{"too many", edge.Config{Next: slices.Repeat([]string{"https://e.example/whep"}, edge.MaxNext+1)}, false},
		{"no scheme", edge.Config{Next: []string{"e.example/whep"}}, false},
		{"no host", edge.Config{Next: []string{"https:///whep"}}, false},
		{"another scheme", edge.Config{Next: []string{"ftp://e.example/whep"}}, false},
		{"a slash at the end", edge.Config{Next: []string{"https://e.example/whep/"}}, false},
		{"a query", edge.Config{Next: []string{"https://e.example/whep?a"}}, false},
		{"a person", edge.Config{Next: []string{"https://me:secret@e.example/whep"}}, false},
		{"a second header", edge.Config{Next: []string{"https://e.example/whep\r\nX: y"}}, false},
		{"the end of the link", edge.Config{Next: []string{"https://e.example/whep>;rel=x"}}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.cfg.Node, row.cfg.Media = "edge-1", "127.0.0.1:0"
			if err := row.cfg.Validate(); (err == nil) != row.ok {
				t.Errorf("got %v, want it valid: %v", err, row.ok)
			}
		})
	}
}

// A full edge refuses before it does anything for the viewer, and says where to go.
func TestFullEdgeSendsViewersOn(t *testing.T) {
	r := newRigOf(t, edge.Config{
		Node: "edge-1", Media: "127.0.0.1:0", Shards: 1, Capacity: admit.Rate{Packets: 10},
		Next: []string{"https://near.example/whep", "https://far.example/whep"},
	})
	r.mesh.put(newPublisher("floor", 1, "").s)
	for _, id := range []string{"floor", "closed", "unheard-of"} { // whether it is there and allowed is not looked at
		status, header, body := call(t, "POST", r.http.URL+"/whep/"+id, "application/sdp", offer(t), nil)
		var p problem.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatalf("body %q: %v", body, err)
		}
		next := []string{"https://near.example/whep/" + id, "https://far.example/whep/" + id}
		links := []string{"<" + next[0] + `>; rel="alternate"`, "<" + next[1] + `>; rel="alternate"`}
		if status != http.StatusServiceUnavailable || p.Type != "/problems/full" || !slices.Equal(p.Next, next) {
			t.Errorf("%s: got %d %+v, want 503 /problems/full and next %v", id, status, p, next)
		}
		if !slices.Equal(header.Values("Link"), links) || header.Get("Retry-After") != "5" || header.Get("Content-Type") != problem.ContentType {
			t.Errorf("%s: header %v, want links %v and Retry-After 5", id, header, links)
		}
		if exposed := header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Link") || !strings.Contains(exposed, "Retry-After") {
			t.Errorf("%s: a page sees %q, want Link and Retry-After too", id, exposed)
		}
	}
	if n := r.metric(t, "freshet_edge_refused_offers_total"); n != 3 {
		t.Errorf("refusals counted: got %v, want 3", n)
	}
	if n := r.mesh.held(); n != 0 {
		t.Errorf("%d streams were pulled for viewers who were refused", n)
	}
	if packets, bits := r.metric(t, "freshet_edge_capacity_packets"), r.metric(t, "freshet_edge_capacity_bits"); packets != 10 || bits < 60_000 || bits > 70_000 {
		t.Errorf("capacity in metrics: got %v packets and %v bits, want 10 and what they make", packets, bits)
	}
}

// Who is inside is served whatever comes: restarts too. When they leave there is place again.
func TestFullEdgeServesWhoIsInside(t *testing.T) {
	r := newRigOf(t, edge.Config{Node: "edge-1", Media: "127.0.0.1:0", Shards: 1, Capacity: admit.Rate{Packets: 200}})
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 30)
	post := func() int {
		status, _, _ := call(t, "POST", r.http.URL+"/whep/floor", "application/sdp", offer(t), nil)
		return status
	}
	v := watch(t, r, "floor", viewerOptions{})
	if got := post(); got != 503 {
		t.Fatalf("a second viewer where there is place for one: got %d, want 503", got)
	}
	v.video.until(t, 10*time.Second, "video", func() bool { return len(v.video.packets) > 10 })
	// 110 packets a second now, by what is sent and no longer by what was expected.
	settle(t, 10*time.Second, "viewer in what is sent", func() bool {
		return r.metric(t, "freshet_edge_joining_packets") == 0 && r.metric(t, "freshet_edge_load_packets") > 100
	})
	if got := post(); got != 503 {
		t.Errorf("a second viewer, the first in what is sent: got %d, want 503", got)
	}
	restart := "a=ice-ufrag:another\r\na=ice-pwd:anotherPasswordOfTheViewer\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
	if status, _, body := call(t, "PATCH", v.location, "application/trickle-ice-sdpfrag", restart, map[string]string{"If-Match": "*"}); status != 200 {
		t.Errorf("PATCH at a full edge: got %d %s, want 200", status, body)
	}
	if status, _, body := call(t, "POST", v.location+"/layer", "application/json", `{"audioOnly":true}`, nil); status != 204 {
		t.Errorf("POST layer at a full edge: got %d %s, want 204", status, body)
	}
	v.delete()
	settle(t, 10*time.Second, "place again", func() bool { return r.metric(t, "freshet_edge_full") == 0 })
	if got := post(); got != 201 {
		t.Errorf("a viewer after the first has left: got %d, want 201", got)
	}
}
