package relay

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// watched returns the flows of the last watch that upstream i was told.
func (x *bench) watched(i int) (flows []uint64, told bool) {
	for _, m := range x.said(i) {
		if w := m.GetWatch(); w != nil {
			flows, told = w.GetFlows(), true
		}
	}
	return flows, told
}

// idle has the upper layer be let go, and returns the flow ids at the first upstream.
func (x *bench) idle() []uint64 {
	x.t.Helper()
	ids := x.u.first.ids
	x.wait(carriedFresh)
	if flows, _ := x.watched(0); !slices.Equal(flows, ids[:2]) {
		x.t.Fatalf("watches %v, want %v", flows, ids[:2])
	}
	return ids
}

// All layers are carried for 3 s, then those that are wanted, audio and the lowest; a layer is let go 5 s
// after the last who wanted it.
func TestWatch(t *testing.T) {
	x := newBench(t, "one")
	ids := x.u.first.ids
	high := x.u.flows[2].flow
	x.wait(carriedFresh - 20*time.Millisecond)
	if _, told := x.watched(0); told {
		t.Error("a fresh stream does not carry all")
	}
	x.wait(40 * time.Millisecond)
	if flows, _ := x.watched(0); !slices.Equal(flows, ids[:2]) {
		t.Errorf("nobody wants the layer: watches %v, want %v", flows, ids[:2])
	}
	high.Want()
	<-x.u.p.nudge
	x.u.watch(x.now)
	if flows, _ := x.watched(0); !slices.Equal(flows, ids) {
		t.Errorf("wanted: watches %v, want %v", flows, ids)
	}
	high.Want()
	high.Unwant()
	high.Unwant()
	<-x.u.p.nudge
	x.u.watch(x.now)
	x.wait(carriedLinger - 20*time.Millisecond)
	if flows, told := x.watched(0); told {
		t.Errorf("a moment after: watches %v", flows)
	}
	x.wait(40 * time.Millisecond)
	if flows, _ := x.watched(0); !slices.Equal(flows, ids[:2]) {
		t.Errorf("5 s after: watches %v, want %v", flows, ids[:2])
	}
}

// To a node of version 1 nothing is said of layers that nobody wants, and it goes on to bring them.
func TestWatchOfVersionOne(t *testing.T) {
	x := newBench(t, "one")
	x.srcs[0].link.version = rtpq.VersionOne
	x.wait(carriedFresh + time.Second)
	if _, told := x.watched(0); told {
		t.Error("told")
	}
	if x.u.flows[2].asleep {
		t.Error("what it brings is not repaired")
	}
}

// The second upstream learns at once which flows are not wanted.
func TestIdleAtTheSecond(t *testing.T) {
	x := newBench(t, "one", "two")
	x.packet(0, x.u.first.ids[1], 1, 100, true)
	x.packet(0, x.u.first.ids[2], 2, 100, true)
	x.idle()
	x.stand(0, suspect)
	ask, _ := x.subscribed(1)
	got := map[string]*pb.Have{}
	for _, h := range ask.GetHave() {
		got[h.GetTrack()+h.GetRid()] = h
	}
	if h := got["vh"]; !h.GetIdle() {
		t.Errorf("the layer nobody wants: %v", h)
	}
	if h := got["vl"]; h.GetIdle() || h.GetSequence() != 100 {
		t.Errorf("the layer that is carried: %v", h)
	}
	if got["a"] != nil {
		t.Errorf("audio of which nothing came: %v", got["a"])
	}
	x.accept(1, 1, "two")
	if _, told := x.watched(1); told {
		t.Error("told twice")
	}
}

