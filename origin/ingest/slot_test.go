package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
	"freshet/proto/problem"
)

var formats = []stream.Format{
	{Track: "audio", Kind: stream.Audio, Codec: stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}},
	{Track: "video", Kind: stream.Video, Codec: vp8},
}

// A sender is a made-up publisher: one packet a flow each 20 ms.
type sender struct {
	t      *testing.T
	seat   *Seat
	former []*Former
	n      uint16
	key    atomic.Bool // next packet of video is a key frame
	closed atomic.Bool
	moves  atomic.Int32 // how often it was told to
	backup atomic.Bool
	status atomic.Int32 // with which the key is refused by now; 0: it is not
}

func (s *sender) RequestKeyframe(int) { s.key.Store(true) }
func (s *sender) Move()               { s.moves.Add(1) }
func (s *sender) Backup() bool        { return s.backup.Load() }
func (s *sender) Close(string)        { s.closed.Store(true) }
func (s *sender) Allowed() error {
	if status := int(s.status.Load()); status != 0 {
		return problem.New(status, "no-more", "No more", "")
	}
	return nil
}

func sit(t *testing.T, g *Ingest, first uint16) *sender {
	t.Helper()
	s := &sender{t: t, n: first}
	s.key.Store(true)
	opus := Mapping{Types: map[uint8]uint8{102: 111}}
	s.former = []*Former{NewFormer(formats[0].Codec, opus), NewFormer(vp8, mapping)}
	var err error
	if s.seat, err = g.Join(t.Context(), "floor", "session", formats, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// send sends n packets a flow, in n times 20 ms.
func (s *sender) send(n int) {
	for range n {
		time.Sleep(20 * time.Millisecond) // of the bubble's clock
		for flow, f := range formats {
			b := raw(s.t, func(p *rtp.Packet) {
				p.SequenceNumber, p.Timestamp = s.n, uint32(s.n)*f.Codec.ClockRate/50
				if flow == 0 || !s.key.Swap(false) {
					p.Payload = []byte{0x10, 0x51, 1}
				}
			})
			p, ok := s.former[flow].Form(b, time.Now())
			if !ok {
				s.t.Fatal("refused")
			}
			s.seat.Packet(flow, p)
		}
		s.n++
	}
	synctest.Wait()
}

// bubble runs a story under a made-up clock.
func bubble(t *testing.T, story func(t *testing.T, g *Ingest, table *stream.Table)) {
	synctest.Test(t, func(t *testing.T) {
		table := stream.NewTable()
		g := New(Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Table: table})
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		story(t, g, table)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if len(table.All()) != 0 {
			t.Error("a stream is left in the table")
		}
	})
}

// A stream waits 30 s for its publisher and goes on where it was; then it ends.
func TestStreamLingers(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a := sit(t, g, 65000)
		a.send(10)
		s := table.Get("floor")
		before := []*ring.Packet{s.Flows[0].Ring.At(9), s.Flows[1].Ring.At(9)} // the ring lets go of them
		a.seat.Leave()
		time.Sleep(29 * time.Second)
		b := sit(t, g, 3)
		b.send(10)
		if table.Get("floor") != s {
			t.Fatal("the publisher that came back got another epoch")
		}
		for _, f := range s.Flows {
			last, next := before[f.Index], f.Ring.At(10)
			if next.Seq != last.Seq+1 {
				t.Errorf("flow %d: number %d after %d", f.Index, next.Seq, last.Seq)
			}
			moved := time.Duration(next.Timestamp-last.Timestamp) * time.Second / time.Duration(f.Format.Codec.ClockRate)
			if passed := next.At.Sub(last.At); (moved - passed).Abs() > 30*time.Millisecond {
				t.Errorf("flow %d: timestamps moved %v in %v", f.Index, moved, passed)
			}
		}
		if !s.Flows[1].Ring.At(10).Key {
			t.Error("video goes on without a key frame")
		}
		b.seat.Leave()
		time.Sleep(31 * time.Second)
		if !errors.Is(s.Err(), stream.ErrEnded) || table.Get("floor") != nil {
			t.Errorf("30 s later: %v", s.Err())
		}
	})
}

