package relay

import (
	"context"
	"testing"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// byTurns hands what is played to two sources by turns.
type byTurns struct {
	srcs [2]*source
	n    int
}

func (b *byTurns) next() *source { b.n++; return b.srcs[b.n%2] }

func (b *byTurns) message(m *pb.RelayMessage) error { return b.next().message(m) }
func (b *byTurns) datagram(flow uint64, packet []byte, kind rtpq.Kind, now time.Time) error {
	return b.next().datagram(flow, packet, kind, now)
}
func (b *byTurns) group(ctx context.Context, g *rtpq.GroupReader) error {
	return b.next().group(ctx, g)
}
func (b *byTurns) serve(context.Context) error       { return nil }
func (b *byTurns) fill(context.Context, *conn) error { return nil }

// FuzzTwoUpstreams plays two hostile upstream nodes, which are well and not heard of by turns, to a node that
// pulls a stream.
func FuzzTwoUpstreams(f *testing.F) {
	formats := []*pb.Flow{
		{Flow: 1, Track: "v", Kind: pb.Kind_KIND_VIDEO, Codec: "VP8", ClockRate: 90000, Live: 8, Started: true},
		{Flow: 2, Track: "v", Rid: "h", Rank: 1, Kind: pb.Kind_KIND_VIDEO, Codec: "VP8", ClockRate: 90000, Live: 8, Started: true},
	}
	flow := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
	var b []byte
	both := func(messages ...*pb.RelayMessage) {
		for _, m := range messages {
			b = doesMessage(doesMessage(b, m), m)
		}
	}
	packets := func(id uint64, first, end int) {
		for n := first; n < end; n++ {
			b = does(b, doDatagram, rtpq.AppendDatagram(nil, id, packet(flow, n, n%10 == 0, 40)))
		}
	}
	accept := func(epoch uint64, node string) *pb.RelayMessage {
		return acceptMessage(&pb.Accept{Id: 1, Stream: "a", Epoch: epoch, Hops: []string{node}, Flows: formats})
	}
	b = doesMessage(b, accept(1, "one")) // the second of the pair is the first to hear
	packets(1, 8, 20)
	b = does(b, doWait, make([]byte, 200))
	b = doesMessage(b, accept(1, "two"))
	packets(1, 20, 40)
	packets(2, 15, 30)
	beat, _ := rtpq.AppendBeat(nil, 1, []rtpq.High{{Flow: 1, Seq: 50}})
	gone, _ := rtpq.AppendGone(nil, 1, []rtpq.Span{{First: 41, Count: 3}})
	b = does(does(does(b, doDatagram, beat), doDatagram, gone), doDatagram, gone)
	both(
		&pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: []uint64{2, 9}, Paused: true}}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: []uint64{2}}}},
		&pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: 2, First: 60000, Count: 300}}},
		&pb.RelayMessage{Body: &pb.RelayMessage_Route{Route: &pb.Route{Id: 1, Hops: []*pb.HopStats{{Node: "edge", RoomBps: 1}}}}},
	)
	packets(2, 60000, 60020)
	b = does(b, doWait, make([]byte, 250))
	end := func(why pb.EndReason) *pb.RelayMessage {
		return &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: why}}}
	}
	whole := b
	for _, why := range []pb.EndReason{
		pb.EndReason_END_REASON_DRAIN, pb.EndReason_END_REASON_NEW_EPOCH, pb.EndReason_END_REASON_LOST, pb.EndReason_END_REASON_STREAM_ENDED,
	} {
		b = append([]byte{}, whole...)
		both(end(why))
		f.Add(does(b, doWait, make([]byte, 255)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, one := inMemory("edge", identity.RoleEdge)
		_, two := inMemory("edge", identity.RoleEdge)
		one.node, two.node, two.m = "one", "two", r.m
		x := &byTurns{}
		var ups []*uplink
		for i, l := range []*link{one, two} {
			l.version = uint32(1 + 2*i)
			up := &uplink{r: r}
			x.srcs[i] = newSource(up, l)
			x.srcs[i].since.Store(start.UnixNano())
			up.src = x.srcs[i]
			ups = append(ups, up)
		}
		r.lead(ups...)
		r.ways.guide = ledBy{r.ways.guide.(fixed), "1"} // the second is the standby
		lease, _, err := r.lease("a", nil)
		if err != nil {
			t.Fatal(err)
		}
		u := newPuller(lease.p)
		u.lostAt, u.statsAt = start, start
		u.advance(start)
		take := func(now time.Time) {
			for len(u.p.events)+len(u.p.live)+len(u.p.slow) > 0 && !u.over {
				select {
				case e := <-u.p.events:
					u.event(e, now)
				case a := <-u.p.live:
					u.arrive(a)
				case a := <-u.p.slow:
					u.arrive(a)
				}
			}
		}
		steps := 0
		play(b, x, func(now time.Time) {
			take(now)
			steps++
			x.srcs[steps/8%2].judge(standing(steps/4%2), now)
			take(now)
			if u.over {
				return
			}
			u.tick(now)
			if next := u.next(); !u.over && !next.After(now) {
				t.Fatalf("after a tick the next is due %v ago", now.Sub(next))
			}
		})
		feeds := len(u.feeds())
		if n := len(x.srcs[0].feeds) + len(x.srcs[1].feeds); n != feeds || u.first == nil && feeds > 0 {
			t.Errorf("%d subscriptions, %d in use", n, feeds)
		}
		for _, in := range u.flows {
			if r := &in.track; len(r.gaps) > maxGaps || len(r.runs) > maxRuns || len(r.rest) > maxRest {
				t.Errorf("%d gaps, %d runs, %d lost ones", len(r.gaps), len(r.runs), len(r.rest))
			}
		}
	})
}
