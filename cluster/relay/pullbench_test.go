package relay

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// A bench is a puller with upstreams "one", "two", … whose links end in memory, and whose clock the test has.
type bench struct {
	t    *testing.T
	u    *puller
	srcs []*source
	now  time.Time
	flow uint64
	subs []uint64 // last subscription asked, by upstream
}

// newBench returns one that takes stream a, which has audio and two layers of video, from the first upstream.
func newBench(t *testing.T, names ...string) *bench {
	r, first := inMemory("edge", identity.RoleEdge)
	x := &bench{t: t, now: start, subs: make([]uint64, len(names))}
	var ups []*uplink
	for i, name := range names {
		l := first
		if i > 0 {
			_, l = inMemory("edge", identity.RoleEdge)
			l.m = r.m
		}
		l.node, l.version = name, rtpq.Version
		up := &uplink{r: r}
		up.src = newSource(up, l)
		up.src.since.Store(start.UnixNano())
		ups = append(ups, up)
		x.srcs = append(x.srcs, up.src)
	}
	r.lead(ups...)
	lease, _, err := r.lease("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	x.u = newPuller(lease.p)
	x.u.statsAt = start.Add(time.Hour)
	x.u.advance(x.now)
	x.accept(0, 1, names[0])
	return x
}

func formats() []stream.Format {
	low, high := videoFormat, videoFormat
	low.RID, high.RID, high.Rank = "l", "h", 1
	return []stream.Format{audioFormat, low, high}
}

// said returns what upstream i was told since the last call.
func (x *bench) said(i int) (all []*pb.RelayMessage) {
	for {
		select {
		case m := <-x.srcs[i].link.messages:
			if s := m.GetSubscribe(); s != nil {
				x.subs[i] = s.GetId()
			}
			all = append(all, m)
		default:
			return all
		}
	}
}

// subscribed returns the last subscribe that upstream i was told since the last call, and whether it was
// told of an unsubscribe after it.
func (x *bench) subscribed(i int) (ask *pb.Subscribe, left bool) {
	for _, m := range x.said(i) {
		if s := m.GetSubscribe(); s != nil {
			ask, left = s, false
		}
		left = left || m.GetUnsubscribe() != nil
	}
	return ask, left
}

func (x *bench) tell(i int, m *pb.RelayMessage) {
	x.t.Helper()
	if err := x.srcs[i].message(m); err != nil {
		x.t.Fatal(err)
	}
	x.take()
}

func (x *bench) take() {
	for len(x.u.p.events)+len(x.u.p.live)+len(x.u.p.slow) > 0 && !x.u.over {
		select {
		case e := <-x.u.p.events:
			x.u.event(e, x.now)
		case a := <-x.u.p.live:
			x.u.arrive(a)
		case a := <-x.u.p.slow:
			x.u.arrive(a)
		}
	}
}

// accept has upstream i accept what it was asked for, and returns the flow ids.
func (x *bench) accept(i int, epoch uint64, path ...string) []uint64 {
	x.t.Helper()
	x.said(i)
	a := &pb.Accept{Id: x.subs[i], Stream: "a", Epoch: epoch, Hops: path}
	var ids []uint64
	for _, f := range stream.New("a", epoch, nil, formats(), nil).Flows {
		x.flow++
		a.Flows = append(a.Flows, describe(&served{id: x.flow, flow: f}))
		ids = append(ids, x.flow)
	}
	x.tell(i, acceptMessage(a))
	return ids
}

// packet has upstream i send packet n of the flow with id, which is number flow of the stream.
func (x *bench) packet(i int, id uint64, flow, n int, key bool) {
	x.t.Helper()
	f := stream.New("a", 1, nil, formats(), nil).Flows[flow]
	if err := x.srcs[i].datagram(id, packet(f, n, key, 40), rtpq.KindRTP, x.now); err != nil {
		x.t.Fatal(err)
	}
	x.take()
}

// group has upstream i announce a group, from first up to end, and bring it up to cut, where its stream is cut.
func (x *bench) group(i int, id uint64, flow, first, cut, end int) {
	x.t.Helper()
	x.tell(i, &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: id, First: uint32(first), Count: uint32(end - first)}}})
	f := stream.New("a", 1, nil, formats(), nil).Flows[flow]
	part := rtpq.Part{Flow: id}
	version := max(x.srcs[i].link.version, rtpq.VersionOne)
	if version > rtpq.VersionOne {
		part.First, part.Count = uint16(first), end-first
	}
	b := part.Append(nil)
	for n := first; n < cut; n++ {
		b = rtpq.AppendGroupPacket(b, packet(f, n, n == first, 40))
	}
	g, err := rtpq.NewGroupReader(io.MultiReader(bytes.NewReader(b), iotest.ErrReader(errNoFlow)), version)
	if err != nil {
		x.t.Fatal(err)
	}
	if err := x.srcs[i].group(x.t.Context(), g); !errors.Is(err, errNoFlow) {
		x.t.Errorf("a stream that was cut: %v", err)
	}
	x.now = time.Now() // streams are read by it
	x.take()
}

// ended has the stream of n packets from first on end that upstream i has for a flow.
func (x *bench) ended(i, flow, first, n int) {
	f := x.u.first
	if f.source != x.srcs[i] {
		f = x.u.second
	}
	x.u.arrive(arrival{kind: arrivalEnd, feed: f, flow: flow, seq: uint16(first), n: uint16(n), at: x.now})
	x.u.repair(x.now)
}

// asked returns the numbers that upstream i was asked for since the last call.
func (x *bench) asked(i int) (all []uint16) {
	x.t.Helper()
	for {
		out, ok := x.srcs[i].link.queue.take(x.now, false)
		if !ok {
			return all
		}
		_, body, kind, err := rtpq.ParseDatagram(out.raw)
		if err != nil {
			x.t.Fatal(err)
		}
		if kind == rtpq.KindRTCP {
			f, err := rtpq.ParseRTCP(body)
			if err != nil {
				x.t.Fatal(err)
			}
			all = append(all, f.Missing...)
		}
	}
}

// stand gives upstream i another standing.
func (x *bench) stand(i int, s standing) {
	x.srcs[i].judge(s, x.now)
	x.take()
}

// wait has d pass, tick by tick.
func (x *bench) wait(d time.Duration) {
	for end := x.now.Add(d); x.now.Before(end) && !x.u.over; {
		x.now = x.now.Add(10 * time.Millisecond)
		x.u.tick(x.now)
		if next := x.u.next(); !next.After(x.now) && !x.u.over {
			x.t.Fatalf("after a tick the next is due %v ago", x.now.Sub(next))
		}
		x.take()
	}
}

func (x *bench) peers() (all []string) {
	for _, f := range x.u.feeds() {
		all = append(all, f.source.link.node)
	}
	return all
}

func (x *bench) wants(what string, peers ...string) {
	x.t.Helper()
	if got := x.peers(); !slices.Equal(got, peers) {
		x.t.Fatalf("%s: takes the stream from %v, want %v", what, got, peers)
	}
}
