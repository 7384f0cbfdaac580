package proof_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/load"
	"freshet/bench/testmesh"
)

// A watcher notes what a viewer gets while the publisher changes below it.
type watcher struct {
	mu       sync.Mutex
	last     map[string]rtp.Header
	at       time.Time
	gap      time.Duration // longest between two packets of video
	backward []string
}

// repairedMost is how many numbers a packet that was sent again may be behind the newest.
const repairedMost = 128

func (w *watcher) packet(kind, _ string, p *rtp.Packet, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.last[kind]; ok {
		number, stamp := int16(p.SequenceNumber-before.SequenceNumber), int32(p.Timestamp-before.Timestamp)
		switch {
		case number < 0 && number > -repairedMost && stamp <= 0: // it was lost before, and belongs where it says
			return
		case number <= 0 || stamp < 0:
			w.backward = append(w.backward, kind)
		}
		if p.SSRC != before.SSRC {
			w.backward = append(w.backward, kind+" changed its SSRC")
		}
	}
	w.last[kind] = p.Header
	if kind == "video" {
		if !w.at.IsZero() {
			w.gap = max(w.gap, at.Sub(w.at))
		}
		w.at = at
	}
}

// When the publisher falls silent, or ends, its warm backup is on the air within a second, and a viewer two
// hops away plays on in the same session with numbers and times that only rise.
func TestBackup(t *testing.T) {
	for _, way := range []string{"silent", "ended"} {
		t.Run(way, func(t *testing.T) {
			m := testmesh.New(t, testmesh.Chain(2))
			cfg := load.RawConfig{Rate: 30, KeyEvery: 60, KeyOnAsk: true, Audio: true}
			first, stop := m.Publish(cfg)
			backup, _ := m.Publish(cfg)

			w := &watcher{last: map[string]rtp.Header{}}
			m.Background("viewer", func(ctx context.Context) error {
				return load.Play(ctx, load.PlayConfig{URL: m.Last().WHEP(testmesh.Stream), Packet: w.packet}, nil, testmesh.Log(t))
			})
			// Past the catch-up, whose times run slower than the clock.
			testmesh.Until(t, "a viewer who is live", testmesh.Patience, func() bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return len(w.last) == 2 && time.Since(w.at) < time.Second && m.Last().Metric("freshet_edge_viewers") == 1
			})
			began := counts(backup)
			w.mu.Lock()
			w.gap = 0
			w.mu.Unlock()
			if way == "silent" {
				first.Silence(true)
			} else {
				stop()
			}
			testmesh.Until(t, "three seconds of the backup", testmesh.Patience, func() bool { return counts(backup)-began > 90 })

			w.mu.Lock()
			defer w.mu.Unlock()
			t.Logf("%s: longest gap at the viewer %v", way, w.gap)
			held(t, "gap at the viewer", w.gap, time.Second)
			if time.Since(w.at) > time.Second {
				t.Errorf("the viewer's last picture is %v old", time.Since(w.at))
			}
			if len(w.backward) > 0 {
				t.Errorf("numbers or times went backward: %v", w.backward)
			}
		})
	}
}

func counts(raw *load.Raw) int64 { return raw.Stats().Layers[0].Pictures }
