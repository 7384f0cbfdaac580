package edge_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v3"
)

// A viewer whose connection closes is gone, while its DTLS is still there and after.
func TestViewerLeaves(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
	}{{"at once", 0}, {"after DTLS was dropped", 2500 * time.Millisecond}} {
		t.Run(row.name, func(t *testing.T) {
			r := newRig(t, "127.0.0.1:0")
			p := newPublisher("floor", 1, "")
			r.mesh.put(p.s)
			p.run(t, 30)
			v := watch(t, r, "floor", viewerOptions{})
			v.video.until(t, 10*time.Second, "video", func() bool {
				return len(v.video.packets) > 10 && time.Since(v.video.at[0]) > row.after
			})
			settle(t, 5*time.Second, "viewer counted", func() bool { return r.Viewers()["floor"] == 1 })
			if err := v.pc.Close(); err != nil {
				t.Fatal(err)
			}
			settle(t, 10*time.Second, "viewer gone", func() bool { return len(r.Viewers()) == 0 })
			settle(t, 5*time.Second, "lease released", func() bool { return r.mesh.held() == 0 })
			if status, _, _ := call(t, "DELETE", v.location, "", "", nil); status != 404 {
				t.Errorf("DELETE after the end: got %d, want 404", status)
			}
		})
	}
}

// settle waits until ok holds, looking every few milliseconds: for states that nothing announces.
func settle(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(d)
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// 500 viewers (100 in the short form) who come and go leave nothing behind: no goroutine, no lease, no heap.
func TestJoinsAndLeaves(t *testing.T) {
	again := 24
	if testing.Short() {
		again = 4
	}
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	p.cache(time.Second)
	r.mesh.put(p.s)
	rounds := func(n int) {
		// A subtest, so that what belongs to the clients is let go of with it.
		t.Run("", func(t *testing.T) {
			for range n {
				round(t, r)
			}
		})
	}
	rounds(1) // pools and maps grow once
	settle(t, 10*time.Second, "DTLS gone", func() bool { return runtime.NumGoroutine() < 60 })
	goroutines, before := runtime.NumGoroutine(), heap()
	rounds(again)
	settle(t, 10*time.Second, "goroutines back", func() bool { return runtime.NumGoroutine() <= goroutines+5 })
	if grown := int64(heap()) - int64(before); grown > 2<<20 {
		t.Errorf("heap grew by %d bytes over %d joins and leaves", grown, 20*again)
	}
}

// round has 20 viewers come and go, half of them by DELETE.
func round(t *testing.T, r *rig) {
	t.Helper()
	var all []*viewer
	for range 20 {
		all = append(all, watch(t, r, "floor", viewerOptions{noAudio: true}))
	}
	for i, v := range all {
		v.video.until(t, 20*time.Second, "video", func() bool { return len(v.video.packets) > 0 })
		if i%2 == 0 {
			v.delete()
		}
		if err := v.pc.Close(); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, 15*time.Second, "all gone", func() bool { return len(r.Viewers()) == 0 && r.mesh.held() == 0 })
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// ICE restarts by PATCH: new credentials, a new ETag, and the stream goes on.
func TestRestart(t *testing.T) {
	r := newRig(t, "127.0.0.1:0")
	p := newPublisher("floor", 1, "")
	r.mesh.put(p.s)
	p.run(t, 30)
	v := watch(t, r, "floor", viewerOptions{})
	v.video.until(t, 10*time.Second, "video", func() bool { return len(v.video.packets) > 10 })
	offer, err := v.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(v.pc)
	if err := v.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	sdp := v.pc.LocalDescription().SDP
	fragment := "a=ice-ufrag:" + line(sdp, "a=ice-ufrag:") + "\r\na=ice-pwd:" + line(sdp, "a=ice-pwd:") + "\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
	status, header, body := call(t, "PATCH", v.location, "application/trickle-ice-sdpfrag", fragment, map[string]string{"If-Match": "*"})
	if status != 200 || header.Get("ETag") == v.etag || header.Get("ETag") == "" {
		t.Fatalf("PATCH: got %d, ETag %s after %s: %s", status, header.Get("ETag"), v.etag, body)
	}
	answer := v.pc.RemoteDescription().SDP
	answer = strings.ReplaceAll(answer, line(answer, "a=ice-ufrag:"), line(body, "a=ice-ufrag:"))
	answer = strings.ReplaceAll(answer, line(answer, "a=ice-pwd:"), line(body, "a=ice-pwd:"))
	if err := v.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	settle(t, 10*time.Second, "connected again", func() bool { return v.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected })
	v.video.mu.Lock()
	n := len(v.video.packets)
	v.video.mu.Unlock()
	// The client drops some packets while it has no pair, so only that they go on is looked at.
	v.video.until(t, 10*time.Second, "video after the restart", func() bool { return len(v.video.packets) > n+60 })
}

func line(sdp, prefix string) string {
	for l := range strings.Lines(sdp) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(l), prefix); ok {
			return rest
		}
	}
	return ""
}
