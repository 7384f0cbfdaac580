package relay

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// What a peer does, as the fuzzer writes it: { kind u8 | length u8 | bytes }*.
const (
	doMessage  = iota // bytes are a control message
	doDatagram        // bytes are a datagram
	doGroup           // bytes are a group stream
	doWait            // length x 10 ms pass
	doOldGroup        // bytes are a group stream of version 1
	doKinds
)

func does(dst []byte, kind byte, b []byte) []byte {
	return append(append(dst, kind, byte(len(b))), b...)
}

func doesMessage(dst []byte, m *pb.RelayMessage) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return does(dst, doMessage, b)
}

// inMemory returns a relay without socket and a link without connection.
func inMemory(node, role string) (*Relay, *link) {
	m := newMetrics(prometheus.NewRegistry())
	r := &Relay{
		cfg: Config{Node: node, Role: role, Linger: time.Second}, log: slog.New(slog.DiscardHandler), m: m, table: stream.NewTable(),
		starts: make(chan *pull), stopped: make(chan struct{}), pulls: map[string]*pull{}, links: map[*link]struct{}{}, upChanged: make(chan struct{}),
	}
	r.ways = newWays(r, fixed(nil))
	l := &link{node: "peer", m: m, log: r.log, messages: make(chan *pb.RelayMessage, maxMessages), full: make(chan struct{}), large: make(chan outgoing, maxLarge)}
	l.queue = newQueue(maxBehind, m.dropped)
	return r, l
}

// lead has every stream come by ups, which nobody dials.
func (r *Relay) lead(ups ...*uplink) {
	var to fixed
	for i, up := range ups {
		up.to.Node = strconv.Itoa(i)
		to = append(to, up.to)
		r.ways.all[up.to] = &way{up: up}
	}
	r.ways.guide = to
}

// play has h hear what b says, until h closes the link; between is called after each thing done.
func play(b []byte, h handler, between func(now time.Time)) {
	ctx, stop := context.WithCancel(context.Background())
	stop() // nothing waits
	now := start
	for len(b) >= 2 {
		kind, n := b[0]%doKinds, min(int(b[1]), len(b)-2)
		body := b[2 : 2+n]
		b = b[2+n:]
		var err error
		switch kind {
		case doMessage:
			var m *pb.RelayMessage
			if m, err = rtpq.ParseMessage(body); err == nil {
				err = h.message(m)
			}
		case doDatagram:
			var flow uint64
			var packet []byte
			var k rtpq.Kind
			if flow, packet, k, err = rtpq.ParseDatagram(bytes.Clone(body)); err == nil {
				err = h.datagram(flow, packet, k, now)
			}
		case doGroup, doOldGroup:
			version := uint32(rtpq.Version)
			if kind == doOldGroup {
				version = rtpq.VersionOne
			}
			var g *rtpq.GroupReader
			if g, err = rtpq.NewGroupReader(bytes.NewReader(body), version); err == nil {
				if err = h.group(ctx, g); errors.Is(err, errNoFlow) {
					err = nil
				}
			}
		case doWait:
			now = now.Add(time.Duration(n) * 10 * time.Millisecond)
		}
		between(now)
		if err != nil {
			return
		}
	}
}