// A flow that is wanted again begins anew, however far its numbers ran: nothing of the hole is asked for, and
// what comes is newer than all there was.
func TestWantedAgain(t *testing.T) {
	for _, row := range []struct {
		name  string
		away  int  // numbers that were not carried
		group bool // a group comes, and is told of
		live  bool // its first live packet comes before
	}{
		{"soon, with a group", 100, true, false},
		{"soon, live first", 100, true, true},
		{"soon, at a key frame", 100, false, true},
		{"after a while", 5000, true, false},
		{"numbers half way round", 40000, true, true},
		{"numbers nearly once round", 65000, true, false},
		{"numbers more than once round, at a key frame", 70000, false, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := newBench(t, "one")
			id := x.u.first.ids[2]
			in := x.u.flows[2]
			for n := range 50 {
				x.packet(0, id, 2, n, n == 0)
			}
			x.idle()
			x.packet(0, id, 2, 50, false) // it was on its way
			high := in.flow.Ring.High()
			in.flow.Want()
			x.u.watch(x.now)
			first := 51 + row.away
			live := first + 20
			if row.live {
				x.packet(0, id, 2, live, !row.group)
			}
			if row.group {
				x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: id, First: uint32(uint16(first)), Count: 20}}})
				for n := first; n < live; n++ {
					if n != first+7 {
						x.packet(0, id, 2, n, n == first)
					}
				}
				x.ended(0, 2, first, 20)
			}
			for n := live; n < live+10; n++ {
				if n != live+3 {
					x.packet(0, id, 2, n, n == live && !row.group)
				}
			}
			if got := in.flow.Ring.High(); got <= high || uint16(got) != uint16(live+9) {
				t.Fatalf("highest number %d, was %d", got, high)
			}
			if g, ok := in.flow.Ring.Newest(); !ok || row.group && uint16(g.First) != uint16(first) || !row.group && uint16(g.First) != uint16(live) {
				t.Errorf("newest group at %d %v", uint16(g.First), ok)
			}
			want := []uint16{uint16(live + 3)}
			if row.group {
				want = []uint16{uint16(first + 7), uint16(live + 3)}
			}
			var missing []uint16
			for _, g := range in.track.gaps {
				missing = append(missing, uint16(g.seq))
			}
			if !slices.Equal(missing, want) {
				t.Errorf("misses %v, want %v", missing, want)
			}
		})
	}
}

// A flow that upstream holds back is shed here, nothing of it is asked for, and it comes back at a key frame
// whose first packets are asked for where they were lost.
func TestPause(t *testing.T) {
	x := newBench(t, "one")
	id := x.u.first.ids[2]
	in := x.u.flows[2]
	pause := func(on bool) {
		x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: []uint64{id}, Paused: on}}})
		if in.flow.Shed() != on {
			t.Errorf("paused %v: shed %v", on, in.flow.Shed())
		}
	}
	in.flow.Want()
	for _, n := range []int{0, 1, 2, 5} {
		x.packet(0, id, 2, n, n == 0)
	}
	pause(true)
	x.packet(0, id, 2, 7, false) // it was on its way
	if n := len(in.track.gaps); n != 0 {
		t.Errorf("%d numbers are asked for", n)
	}
	beat, _ := rtpq.AppendBeat(nil, 1, []rtpq.High{{Flow: id, Seq: 90}})
	_, body, kind, _ := rtpq.ParseDatagram(beat)
	if err := x.srcs[0].datagram(0, body, kind, x.now); err != nil {
		t.Fatal(err)
	}
	x.take()
	pause(false)
	x.packet(0, id, 2, 503, false) // of the key frame 500, of which the first three were lost
	x.packet(0, id, 2, 504, false)
	x.wait(50 * time.Millisecond)
	out, ok := x.srcs[0].link.queue.take(x.now, false)
	if !ok {
		t.Fatal("nothing is asked for")
	}
	_, rtcp, _, _ := rtpq.ParseDatagram(out.raw)
	nack, err := rtpq.ParseRTCP(rtcp)
	if err != nil || !slices.Contains(nack.Missing, 500) || !slices.Contains(nack.Missing, 502) || len(nack.Missing) != wakeBack {
		t.Errorf("asked for %v, %v", nack.Missing, err)
	}
	x.packet(0, id, 2, 502, false)
	x.packet(0, id, 2, 501, false)
	x.packet(0, id, 2, 500, true)
	if n := len(in.track.gaps); n != 0 {
		t.Errorf("%d numbers before the key frame are asked for", n)
	}
	x.packet(0, id, 2, 507, false)
	if n := len(in.track.gaps); n != 2 {
		t.Errorf("%d numbers are missing, want 2", n)
	}
}

// With two feeds a flow is shed only where both hold it back, and what is missing is asked of the one that
// does not. A fresh feed sheds nothing.
func TestPauseOfOneOfTwo(t *testing.T) {
	x := newBench(t, "one", "two")
	id := x.u.first.ids[2]
	in := x.u.flows[2]
	in.flow.Want()
	x.packet(0, id, 2, 10, true)
	paused := func(i int, id uint64, want bool) {
		t.Helper()
		x.tell(i, &pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: []uint64{id}, Paused: true}}})
		if in.flow.Shed() != want || in.asleep != want {
			t.Errorf("shed %v, asleep %v, want %v", in.flow.Shed(), in.asleep, want)
		}
	}
	paused(0, id, true)
	x.stand(0, suspect)
	ids := x.accept(1, 1, "two")
	if in.flow.Shed() || in.asleep {
		t.Error("a fresh feed sheds")
	}
	x.packet(1, ids[2], 2, 12, false)
	x.packet(1, ids[2], 2, 14, false)
	if order := x.u.askable(2); !slices.Equal(order, []side{1}) {
		t.Errorf("asks %v, want the second alone", order)
	}
	paused(1, ids[2], true)
}

