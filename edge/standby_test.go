package edge_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"freshet/edge"
	"freshet/edge/admit"
	"freshet/proto/problem"
)

// turn tells v's session to play or to pause.
func (v *viewer) turn(what string) (status int, kind string) {
	v.t.Helper()
	status, _, body := call(v.t, "POST", v.location+"/"+what, "", "", nil)
	if status == http.StatusNoContent {
		return status, ""
	}
	var p problem.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status {
		v.t.Errorf("%s: %d %q", what, status, body)
	}
	return status, p.Type
}

func (v *viewer) must(what string) {
	v.t.Helper()
	if status, kind := v.turn(what); status != http.StatusNoContent {
		v.t.Fatalf("%s: %d %s, want 204", what, status, kind)
	}
}

func (v *viewer) counts() (packets int) {
	for _, r := range []*received{v.video, v.audio} {
		r.mu.Lock()
		packets += len(r.packets)
		r.mu.Unlock()
	}
	return packets
}

func standbys(t *testing.T, r *rig, n float64) {
	t.Helper()
	settle(t, 10*time.Second, "standbys", func() bool { return r.metric(t, "freshet_edge_standbys") == n })
}

// A session that stands by is connected, gets nothing and is no viewer. Told to play, it has a picture at once.
func TestStandby(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.cache(time.Second)
	r.mesh.put(p.s)
	p.run(t, 1<<30) // a key frame only in what is cached
	v := watch(t, r, "floor", viewerOptions{standby: true})
	for _, rel := range []string{edge.PlayLink, edge.PauseLink} {
		if !slices.ContainsFunc(v.links, func(l string) bool { return strings.Contains(l, rel) }) {
			t.Errorf("no link of %s in %v", rel, v.links)
		}
	}
	standbys(t, r, 1)
	if n := len(r.Viewers()); n != 0 || r.metric(t, "freshet_edge_viewers") != 0 {
		t.Errorf("it counts as a viewer: %d", n)
	}
	settle(t, 10*time.Second, "a second without media", func() bool { return time.Since(v.opened) > time.Second })
	if n := v.counts(); n != 0 {
		t.Errorf("%d packets of media before it was told to play", n)
	}

	worst := stalls(t)
	told := time.Now()
	v.must("play")
	v.video.until(t, 5*time.Second, "a picture", func() bool { return len(v.video.packets) > 0 })
	v.video.mu.Lock()
	took := v.video.at[0].Sub(told)
	v.video.mu.Unlock()
	if more := worst(); took > 100*time.Millisecond+more {
		t.Errorf("the first packet came after %v, want 100 ms at most", took)
	}
	v.must("play") // once more changes nothing
	if n := r.Viewers()["floor"]; n != 1 || r.metric(t, "freshet_edge_standbys") != 0 {
		t.Errorf("%d viewers after it was told to play, want 1", n)
	}
	v.video.until(t, 5*time.Second, "30 packets", func() bool { return len(v.video.packets) > 30 })

	v.must("pause")
	v.must("pause")
	if n := len(r.Viewers()); n != 0 || r.metric(t, "freshet_edge_standbys") != 1 {
		t.Errorf("%d viewers after it was paused, want none", n)
	}
	v.must("play")
	v.must("pause")
	if status, kind := v.turn("play"); status != http.StatusTooManyRequests || kind != "/problems/too-many" {
		t.Errorf("told to play twice in a moment: %d %s, want 429", status, kind)
	}
	if n := r.metric(t, "freshet_edge_standbys"); n != 1 {
		t.Errorf("standbys after a refused play: %v", n)
	}
	v.delete()
	if n := len(r.Viewers()); n != 0 || r.metric(t, "freshet_edge_standbys") != 0 {
		t.Error("it is counted after its end")
	}
	if status, _ := v.turn("play"); status != http.StatusNotFound {
		t.Errorf("play after the end: %d, want 404", status)
	}
	pictures := v.video.pictures(t) // fails on jumps in numbers
	if !pictures[0].key {
		t.Error("the first picture is no key frame")
	}
	t.Logf("first packet %v after it was told to play", took.Round(10*time.Microsecond))
}

// One that is told to play while it shakes hands begins like any viewer.
func TestStandbyPlaysBeforeItIsConnected(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 30)
	v := watch(t, r, "floor", viewerOptions{standby: true})
	v.must("play")
	v.video.until(t, 10*time.Second, "10 packets", func() bool { return len(v.video.packets) > 10 })
	if n := r.Viewers()["floor"]; n != 1 || r.metric(t, "freshet_edge_standbys") != 0 {
		t.Errorf("%d viewers, want 1, and no standby", n)
	}
}

