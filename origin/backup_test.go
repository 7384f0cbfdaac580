package origin_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
	"freshet/proto/problem"
)

// The publisher on the air falls silent: the backup is on the air within 1 s, in the same epoch, at a
// key frame, and numbers and timestamps run on. Then the first, which came back, takes over again when
// the second leaves.
func TestBackupTakesOver(t *testing.T) {
	for _, row := range []struct {
		name string
		rids []string
		fail func(*publisher)
	}{
		{"silent", nil, func(p *publisher) { p.muted.Store(true) }},
		{"deletes", nil, func(p *publisher) { p.end() }},
		{"vanishes, simulcast", []string{"q", "h", "f"}, (*publisher).vanish},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := start(t)
			first := newPublisher(t, videoCodec("VP8", ""), row.rids...).publish(n, "floor")
			s := n.live(t, "floor")
			backup := newPublisher(t, videoCodec("VP8", ""), row.rids...).publish(n, "floor")
			// By its first sender report, after 1 s, the backup's time is known whatever delayed its first packets.
			await(t, 5*time.Second, "media of the backup", func() bool { return backup.outs[1].sent.Load() > 60 })

			third := newPublisher(t, videoCodec("VP8", ""), row.rids...)
			wantProblem(t, third, n, http.StatusConflict, "/problems/publishers")

			heads := make([]int64, len(s.Flows))
			for i, f := range s.Flows {
				heads[i] = f.Ring.Head()
			}
			began := time.Now()
			row.fail(first)
			for i, f := range s.Flows {
				await(t, time.Second-time.Since(began), "packets of the backup in flow "+f.Format.Track+f.Format.RID, func() bool {
					last := f.Ring.At(f.Ring.Head() - 1)
					return f.Ring.Head() > heads[i]+25 || last != nil && f.Ring.Head() > heads[i] && last.At.Sub(began) > 300*time.Millisecond
				})
			}
			t.Logf("on the air after %v", time.Since(began))
			if n.table.Get("floor") != s || s.Err() != nil {
				t.Fatal("the takeover began a new epoch")
			}
			if got := n.value(t, "freshet_ingest_takeovers_total"); got != 1 {
				t.Errorf("takeovers: %v", got)
			}
			for i, f := range s.Flows {
				runsOn(t, f)
				if g, _ := f.Ring.Newest(); f.Format.Kind == stream.Video && g.First <= f.Ring.At(heads[i]-1).Seq {
					t.Errorf("flow %d goes on without a key frame", i)
				}
			}
			if row.name != "silent" {
				return
			}
			first.muted.Store(false)
			head := s.Flows[1].Ring.Head()
			await(t, 2*time.Second, "more packets", func() bool { return s.Flows[1].Ring.Head() > head+20 })
			if got := n.value(t, "freshet_ingest_takeovers_total"); got != 1 {
				t.Error("the first publisher took over again though the second goes on")
			}
			backup.end()
			await(t, time.Second, "second takeover", func() bool { return n.value(t, "freshet_ingest_takeovers_total") == 2 })
			head = s.Flows[1].Ring.Head()
			await(t, 2*time.Second, "packets of the first", func() bool { return s.Flows[1].Ring.Head() > head+20 })
			for _, f := range s.Flows {
				runsOn(t, f)
			}
		})
	}
}

// runsOn checks that numbers have no gap and that time never goes back, and agrees with the clock on
// the wall to within 300 ms (a busy machine sends late).
func runsOn(t *testing.T, f *stream.Flow) {
	t.Helper()
	var last *rtp.Packet
	var lastAt time.Time
	for i := range f.Ring.Head() {
		stored := f.Ring.At(i)
		if stored == nil {
			continue
		}
		p := &rtp.Packet{}
		must(t, p.Unmarshal(stored.Data))
		if last != nil {
			if p.SequenceNumber != last.SequenceNumber+1 {
				t.Fatalf("flow %d: number %d after %d", f.Index, p.SequenceNumber, last.SequenceNumber)
			}
			media := time.Duration(int32(p.Timestamp-last.Timestamp)) * time.Second / time.Duration(f.Format.Codec.ClockRate)
			if media <= 0 {
				t.Fatalf("flow %d: timestamps went %v", f.Index, media)
			}
			if wall := stored.At.Sub(lastAt); (media - wall).Abs() > 300*time.Millisecond {
				t.Fatalf("flow %d: timestamps moved %v while %v passed", f.Index, media, wall)
			}
		}
		last, lastAt = p, stored.At
	}
}

// wantProblem posts an offer that must be refused.
func wantProblem(t *testing.T, p *publisher, n *node, status int, kind string) {
	t.Helper()
	got, body := p.post(n, "floor")
	var pr problem.Problem
	if err := json.Unmarshal([]byte(body), &pr); err != nil || got != status || pr.Type != kind {
		t.Fatalf("got %d %s, want %d %s", got, body, status, kind)
	}
}

// A backup must send what the publisher on the air sends.
func TestBackupWithOtherFormats(t *testing.T) {
	n := start(t)
	newPublisher(t, videoCodec("VP8", "")).publish(n, "floor")
	n.live(t, "floor")
	wantProblem(t, newPublisher(t, videoCodec("VP9", "profile-id=0")), n, http.StatusConflict, "/problems/backup-formats")
	wantProblem(t, newPublisher(t, videoCodec("VP8", ""), "q", "h"), n, http.StatusConflict, "/problems/backup-formats")
}

// A publisher that returns goes on in the same epoch, or begins a new one where it sends other formats.
func TestPublisherReturns(t *testing.T) {
	n := start(t)
	newPublisher(t, videoCodec("VP8", "")).publish(n, "floor").endAfter(n.live(t, "floor"))
	s := n.table.Get("floor")
	newPublisher(t, videoCodec("VP8", "")).publish(n, "floor")
	head := s.Flows[1].Ring.Head()
	await(t, 5*time.Second, "packets in the old epoch", func() bool { return s.Flows[1].Ring.Head() > head+5 })
	for _, f := range s.Flows {
		runsOn(t, f)
	}
}

func TestPublisherReturnsWithOtherFormats(t *testing.T) {
	n := start(t)
	newPublisher(t, videoCodec("VP8", "")).publish(n, "floor").endAfter(n.live(t, "floor"))
	s := n.table.Get("floor")
	newPublisher(t, videoCodec("H264", h264)).publish(n, "floor")
	await(t, 5*time.Second, "new epoch", func() bool { return n.table.Get("floor").Epoch > s.Epoch })
	if !errors.Is(s.Err(), stream.ErrNewEpoch) {
		t.Errorf("the old epoch ended with %v", s.Err())
	}
}

// endAfter ends a publisher; its argument is evaluated before, so that the stream is live by then.
func (p *publisher) endAfter(*stream.Stream) { p.end() }