// Flows that nobody knows, which a pause may name after an unsubscribe, are passed over and counted; what
// only a downstream node may say closes the link.
func TestHostileUpstreamMessages(t *testing.T) {
	x := newBench(t, "one")
	many := make([]uint64, 4096)
	for i := range many {
		many[i] = uint64(i) + 1000
	}
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: many, Paused: true}}})
	for _, in := range x.u.flows {
		if in.flow.Shed() {
			t.Error("shed by a pause of others")
		}
	}
	hops := []*pb.HopStats{{Node: "x"}, {Node: "y"}, {Node: "z"}, {Node: "far"}}
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Route{Route: &pb.Route{Id: 1, Hops: hops}}})
	x.u.report(x.now)
	if n := len(x.u.p.route()); n > rtpq.MaxHops {
		t.Errorf("%d hops are told below", n)
	}
	for name, m := range map[string]*pb.RelayMessage{
		"watch":              {Body: &pb.RelayMessage_Watch{Watch: &pb.Watch{Id: 1}}},
		"route of no stream": {Body: &pb.RelayMessage_Route{Route: &pb.Route{Id: 77}}},
		"stats":              {Body: &pb.RelayMessage_Stats{Stats: &pb.Stats{}}},
	} {
		if err := x.srcs[0].message(m); rtpq.CodeOf(err) != rtpq.CodePacket && codeOf(err) != rtpq.CodePacket {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// codeOf returns the code with which err closes a link.
func codeOf(err error) rtpq.Code {
	var p *peerError
	if errors.As(err, &p) {
		return p.code
	}
	return rtpq.CodeNone
}

// The way is told with every hop's figures: those above as upstream says, and this node's own.
func TestRoute(t *testing.T) {
	x := newBench(t, "one")
	id := x.u.first.ids[0]
	for _, n := range []int{0, 1, 3} {
		x.packet(0, id, 0, n, false)
	}
	x.packet(0, id, 0, 3, false) // its copy
	x.wait(50 * time.Millisecond)
	x.packet(0, id, 0, 2, false)
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Pause{Pause: &pb.Pause{Flows: x.u.first.ids[2:], Paused: true}}})
	above := []*pb.HopStats{{Node: "one", Upstream: "origin", Received: 7}, {Node: "edge", Upstream: "one", RoomBps: 2_000_000}}
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Route{Route: &pb.Route{Id: 1, Hops: above}}})
	x.u.report(x.now)
	l := &Lease{p: x.u.p}
	got := l.Route()
	want := stream.Hop{Node: "edge", Upstream: "one", Received: 4, Missing: 1, Repaired: 1, Late: 1, Shed: 1, RoomBPS: 2_000_000}
	if len(got) != 2 || got[0].Node != "one" || got[0].Received != 7 || got[1] != want {
		t.Errorf("got %+v, want %+v behind the hop of one", got, want)
	}
	if n := x.u.flows[0].track.copies; n != 1 {
		t.Errorf("%d copies", n)
	}
	for _, m := range x.said(0) {
		if s := m.GetStats(); s != nil && (s.GetFlows()[0].GetReceived() != 4 || s.GetFlows()[0].GetRepaired() != 1) {
			t.Errorf("upstream is told %v", s)
		}
	}
}

// An upstream that is half-way through a group itself passes the rest on as datagrams. One of them is lost.
func TestLossInTheRestOfAGroup(t *testing.T) {
	x := newBench(t, "one")
	in := x.u.flows[2]
	in.accepted(&pb.Flow{Started: true, Live: 200}, 0, x.now, x.u.paces[0])
	id := x.u.first.ids[2]
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: id, First: 100, Count: 50}}})
	x.packet(0, id, 2, 200, false)
	for n := 100; n < 200; n++ {
		if n != 120 && n != 170 {
			x.packet(0, id, 2, n, n == 100)
		}
	}
	x.packet(0, id, 2, 201, false)
	x.ended(0, 2, 100, 50)
	var missing []uint16
	for _, g := range in.track.gaps {
		missing = append(missing, uint16(g.seq))
	}
	if !slices.Equal(missing, []uint16{120, 170}) {
		t.Errorf("misses %v, want 120 and 170", missing)
	}
}

// Where live packets begin is told below as long as it lies ahead, and not when 16 bits have come round.
func TestLiveOfLongAgo(t *testing.T) {
	x := newBench(t, "one")
	f := x.u.flows[0].flow
	x.u.p.show(x.u.stream, map[*stream.Flow]int64{f: f.Ring.Near(20)})
	if n, ok := x.u.p.liveOf(f); !ok || n != 20 {
		t.Errorf("got %d %v, want 20", n, ok)
	}
	for n := 0; n < 40000; n += 1000 {
		x.packet(0, x.u.first.ids[0], 0, n, false)
	}
	if n, ok := x.u.p.liveOf(f); ok {
		t.Errorf("of long ago: %d", n)
	}
}