// A backup takes over when the first was silent for 400 ms, and not before.
func TestSilence(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a, b := sit(t, g, 1), sit(t, g, 5000)
		a.send(10)
		s := table.Get("floor")
		b.send(18)
		if got := s.Flows[0].Ring.Head(); got != 10 {
			t.Fatalf("after 360 ms %d packets, want the first publisher's 10", got)
		}
		b.send(10)
		if got := s.Flows[0].Ring.Head(); got < 15 {
			t.Fatalf("after 560 ms the backup is not on the air: %d", got)
		}
		if p := s.Flows[1].Ring.At(10); p == nil || !p.Key {
			t.Error("the backup's video does not begin with a key frame")
		}
		_, err := g.Join(t.Context(), "floor", "third", formats, a)
		if p := (*problem.Problem)(nil); !errors.As(err, &p) || p.Status != 409 {
			t.Errorf("third publisher: %v", err)
		}
	})
}

// A publisher that comes back while its last session has not been missed yet is on the air with its first key frame, and has
// the place of a backup that is as silent.
func TestComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a, b := sit(t, g, 1), sit(t, g, 3000)
		b.send(1)
		a.send(10) // in 200 ms
		s := table.Get("floor")
		time.Sleep(lost - 210*time.Millisecond) // of the bubble's clock, as below
		if _, err := g.Join(t.Context(), "floor", "third", formats, a); err == nil {
			t.Fatal("a third is let in while the backup may be there")
		}
		time.Sleep(10 * time.Millisecond)
		c := sit(t, g, 6000)
		before := s.Flows[1].Ring.Head()
		c.send(3)
		if !b.closed.Load() || a.closed.Load() {
			t.Errorf("closed: %v, %v; want the silent backup alone", a.closed.Load(), b.closed.Load())
		}
		if got := s.Flows[1].Ring.Head(); got != before+3 || !s.Flows[1].Ring.At(before).Key {
			t.Errorf("%d packets of three are on the air", got-before)
		}
	})
}

// A publisher past 12 Mbit/s is ended, and its backup takes over.
func TestBitrate(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a, b := sit(t, g, 1), sit(t, g, 1)
		a.send(1)
		for n := 0; !a.closed.Load(); n++ {
			if n > 3000 {
				t.Fatal("4 MB within 2 s were let pass")
			}
			a.seat.Packet(1, Packet{Sequence: uint16(n), Timestamp: 1, At: time.Now(), Bytes: 1400})
			if n%100 == 0 {
				synctest.Wait()
			}
		}
		head := table.Get("floor").Flows[0].Ring.Head()
		b.send(5)
		if table.Get("floor").Flows[0].Ring.Head() <= head {
			t.Error("the backup is not on the air")
		}
	})
}

// A publisher whose key is taken back is ended within a tick. The stream waits for the new key, but not where it is over.
func TestKeyTakenBack(t *testing.T) {
	for _, c := range []struct {
		name           string
		status         int
		cut, streamEnd bool
	}{
		{"renewed", 401, true, false},
		{"closed", 403, true, true},
		{"unknown", 404, true, true},
		{"not known", 503, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
				a, b := sit(t, g, 1), sit(t, g, 5000)
				a.send(10)
				b.send(10)
				s := table.Get("floor")
				a.status.Store(int32(c.status))
				b.status.Store(int32(c.status))
				time.Sleep(2*tick + time.Millisecond)
				synctest.Wait()
				if a.closed.Load() != c.cut || b.closed.Load() != c.cut {
					t.Errorf("publishers ended: %t and %t, want %t", a.closed.Load(), b.closed.Load(), c.cut)
				}
				if got := s.Err() != nil; got != c.streamEnd {
					t.Fatalf("stream: %v, want ended: %t", s.Err(), c.streamEnd)
				}
				if !c.streamEnd && c.cut {
					sit(t, g, 9000).send(3)
					if table.Get("floor") != s {
						t.Error("the publisher with the new key got another epoch")
					}
				}
			})
		})
	}
}

// A stream whose publisher has left does not wait for it once its event is over.
func TestOverWhileEmpty(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a := sit(t, g, 1)
		a.send(10)
		s := table.Get("floor")
		a.seat.Leave()
		time.Sleep(time.Second)
		if s.Err() != nil {
			t.Fatalf("after a second: %v", s.Err())
		}
		a.status.Store(404)
		time.Sleep(2*tick + time.Millisecond)
		synctest.Wait()
		if !errors.Is(s.Err(), stream.ErrEnded) {
			t.Errorf("the event is over, the stream is not: %v", s.Err())
		}
	})
}

