package relay

import (
	"context"
	"math"
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
	fillers       = 8               // groups sent at a time
	turnBytes     = 16 << 10        // of one group at once
	groupPacket   = 1200            // bytes that a packet is taken for before it is sent
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

// A filler sends a link's backfills, some at a time and each on a stream of its own, and beside them its oversized
// packets.
type filler struct {
	link *link
	left atomic.Int64  // packets of backfills still to be sent
	wake chan struct{} // has an element while there may be jobs

	mu   sync.Mutex
	jobs []*backfill // not begun
	pace pacer
	load [rtpq.MaxConns]int64 // packets of the streams that are open on each connection
}

func newFiller(l *link) *filler { return &filler{link: l, wake: make(chan struct{}, 1)} }

// add queues backfills. There is one for each flow, but for subscribers who begin and stop it in haste.
func (f *filler) add(jobs ...*backfill) {
	f.mu.Lock()
	if len(f.jobs)+len(jobs) > maxJobs {
		f.jobs = slices.DeleteFunc(f.jobs, func(b *backfill) bool {
			over := b.over()
			if over {
				f.left.Add(b.next - b.end)
			}
			return over
		})
	}
	n := min(len(jobs), maxJobs-len(f.jobs))
	f.jobs = append(f.jobs, jobs[:n]...)
	for _, b := range jobs[:n] {
		f.left.Add(b.end - b.next)
	}
	f.mu.Unlock()
	for _, b := range jobs[n:] {
		f.link.m.dropped(dropGroup, int(b.end-b.next))
	}
	f.signal()
}

func (f *filler) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// busy says whether groups are under way.
func (f *filler) busy() bool { return f.left.Load() > 0 }

// take returns the next job, nil where there is none.
func (f *filler) take() *backfill {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.jobs) == 0 {
		return nil
	}
	b := f.jobs[0]
	f.jobs = f.jobs[1:]
	if len(f.jobs) > 0 {
		f.signal() // for another
	}
	return b
}

func (f *filler) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { f.runLarge(ctx) })
	for range fillers {
		wg.Go(func() { f.runJobs(ctx) })
	}
}

func (f *filler) runJobs(ctx context.Context) {
	var buf []byte
	for {
		for b := f.take(); b != nil && ctx.Err() == nil; b = f.take() {
			buf = f.fill(ctx, b, buf)
			f.left.Add(-(b.end - b.next)) // what it did not come to
		}
		select {
		case <-f.wake:
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

// fill sends b, as far as it is of use, with buf to write from.
func (f *filler) fill(ctx context.Context, b *backfill, buf []byte) []byte {
	if b.over() {
		return buf
	}
	c, size := f.choose(f.link.all(), b)
	defer f.give(c, size)
	s, err := c.openStream(ctx, groupUrgency)
	if err != nil {
		f.link.m.dropped(dropGroup, int(b.end-b.next))
		return buf
	}
	buf = rtpq.AppendGroupHeader(buf[:0], b.served.id)
	for b.next < b.end {
		buf = f.cut(b, buf)
		if !f.await(ctx, len(buf)) || b.over() {
			s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
			return buf
		}
		_ = s.SetWriteDeadline(time.Now().Add(groupPatience))
		if _, err := s.Write(buf); err != nil {
			s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
			f.link.m.dropped(dropGroup, int(b.end-b.next))
			return buf
		}
		f.link.m.groupBytes.Add(float64(len(buf)))
		f.link.rtpOut.Add(int64(len(buf)))
		buf = buf[:0]
	}
	_ = s.Close() // fails where it was cancelled from the other side, which is no news here
	return buf
}

// cut appends the next packets of b to buf.
func (f *filler) cut(b *backfill, buf []byte) []byte {
	first := b.next
	for r := b.served.flow.Ring; b.next < b.end && len(buf) < turnBytes; b.next++ {
		if p := r.Get(b.next); p != nil {
			buf = rtpq.AppendGroupPacket(buf, p.Data)
		}
	}
	f.left.Add(first - b.next)
	return buf
}

// choose returns the connection on which b is over first, for what it has to send already and its window.
func (f *filler) choose(conns []*conn, b *backfill) (best *conn, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	best, size = f.link.main, b.end-b.next
	soonest := math.Inf(1)
	for _, c := range conns {
		window := c.quic.ConnectionStats().CongestionWindow
		if takes := float64(f.load[c.index()]+size) / float64(max(window, 1)); takes < soonest {
			best, soonest = c, takes
		}
	}
	f.load[best.index()] += size
	return best, size
}

// give says that a stream of size packets on c is over.
func (f *filler) give(c *conn, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load[c.index()] -= size
}

// await returns when n bytes may go, false when ctx ends.
func (f *filler) await(ctx context.Context, n int) bool {
	f.mu.Lock()
	now := time.Now()
	f.pace.adjust(f.link.delay(now), now, int(f.left.Load())*groupPacket+n, float64(f.link.room.Load())/8)
	at := later(f.pace.next, now)
	f.pace.took(n, now)
	f.mu.Unlock()
	select {
	case <-time.After(at.Sub(now)):
		return true
	case <-ctx.Done():
		return false
	}
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
