package relay

import (
	"errors"
	"slices"
	"testing"

	"freshet/cluster/identity"
	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// desk is a sink without a connection that serves one stream: audio, and layers a to c from the lowest.
type desk struct {
	*sink
	t      *testing.T
	stream *stream.Stream
	sub    *subscription
	flows  []*served
}

func newDesk(t *testing.T, p *pull, have ...*pb.Have) *desk {
	r, l := inMemory("origin", identity.RoleOrigin)
	l.version = rtpq.Version
	d := &desk{sink: newSink(r, l), t: t}
	d.stream = stream.New("a", 1, nil, []stream.Format{audioFormat, layer(0), layer(1), layer(2)}, func(*stream.Flow) {})
	for _, f := range d.stream.Flows {
		for n := range 10 {
			if _, err := f.Write(packet(f, n, n == 0, 100), later20(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.message(subscribeOf(&pb.Subscribe{Id: 3, Stream: "a", Epoch: 1, Hops: []string{"peer"}, Have: have})); err != nil {
		t.Fatal(err)
	}
	d.sub = <-d.subs
	var err error
	if d.flows, _, err = d.open(d.sub, &offer{stream: d.stream, first: []string{"origin"}, pull: p}); err != nil {
		t.Fatal(err)
	}
	return d
}

// said returns what was said since it was last called, the name of each message and the flows it names.
func (d *desk) said() (all []string, groups, paused, back []uint64) {
	for {
		select {
		case m := <-d.link.messages:
			switch b := m.Body.(type) {
			case *pb.RelayMessage_GroupStart:
				groups = append(groups, b.GroupStart.GetFlow())
				all = append(all, "group")
			case *pb.RelayMessage_Pause:
				if b.Pause.GetPaused() {
					paused = append(paused, b.Pause.GetFlows()...)
				} else {
					back = append(back, b.Pause.GetFlows()...)
				}
				all = append(all, "pause")
			case *pb.RelayMessage_Accept:
				all = append(all, "accept")
			default:
				all = append(all, "other")
			}
		default:
			return all, groups, paused, back
		}
	}
}

// live returns the flows of which a packet written now goes out.
func (d *desk) live(n int) (ids []uint64) {
	for {
		if _, ok := d.link.queue.take(later20(n), false); !ok {
			break
		}
	}
	for _, f := range d.stream.Flows {
		if _, err := f.Write(packet(f, n, false, 100), later20(n)); err != nil {
			d.t.Fatal(err)
		}
	}
	for {
		o, ok := d.link.queue.take(later20(n), false)
		if !ok {
			slices.Sort(ids)
			return ids
		}
		if !o.copy {
			ids = append(ids, o.flow)
		}
	}
}

func (d *desk) watches(flows ...uint64) error {
	return d.message(&pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: &pb.Watch{Id: 3, Flows: flows}}})
}

func (d *desk) wanted() (ids []uint64) {
	for i, f := range d.stream.Flows {
		if f.Wanted() {
			ids = append(ids, uint64(i+1))
		}
	}
	return ids
}

// Layers that nobody watches stop, audio and the base layer never; those watched again begin with a group.
func TestWatchedLayers(t *testing.T) {
	d := newDesk(t, nil)
	if all, groups, _, _ := d.said(); all[0] != "accept" || !slices.Equal(groups, []uint64{2, 3, 4}) {
		t.Fatalf("said %v, groups of %v", all, groups)
	}
	n := 10
	for _, row := range []struct {
		watch, live, groups []uint64
	}{
		{[]uint64{1, 2, 3, 4}, []uint64{1, 2, 3, 4}, nil},
		{[]uint64{3}, []uint64{1, 2, 3}, nil},
		{nil, []uint64{1, 2}, nil},
		{[]uint64{4}, []uint64{1, 2, 4}, []uint64{4}},
		{[]uint64{4, 3}, []uint64{1, 2, 3, 4}, []uint64{3}},
	} {
		if err := d.watches(row.watch...); err != nil {
			t.Fatal(err)
		}
		_, groups, _, _ := d.said()
		live := d.live(n)
		if !slices.Equal(live, row.live) || !slices.Equal(groups, row.groups) || !slices.Equal(d.wanted(), row.live) {
			t.Errorf("watch %v: %v go, groups of %v, %v wanted; want %v and %v", row.watch, live, groups, d.wanted(), row.live, row.groups)
		}
		n++
	}
	d.shut(d.flows)
	if err := d.watches(4); err != nil { // crosses the end
		t.Error(err)
	}
	if w := d.wanted(); w != nil || d.stream.Flows[3].Wanted() {
		t.Errorf("%v are wanted for nobody", w)
	}
}

// A flow that is idle from the start does not begin, and is not wanted, until it is watched.
func TestIdleFromTheStart(t *testing.T) {
	d := newDesk(t, nil, &pb.Have{Track: "v", Rid: "c", Idle: true}, &pb.Have{Track: "v", Rid: "a", Idle: true})
	if _, groups, _, _ := d.said(); !slices.Equal(groups, []uint64{2, 3}) { // the base layer goes all the same
		t.Errorf("groups of %v", groups)
	}
	if live := d.live(10); !slices.Equal(live, []uint64{1, 2, 3}) || !slices.Equal(d.wanted(), live) {
		t.Errorf("%v go, %v are wanted", live, d.wanted())
	}
	if err := d.watches(3, 4); err != nil {
		t.Fatal(err)
	}
	if _, groups, _, _ := d.said(); !slices.Equal(groups, []uint64{4}) {
		t.Errorf("groups of %v", groups)
	}
	if live := d.live(11); !slices.Equal(live, []uint64{1, 2, 3, 4}) {
		t.Errorf("%v go", live)
	}
}

// What is held back is told by pause, whether it is this node that does so or one above.
func TestPauseIsTold(t *testing.T) {
	d := newDesk(t, nil)
	d.said()
	q := d.link.queue
	q.shedNow(d.flows[3], true, later20(10))
	d.stream.Flows[2].SetShed(true)
	d.beat(later20(10))
	if _, _, paused, back := d.said(); !slices.Equal(paused, []uint64{3, 4}) || back != nil {
		t.Errorf("paused %v, back %v", paused, back)
	}
	d.beat(later20(11))
	if all, _, _, _ := d.said(); len(all) != 0 {
		t.Errorf("told twice: %v", all)
	}
	q.shedNow(d.flows[3], false, later20(12))
	d.beat(later20(12))
	d.stream.Flows[2].SetShed(false)
	d.beat(later20(13))
	if _, _, paused, back := d.said(); !slices.Equal(back, []uint64{4, 3}) || paused != nil {
		t.Errorf("paused %v, back %v", paused, back)
	}
	d.link.room.Store(2e6)
	if h := d.hop(d.sub); h.GetNode() != "peer" || h.GetUpstream() != "origin" || h.GetRoomBps() != 2e6 || h.GetShed() != 0 {
		t.Errorf("the hop is %v", h)
	}
}

// While a path is narrow, a stream that comes to it has no layers above the base to begin with.
func TestOpenOnNarrowPath(t *testing.T) {
	d := newDesk(t, nil)
	d.link.queue.setBar(bar{shed: true, rank: 1})
	d.said()
	if err := d.message(subscribeOf(&pb.Subscribe{Id: 4, Stream: "a", Hops: []string{"peer"}})); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.open(<-d.subs, &offer{stream: d.stream, first: []string{"origin"}}); err != nil {
		t.Fatal(err)
	}
	d.beat(later20(10))
	if _, groups, paused, _ := d.said(); !slices.Equal(groups, []uint64{6}) || !slices.Equal(paused, []uint64{7, 8}) {
		t.Errorf("groups of %v, paused %v", groups, paused)
	}
	if live := d.live(10); !slices.Equal(live, []uint64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("%v go", live)
	}
}

// A watch of what was never subscribed to closes the link; flows that are not there are passed over.
func TestHostileWatch(t *testing.T) {
	d := newDesk(t, nil)
	for _, id := range []uint64{0, 4, 1 << 60} {
		var broken *peerError
		err := d.message(&pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: &pb.Watch{Id: id, Flows: []uint64{1}}}})
		if !errors.As(err, &broken) || broken.code != rtpq.CodePacket {
			t.Errorf("watch of %d: got %v", id, err)
		}
	}
	if err := d.message(subscribeOf(&pb.Subscribe{Id: 9, Stream: "b", Hops: []string{"peer"}})); err != nil {
		t.Fatal(err)
	}
	if err := d.message(&pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: &pb.Watch{Id: 9}}}); err == nil {
		t.Error("a watch before the accept passes")
	}
	if err := d.message(&pb.RelayMessage{Body: &pb.RelayMessage_Watch{Watch: &pb.Watch{Id: 2}}}); err != nil {
		t.Errorf("a watch that may cross an end: %v", err)
	}
	if err := d.watches(1, 2, 3, 4, 5, 1<<40, 0); err != nil {
		t.Error(err)
	}
	if live := d.live(10); len(live) != 4 {
		t.Errorf("%v go", live)
	}
}