// Sender reports put all flows on one wall clock: the origin's, by the report that came fastest.
func TestClock(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a := sit(t, g, 100)
		a.send(5)
		s := table.Get("floor")
		now := time.Now()
		ntp := now.Add(-48 * time.Hour)
		a.seat.Report(Report{Flow: 0, RTP: 104 * 960, NTP: ntp, At: now.Add(90 * time.Millisecond)})
		a.seat.Report(Report{Flow: 1, RTP: 104 * 1800, NTP: ntp, At: now.Add(40 * time.Millisecond)})
		synctest.Wait()
		for _, f := range s.Flows {
			c, ok := f.Clock()
			if want := now.Add(40 * time.Millisecond); !ok || !c.At.Equal(want) || c.RTP != f.Ring.At(4).Timestamp {
				t.Errorf("flow %d: %+v, want %v for timestamp %d", f.Index, c, want, f.Ring.At(4).Timestamp)
			}
		}
	})
}

// layers is a made-up publisher of two layers that counts what is asked of it.
type layers struct {
	t     *testing.T
	seat  *Seat
	n     uint16
	asked [2]atomic.Int32
}

func (l *layers) Backup() bool             { return false }
func (l *layers) Move()                    {}
func (l *layers) RequestKeyframe(flow int) { l.asked[flow].Add(1) }
func (l *layers) Close(string)             {}
func (l *layers) Allowed() error           { return nil }

func sitWithLayers(t *testing.T, g *Ingest) *layers {
	t.Helper()
	l := &layers{t: t}
	var err error
	l.seat, err = g.Join(t.Context(), "floor", "session", []stream.Format{
		{Track: "video", Kind: stream.Video, RID: "l", Codec: vp8},
		{Track: "video", Kind: stream.Video, RID: "h", Rank: 1, Codec: vp8},
	}, l)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// send sends a frame of each of the flows, n times in n times 20 ms.
func (l *layers) send(n int, key bool, flows ...int) {
	former := NewFormer(vp8, mapping)
	for range n {
		time.Sleep(20 * time.Millisecond)
		l.n++
		for _, flow := range flows {
			p, _ := former.Form(raw(l.t, func(p *rtp.Packet) {
				p.SequenceNumber, p.Timestamp = l.n, uint32(l.n)*1800
				if !key {
					p.Payload = []byte{0x10, 0x51, 1}
				}
			}), time.Now())
			l.seat.Packet(flow, p)
		}
	}
	synctest.Wait()
}

// A layer that the backup has stopped sending, as browsers do when bandwidth is short, is not asked for
// key frames for ever after a takeover; once it is back it begins with one.
func TestBackupWithoutLayer(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a, b := sitWithLayers(t, g), sitWithLayers(t, g)
		a.send(5, true, 0, 1)
		b.send(5, true, 0, 1)
		a.send(1, false, 0, 1)
		b.send(40, false, 0)
		a.seat.Leave()
		b.send(5, true, 0)
		before := b.asked[1].Load()
		b.send(150, false, 0)
		if n := b.asked[1].Load() - before; n > 0 {
			t.Errorf("asked %d times in 3 s for a key frame of a layer that is not sent", n)
		}
		b.send(30, false, 0, 1)
		if b.asked[1].Load() == before {
			t.Error("nobody asked for a key frame of the layer that came back")
		}
		f := table.Get("floor").Flows[1]
		head := f.Ring.Head()
		b.send(1, true, 0, 1)
		if p := f.Ring.At(head); p == nil || !p.Key {
			t.Error("the layer that came back does not begin with a key frame")
		}
	})
}

// A publisher that begins to count anew, and confirms it with padding, is heard again.
func TestCountsAnewWithPadding(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
		a := sitWithLayers(t, g)
		a.n = 30_000
		a.send(5, true, 0)
		f := table.Get("floor").Flows[0]
		a.n = 10
		a.send(1, false, 0) // a jump, dropped until the next confirms it
		a.n++
		a.seat.Packet(0, Packet{Sequence: a.n, Timestamp: uint32(a.n) * 1800, At: time.Now(), Bytes: 200})
		head := f.Ring.Head()
		a.send(30, false, 0)
		if a.asked[0].Load() == 0 {
			t.Error("nobody asked for a key frame")
		}
		a.send(2, true, 0)
		if p := f.Ring.At(head); p == nil || !p.Key {
			t.Errorf("%d packets in all, then %d: the flow does not go on with a key frame", head, f.Ring.Head())
		}
	})
}
