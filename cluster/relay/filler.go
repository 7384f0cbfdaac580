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
	partPackets   = 16              // a connection that got narrow holds up so many
	partTries     = 3               // connections that may fail a part
	turnBytes     = 16 << 10        // of one stream at once
	groupPacket   = 1200            // bytes that a packet is taken for before it is sent
	groupPatience = 5 * time.Second // a stream that takes nothing for longer is cut off
	maxJobs       = maxFlows
	maxSpan       = 1 << 15 // numbers of a backfill; 16 bits tell no more apart
	groupUrgency  = 7       // RFC 9218: behind everything else on the connection
	largeUrgency  = 2       // a live packet that fits no datagram
	partVersion   = 2       // the first version of the protocol in which a group comes in parts
)

// A backfill is what a subscriber lacks of a flow behind the live packets: the newest group of pictures,
// or the hole since its last upstream.
type backfill struct {
	served *served
	begun  int64 // of served, when it was made
	next   int64 // number of the next packet to send
	end    int64 // one past the last
	tries  int   // connections that could not send it
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

// A part is a row of a backfill's numbers, which goes on a stream of its own.
type part struct {
	job        *backfill
	first, end int64
}

// A filler sends a link's backfills in small parts, over all connections at once, each of which takes the next part
// when it has room. It paces them all together. Beside them it sends the link's oversized packets.
type filler struct {
	link *link
	left atomic.Int64  // packets of backfills that no connection has taken yet
	wake chan struct{} // has an element while there may be jobs

	mu   sync.Mutex
	jobs []*backfill // with packets left; they have a turn each
	pace pacer
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

// take returns the next part; ok is false where there is none.
func (f *filler) take() (p part, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.jobs) > 0 {
		b := f.jobs[0]
		f.jobs = f.jobs[1:]
		if b.over() {
			f.left.Add(b.next - b.end)
			continue
		}
		p = part{b, b.next, min(b.next+partPackets, b.end)}
		if !f.link.speaks(partVersion) {
			p.end = b.end
		}
		b.next = p.end
		f.left.Add(p.first - p.end)
		if b.next < b.end {
			f.jobs = append(f.jobs, b)
		}
		if len(f.jobs) > 0 {
			f.signal() // for another connection
		}
		return p, true
	}
	return p, false
}

// again has another connection send p, which one could not, unless that has happened too often.
func (f *filler) again(p part) {
	b := &backfill{served: p.job.served, begun: p.job.begun, next: p.first, end: p.end, tries: p.job.tries + 1}
	if b.tries == partTries {
		f.link.m.dropped(dropGroup, int(b.end-b.next))
		return
	}
	f.add(b)
}

// run sends parts over c, until ctx ends or another connection takes its place.
func (f *filler) run(ctx context.Context, c *conn) {
	var buf []byte
	for {
		select {
		case <-f.wake:
		case <-c.retired:
			return
		case <-ctx.Done():
			return
		}
		for c.stays() {
			p, ok := f.take()
			if !ok {
				break
			}
			if buf, ok = f.send(ctx, c, p, buf); !ok {
				f.again(p)
			}
		}
		if !c.stays() {
			f.signal() // the others
			return
		}
	}
}

// send sends p on a stream of c, as far as it is of use, with buf to write from. ok is false where that failed.
func (f *filler) send(ctx context.Context, c *conn, p part, buf []byte) (_ []byte, ok bool) {
	s, err := c.openStream(ctx, groupUrgency)
	if err != nil {
		return buf, false
	}
	buf = f.header(p.job.served.id, p.first, p.end).Append(buf[:0])
	for next := p.first; next < p.end; {
		next, buf = p.cut(next, buf)
		if !f.await(ctx, len(buf)) || p.job.over() {
			s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
			return buf, true
		}
		_ = s.SetWriteDeadline(time.Now().Add(groupPatience))
		if _, err := s.Write(buf); err != nil {
			s.CancelWrite(quic.StreamErrorCode(rtpq.CodeCancelled))
			return buf, false
		}
		f.link.m.groupBytes.Add(float64(len(buf)))
		f.link.rtpOut.Add(int64(len(buf)))
		buf = buf[:0]
	}
	_ = s.Close() // fails where it was cancelled from the other side, which is no news here
	return buf, true
}

// header says what the stream is for that carries flow's numbers from first up to end.
func (f *filler) header(flow uint64, first, end int64) rtpq.Part {
	h := rtpq.Part{Flow: flow}
	if f.link.speaks(partVersion) {
		h.First, h.Count = uint16(first), int(end-first)
	}
	return h
}

// cut appends packets of p from next on to buf and returns which is next.
func (p part) cut(next int64, buf []byte) (int64, []byte) {
	for r := p.job.served.flow.Ring; next < p.end && len(buf) < turnBytes; next++ {
		if q := r.Get(next); q != nil {
			buf = rtpq.AppendGroupPacket(buf, q.Data)
		}
	}
	return next, buf
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
	b := rtpq.AppendGroupPacket(f.header(out.flow, out.p.Seq, out.p.Seq+1).Append(nil), out.p.Data)
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
