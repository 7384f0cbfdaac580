package relay

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	turnBytes     = 16 << 10        // of one group, before the next has its turn
	groupPatience = 5 * time.Second // a stream that takes nothing for longer is cut off
	maxJobs       = maxFlows
	maxSpan       = 1 << 15 // numbers of a backfill; 16 bits tell no more apart
	groupUrgency  = 7       // RFC 9218: behind everything else on the connection
	largeUrgency  = 2       // a live packet that fits no datagram
)

// A backfill is what a subscriber lacks of a flow behind the live packets: the newest group of pictures,
// or the hole since its last upstream.
type backfill struct {
	served *served
	begun  int64 // of served, when it was made
	next   int64 // number of the next packet to send
	end    int64 // one past the last
	s      *quic.SendStream
}

// over says whether b is of no use any more.
func (b *backfill) over() bool { return b.served.shut.Load() || b.served.begun.Load() != b.begun }

// missed returns what sv's subscriber lacks, nil where that is nothing or nothing that helps. It is asked
// before sv is wanted; pulled says that its flow comes from upstream.
func missed(sv *served, have []*pb.Have, pulled bool, now time.Time) *backfill {
	if !sv.started {
		return nil
	}
	r := sv.flow.Ring
	for _, h := range have {
		if !names(h, sv.flow.Format) || h.GetIdle() {
			continue
		}
		first := r.Near(uint16(h.GetSequence())) + 1
		if first >= sv.filled {
			return nil
		}
		if sv.filled-first < maxSpan && r.Get(first) != nil { // a group is less, where the publisher's numbers jumped
			return &backfill{served: sv, begun: sv.begun.Load(), next: first, end: sv.filled}
		}
	}
	if sv.flow.Format.Kind != stream.Video || sv.class == classLayer && stale(sv.flow, pulled, now) {
		return nil
	}
	g, ok := sv.flow.Group()
	if !ok || g.First >= sv.filled || sv.filled-g.First >= maxSpan { // wider where the publisher's numbers jumped
		return nil
	}
	return &backfill{served: sv, begun: sv.begun.Load(), next: g.First, end: sv.filled}
}

func names(h *pb.Have, f stream.Format) bool { return h.GetTrack() == f.Track && h.GetRid() == f.RID }

// A filler sends a link's backfills, in turns, and beside them its oversized packets. Its run goroutine owns
// all but what stands behind mu.
type filler struct {
	link *link
	pace pacer
	buf  []byte
	busy atomic.Bool // groups are under way

	mu   sync.Mutex
	jobs []*backfill // not begun
	wake chan struct{}
}

func newFiller(l *link) *filler { return &filler{link: l, wake: make(chan struct{}, 1)} }

// add queues a backfill. There is one for each flow, but for subscribers who begin and stop it in haste.
func (f *filler) add(b *backfill) {
	f.mu.Lock()
	full := len(f.jobs) >= maxJobs
	if !full {
		f.jobs = append(f.jobs, b)
	}
	f.mu.Unlock()
	if full {
		f.link.m.dropped(dropGroup, int(b.end-b.next))
		return
	}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *filler) begun() []*backfill {
	f.mu.Lock()
	defer f.mu.Unlock()
	jobs := f.jobs
	f.jobs = nil
	return jobs
}

func (f *filler) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var open []*backfill
	for {
		open = slices.DeleteFunc(append(open, f.begun()...), func(b *backfill) bool { return b.s == nil && b.over() })
		f.busy.Store(len(open) > 0)
		var due <-chan time.Time
		if len(open) > 0 {
			timer.Reset(time.Until(f.pace.next))
			due = timer.C
		}
		select {
		case <-f.wake:
		case <-due:
			b := open[0]
			open = slices.Delete(open, 0, 1)
			if f.turn(ctx, b, open) {
				open = append(open, b)
			}
		case <-ctx.Done():
			return
		}
	}
}

// runLarge sends what fits no datagram, which is live: it waits for no group.
func (f *filler) runLarge(ctx context.Context) {
	for {
		select {
		case out := <-f.link.large:
			f.sendLarge(ctx, out)
		case <-ctx.Done():
			return
		}
	}
}

// turn sends the next bytes of b and says whether more are to come.
func (f *filler) turn(ctx context.Context, b *backfill, others []*backfill) bool {
	now := time.Now()
	f.pace.adjust(f.link.delay(now), now, f.rest(append(others, b)), float64(f.link.room.Load())/8)
	if b.s == nil && !f.openStream(ctx, b) {
		f.link.m.dropped(dropGroup, int(b.end-b.next))
		return false
	}
	if b.over() {
		f.buf = f.buf[:0]
		b.s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
		return false
	}
	r := b.served.flow.Ring
	for b.next < b.end && len(f.buf) < turnBytes {
		if p := r.Get(b.next); p != nil {
			f.buf = rtpq.AppendGroupPacket(f.buf, p.Data)
		}
		b.next++
	}
	n := len(f.buf)
	_ = b.s.SetWriteDeadline(now.Add(groupPatience))
	_, err := b.s.Write(f.buf)
	f.buf = f.buf[:0]
	if err != nil {
		b.s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
		f.link.m.dropped(dropGroup, int(b.end-b.next))
		return false
	}
	f.link.m.groupBytes.Add(float64(n))
	f.link.rtpOut.Add(int64(n))
	f.pace.took(n, now)
	if b.next < b.end {
		return true
	}
	_ = b.s.Close() // fails where it was cancelled from the other side, which is no news here
	return false
}

func (f *filler) openStream(ctx context.Context, b *backfill) bool {
	s, err := f.link.openStream(ctx, groupUrgency)
	if err != nil {
		return false
	}
	b.s = s
	f.buf = rtpq.AppendGroupHeader(f.buf[:0], b.served.id)
	return true
}

// rest returns the bytes still to be sent, taking a packet for 1,200.
func (f *filler) rest(jobs []*backfill) int {
	n := 0
	for _, b := range jobs {
		n += int(b.end-b.next) * 1200
	}
	return n
}

// sendLarge sends one packet on a stream of its own.
func (f *filler) sendLarge(ctx context.Context, out outgoing) {
	s, err := f.link.openStream(ctx, largeUrgency)
	if err != nil {
		f.link.m.dropped(dropLarge, 1)
		return
	}
	b := rtpq.AppendGroupPacket(rtpq.AppendGroupHeader(nil, out.flow), out.p.Data)
	now := time.Now()
	_ = s.SetWriteDeadline(now.Add(groupPatience))
	if _, err := s.Write(b); err != nil {
		s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
		f.link.m.dropped(dropLarge, 1)
		return
	}
	_ = s.Close()
	f.link.sent(out, now)
}