// What comes in order costs a tracker no memory.
func TestTrackerAllocates(t *testing.T) {
	tr := &tracker{high: -1, holds: func(int64) bool { return false }}
	p := paceOf(0, true)
	tr.start(0)
	seq := int64(0)
	var a asks
	if n := testing.AllocsPerRun(1000, func() {
		tr.arrived(seq, 0, true, start, p)
		tr.arrived(seq+2, 0, true, start, p)
		tr.arrived(seq+1, 0, true, start, p)
		tr.ask(&a, []side{0}, start, &[sides]pace{p, p})
		seq += 3
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Over two hops: a layer that nobody wants is not carried; wanted again, it comes with its newest group, no
// key frame is asked for, and nothing of what was not carried.
func TestLayerOverTwoHops(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for layers to be let go, 5 s a hop: make proof runs it")
	}
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	hub := m.node("hub", nodeConfig{}, origin.up())
	edge := m.node("edge", nodeConfig{}, hub.up())
	p := publish(origin, "a", 1, formats()...)
	l := pullNow(t, edge, "a")
	defer l.Release()
	high := l.Stream().Flows[2]
	n := 0
	play := func() {
		for _, f := range p.Flows {
			write(f, n, n+1, 100)
		}
		n++
		<-time.After(4 * time.Millisecond)
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(); play() {
			if time.Now().After(end) {
				t.Fatalf("not %s", what)
			}
		}
	}
	until("carried at first", func() bool { return high.Ring.Head() > 20 })
	until("let go on both hops", func() bool {
		return n-int(uint16(high.Ring.High())) > 300 && origin.metric("sent_packets_total") > 0
	})
	head, sent := high.Ring.Head(), n
	began := time.Now()
	high.Want()
	defer high.Unwant()
	until("back, at a group", func() bool {
		g, ok := high.Ring.Newest()
		return ok && int(g.First&0xffff) > sent-200 && high.Ring.Head() > head
	})
	took := time.Since(began)
	until("whole from there on", func() bool {
		g, ok := high.Ring.Newest()
		return ok && has(high, int(g.First&0xffff), int(uint16(high.Ring.High()))) && n > sent+200
	})
	t.Logf("back after %v; asked again: hub %v, edge %v", took, hub.metric("nacked_packets_total"), edge.metric("nacked_packets_total"))
	if n := p.asked.Load(); n != 0 {
		t.Errorf("the publisher was asked for %d key frames", n)
	}
	if asked := hub.metric("nacked_packets_total") + edge.metric("nacked_packets_total"); asked > 20 {
		t.Errorf("%v packets were asked for again", asked)
	}
}

// What an upstream has from minutes ago, whose 16 bits seem to lie ahead, does not move the ring.
func TestPacketOfLongAgo(t *testing.T) {
	x := newBench(t, "one")
	id := x.u.first.ids[1]
	in := x.u.flows[1]
	x.packet(0, id, 1, 100000, true)
	high := in.flow.Ring.High()
	for n := 100000 - 40000; n < 100000-39990; n++ {
		x.packet(0, id, 1, n, true)
	}
	if got := in.flow.Ring.High(); got != high || len(in.track.gaps) != 0 {
		t.Errorf("highest number %d, was %d; %d missing", got, high, len(in.track.gaps))
	}
	x.packet(0, id, 1, 100001, false)
	if got := in.flow.Ring.High(); got != high+1 {
		t.Errorf("then %d, want %d", got, high+1)
	}
}

// A layer that nobody wanted for longer than its timestamps tell apart begins anew like any other.
func TestWantedAgainAfterHours(t *testing.T) {
	for _, away := range []time.Duration{2 * time.Hour, 7 * time.Hour, 10 * time.Hour, 20 * time.Hour} {
		for _, ran := range []int{100, 40000, 65000} { // numbers, as 16 bits tell them
			x := newBench(t, "one")
			id := x.u.first.ids[2]
			in := x.u.flows[2]
			x.packet(0, id, 2, 50, true)
			x.idle()
			high := in.flow.Ring.High()
			x.now = x.now.Add(away)
			in.flow.Want()
			x.u.watch(x.now)
			for n := range 3 {
				b := packet(in.flow, 50+ran+n, n == 0, 40)
				binary.BigEndian.PutUint32(b[4:], uint32(50*3000+int64(away/time.Second)*90000+int64(n)*3000))
				if err := x.srcs[0].datagram(id, b, rtpq.KindRTP, x.now); err != nil {
					t.Fatal(err)
				}
				x.take()
			}
			if got := in.flow.Ring.High(); got != high+int64(ran)+2 {
				t.Errorf("after %v and %d numbers: highest %d, was %d", away, ran, got, high)
			}
		}
	}
}