func TestStandbyBadInput(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	r.mesh.put(newPublisher("floor", 1, "").s)
	for _, query := range []string{"?standby=hot", "?standby=WARM", "?standby=" + strings.Repeat("w", 4000)} {
		status, _, body := call(t, "POST", r.http.URL+"/whep/floor"+query, "application/sdp", offer(t), nil)
		if status != http.StatusBadRequest || !strings.Contains(body, "/problems/standby-unknown") {
			t.Errorf("%.20s: %d %s, want 400", query, status, body)
		}
	}
	v := watch(t, r, "floor", viewerOptions{standby: true})
	for _, what := range []string{"play", "pause"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
			status, header, _ := call(t, method, v.location+"/"+what, "", "", nil)
			if status != http.StatusMethodNotAllowed || header.Get("Allow") != "POST, OPTIONS" {
				t.Errorf("%s %s: %d, Allow %q", method, what, status, header.Get("Allow"))
			}
		}
		other := v.location[:len(v.location)-1] + "!"
		if status, _, _ := call(t, "POST", other+"/"+what, "", "", nil); status != http.StatusNotFound {
			t.Errorf("%s of a session that is not: %d, want 404", what, status)
		}
	}
	if status, _, _ := call(t, "POST", v.location+"/playing", "", "", nil); status != http.StatusNotFound {
		t.Errorf("what is not there: %d, want 404", status)
	}
}

// An edge that has room for one viewer more refuses to be stood by at, takes the viewer, and has a standby play only while
// there is room.
func TestLoadedEdgeRefusesStandbysFirst(t *testing.T) {
	r := newRigOf(t, edge.Config{
		Node: "edge-1", Media: "127.0.0.1:0", Shards: 1, Capacity: admit.Rate{Packets: 300},
		Next: []string{"https://near.example/whep"},
	})
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 30) // 110 packets a second; 150 or so are expected before that is known
	by := watch(t, r, "floor", viewerOptions{standby: true})
	standbys(t, r, 1)
	post := func(query string) (int, http.Header) {
		status, header, _ := call(t, "POST", r.http.URL+"/whep/floor"+query, "application/sdp", offer(t), nil)
		return status, header
	}
	settle(t, 10*time.Second, "refused standbys", func() bool {
		status, header := post("?standby=warm")
		if status == http.StatusServiceUnavailable && (header.Get("Retry-After") == "" || !strings.Contains(header.Get("Link"), "near.example")) {
			t.Errorf("503 with %v", header)
		}
		return status == http.StatusServiceUnavailable
	})
	if n, err := testutil.GatherAndCount(r.reg, "freshet_edge_refused_offers_total"); err != nil || n != 1 {
		t.Errorf("%d kinds of refusals are counted: %v", n, err)
	}
	if n := r.metric(t, "freshet_edge_full"); n != 0 {
		t.Error("full for viewers, by standbys")
	}
	viewers := 0
	for status := http.StatusCreated; status == http.StatusCreated && viewers < 10; viewers++ {
		status, _ = post("")
	}
	if viewers < 2 {
		t.Error("no viewer was let in beside standbys")
	}
	if status, kind := by.turn("play"); status != http.StatusServiceUnavailable || kind != "/problems/full" {
		t.Errorf("play at a full edge: %d %s, want 503", status, kind)
	}
	r.SetService(edge.Draining)
	if status, kind := by.turn("play"); status != http.StatusServiceUnavailable || kind != "/problems/draining" {
		t.Errorf("play at an edge that is drained: %d %s, want 503", status, kind)
	}
	if status, _ := post("?standby=warm"); status != http.StatusServiceUnavailable {
		t.Errorf("a standby at an edge that is drained: %d, want 503", status)
	}
}

// tokens lets everyone in by a token of a session that the bearer names.
type tokens struct{}

func (tokens) CheckViewer(_, bearer string, _ time.Time) (string, error) { return bearer, nil }

// A token's standbys have a share of their own: two on a stream, and they play only in place of those that play.
func TestStandbysOfAToken(t *testing.T) {
	r := newRigFor(t, edge.Config{Node: "edge-1", Media: "127.0.0.1:0", Shards: 1}, tokens{})
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 30)
	var playing, by []*viewer
	for n := range 2 {
		playing = append(playing, watch(t, r, "floor", viewerOptions{bearer: "s1"}))
		settle(t, 10*time.Second, "a viewer", func() bool { return r.Viewers()["floor"] == n+1 })
		by = append(by, watch(t, r, "floor", viewerOptions{bearer: "s1", standby: true}))
		standbys(t, r, float64(n+1))
	}
	status, _, _ := call(t, "POST", r.http.URL+"/whep/floor?standby=warm", "application/sdp", offer(t), map[string]string{"Authorization": "Bearer s1"})
	if status != http.StatusConflict {
		t.Errorf("a third standby: %d, want 409", status)
	}
	if status, kind := by[0].turn("play"); status != http.StatusConflict || kind != "/problems/too-many-sessions" {
		t.Errorf("a third that plays: %d %s, want 409", status, kind)
	}
	playing[0].delete()
	by[0].must("play")
	if n := r.Viewers()["floor"]; n != 2 {
		t.Errorf("%d viewers, want 2", n)
	}
}