// FuzzDownstream plays a hostile downstream node to a node that has a stream.
func FuzzDownstream(f *testing.F) {
	ask := &pb.Subscribe{Id: 1, Stream: "a", Hops: []string{"peer"}, Have: []*pb.Have{{Track: "v", Sequence: 3}}}
	b := doesMessage(nil, subscribeOf(ask))
	nack, _ := rtpq.AppendNACK(rtpq.AppendDatagram(nil, 1, nil), []uint16{1, 2, 70})
	b = does(b, doDatagram, nack)
	b = doesMessage(b, &pb.RelayMessage{Body: &pb.RelayMessage_Keyframe{Keyframe: &pb.Keyframe{Flow: 1}}})
	b = doesMessage(b, &pb.RelayMessage{Body: &pb.RelayMessage_Stats{Stats: &pb.Stats{Flows: []*pb.FlowStats{{Flow: 1, Missing: 2}}}}})
	b = doesMessage(b, &pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: &pb.Watch{Id: 1, Flows: []uint64{1, 3}}}})
	f.Add(doesMessage(b, &pb.RelayMessage{Body: &pb.RelayMessage_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: 1}}}))
	done, stop := context.WithCancel(context.Background())
	stop()
	f.Fuzz(func(t *testing.T, b []byte) {
		r, l := inMemory("origin", identity.RoleOrigin)
		s := stream.New("a", 1, nil, []stream.Format{videoFormat, audioFormat, layer(1)}, func(*stream.Flow) {})
		r.table.Put(s)
		for i := range 20 {
			for _, flow := range []int{0, 2} {
				if _, err := s.Flows[flow].Write(packet(s.Flows[flow], i, i == 5, 40), start); err != nil {
					t.Fatal(err)
				}
			}
		}
		k := newSink(r, l)
		play(b, k, func(now time.Time) {
			for len(k.subs) > 0 {
				sub := <-k.subs
				o, err := k.offer(done, sub)
				if err != nil {
					k.refuse(sub.ask.GetId(), err)
					k.forget(sub)
				} else if _, _, err := k.open(sub, o); err != nil {
					k.forget(sub)
				}
			}
			k.beat(now)
			for {
				if _, ok := l.queue.take(now, false); !ok {
					break
				}
			}
		})
		if n := len(k.filler.jobs); n > maxJobs {
			t.Errorf("%d groups wait", n)
		}
		if len(k.byID) > rtpq.MaxStreams || len(l.queue.sounds)+len(l.queue.resends) > maxResends || len(l.queue.control) > maxControl {
			t.Errorf("%d subscriptions, %d resends, %d control datagrams", len(k.byID), len(l.queue.resends), len(l.queue.control))
		}
	})
}

// FuzzUpstream plays a hostile upstream node to a node that pulls a stream from it.
func FuzzUpstream(f *testing.F) {
	v := &pb.Flow{Flow: 1, Track: "v", Kind: pb.Kind_KIND_VIDEO, Codec: "VP8", ClockRate: 90000, Live: 8, Started: true}
	accept := acceptMessage(&pb.Accept{Id: 1, Stream: "a", Epoch: 1, Hops: []string{"peer"}, Flows: []*pb.Flow{v}})
	flow := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
	at := func(n int, key bool) []byte { return packet(flow, n, key, 40) }
	b := does(nil, doDatagram, rtpq.AppendDatagram(nil, 1, at(8, false)))
	b = doesMessage(b, accept)
	b = doesMessage(b, &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: 1, First: 5, Count: 3}}})
	b = does(b, doGroup, rtpq.AppendGroupPacket(rtpq.AppendGroupPacket(rtpq.Part{Flow: 1, First: 5, Count: 3}.Append(nil), at(5, true)), at(7, false)))
	b = does(b, doDatagram, rtpq.AppendDatagram(nil, 1, at(12, false)))
	b = does(b, doWait, make([]byte, 30))
	beat, _ := rtpq.AppendBeat(nil, 1, []rtpq.High{{Flow: 1, Seq: 14}})
	gone, _ := rtpq.AppendGone(nil, 1, []rtpq.Span{{First: 6, Count: 1}, {First: 9, Count: 2}})
	b = does(does(b, doDatagram, beat), doDatagram, gone)
	b = does(b, doDatagram, rtpq.AppendReport(rtpq.AppendDatagram(nil, 1, nil), 0, 90000, start))
	f.Add(doesMessage(b, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_NEW_EPOCH}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, l := inMemory("edge", identity.RoleEdge)
		up := &uplink{r: r}
		r.lead(up)
		src := newSource(up, l)
		up.src = src
		lease, _, err := r.lease("a", nil)
		if err != nil {
			t.Fatal(err)
		}
		u := newPuller(lease.p)
		u.statsAt = start
		u.advance(start)
		play(b, src, func(now time.Time) {
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
			if !u.over {
				u.tick(now)
			}
		})
		if len(src.early) > maxEarly || len(src.feeds) > 1 || len(src.owners) > 64 {
			t.Errorf("%d early packets, %d feeds, %d flows", len(src.early), len(src.feeds), len(src.owners))
		}
		for _, in := range u.flows {
			if len(in.track.gaps) > maxGaps {
				t.Errorf("%d gaps", len(in.track.gaps))
			}
		}
	})
}