// Who begins and stops a layer in haste costs bounded memory, and in the end has what it last asked for.
func TestWatchInHaste(t *testing.T) {
	d := newDesk(t, nil)
	for n := range 3 * maxJobs {
		if err := d.watches(uint64(3 + n%2)); err != nil {
			t.Fatal(err)
		}
		d.said() // as the link's writer does
	}
	if n := len(d.filler.jobs); n > maxJobs {
		t.Errorf("%d groups wait", n)
	}
	if live := d.live(10); !slices.Equal(live, []uint64{1, 2, 4}) || !slices.Equal(d.wanted(), live) {
		t.Errorf("%v go, %v are wanted", live, d.wanted())
	}
}

// A NACK of what was left out is answered GONE, and layers wait with repairs while the path is full.
func TestNackOfLeftOut(t *testing.T) {
	d := newDesk(t, nil)
	q := d.link.queue
	d.live(10)
	q.shedNow(d.flows[3], true, later20(11))
	d.live(11)
	d.live(12)
	q.shedNow(d.flows[3], false, later20(30))
	f := d.stream.Flows[3]
	if _, err := f.Write(packet(f, 13, true, 100), later20(30)); err != nil {
		t.Fatal(err)
	}
	for {
		if _, ok := q.take(later20(30), false); !ok {
			break
		}
	}
	d.resend(d.flows[3], []uint16{10, 11, 12, 13})
	got := map[rtpq.Kind]int{}
	for {
		o, ok := q.take(later20(30), false)
		if !ok {
			break
		}
		if o.p != nil {
			got[rtpq.KindRTP]++
			continue
		}
		_, body, kind, err := rtpq.ParseDatagram(o.raw)
		var g rtpq.Gone
		if err != nil || kind != rtpq.KindGone || g.Parse(body) != nil {
			t.Fatalf("datagram %x: %v", o.raw, err)
		}
		if want := (rtpq.Span{First: 11, Count: 2}); len(g.Spans) != 1 || g.Spans[0] != want {
			t.Errorf("gone are %v, want %v", g.Spans, want)
		}
		got[rtpq.KindGone]++
	}
	if got[rtpq.KindRTP] != 2 || got[rtpq.KindGone] != 1 {
		t.Errorf("got %v", got)
	}
	d.slow.Store(true)
	for i, want := range []bool{true, true, false, false} {
		d.resend(d.flows[i], []uint16{9})
		if _, ok := q.take(later20(30), false); ok != want {
			t.Errorf("flow %d on a full path goes again: %v", i+1, ok)
		}
	}
}
