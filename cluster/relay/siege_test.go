package relay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/cluster/identity"
	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

// What a publisher makes of its own stream must not cost the link, on which others' streams are too.

// A publisher whose codec is described at too great a length is not served, and the link stays.
func TestStreamThatNoLinkDescribes(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{})
	edge := m.node("edge", nodeConfig{}, origin.up())
	long := audioFormat
	long.Codec.FMTP = strings.Repeat("x", 1000)
	publish(origin, "long", 1, long)
	publish(origin, "good", 1, audioFormat)
	l := pullNow(t, edge, "good")
	defer l.Release()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if _, err := edge.Pull(ctx, "long"); !errors.Is(err, ErrUnknownStream) {
		t.Errorf("got %v, want %v", err, ErrUnknownStream)
	}
	if n := edge.metric("upstream_losses_total"); n != 0 || l.Stream().Err() != nil {
		t.Errorf("another stream was lost %v times, and is over with %v", n, l.Stream().Err())
	}
}

// Layers that the stream does not have are refused; an accept without flows would close the link.
func TestNoSuchLayer(t *testing.T) {
	r, l := inMemory("origin", identity.RoleOrigin)
	layer := videoFormat
	layer.RID = "h"
	s := stream.New("a", 1, nil, []stream.Format{layer}, nil)
	r.table.Put(s)
	sub := &subscription{ask: &pb.Subscribe{Id: 1, Stream: "a", Layers: []string{"q"}, Hops: []string{"peer"}}}
	if _, _, err := newSink(r, l).open(sub, &offer{stream: s, first: []string{"origin"}}); !errors.Is(err, ErrUnknownStream) {
		t.Errorf("got %v, want %v", err, ErrUnknownStream)
	}
}

// A group whose numbers jumped spans more than a group start can say: it is not sent.
func TestGroupWithJumps(t *testing.T) {
	f := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
	for n := 0; n <= 90000; n += 30000 {
		if _, err := f.Write(packet(f, n, n == 0, 100), start); err != nil {
			t.Fatal(err)
		}
	}
	if b := missed(newServed(1, f, nil), nil, false, start); b != nil {
		t.Errorf("a group of %d numbers", b.end-b.next)
	}
}

// The largest group that a ring keeps fits one group stream.
func TestLargestGroupFitsItsStream(t *testing.T) {
	f := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
	const size = 2000
	for n := 0; ; n++ {
		if _, err := f.Write(packet(f, n, n == 0, size), start); err != nil {
			t.Fatal(err)
		}
		if _, ok := f.Ring.Newest(); !ok { // the last packet pushed the first out
			break
		}
	}
	r := f.Ring
	b := rtpq.Part{Flow: 1}.Append(nil)
	first := r.Near(1) // as many bytes as before the last packet
	for n := first; n <= r.High(); n++ {
		b = rtpq.AppendGroupPacket(b, r.Get(n).Data)
	}
	g, err := rtpq.NewGroupReader(bytes.NewReader(b), rtpq.VersionOne)
	for err == nil {
		_, err = g.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("a group of %d packets: %v", r.High()-first+1, err)
	}
}

// A name that is none in the hops must not leave a stream behind that nobody pulls.
func TestHopWithoutName(t *testing.T) {
	r, _ := inMemory("hub", identity.RoleEdge)
	l, fresh, err := r.lease("a", []string{"", "edge"})
	if err != nil || !fresh || l == nil {
		t.Errorf("got %v, fresh %v", err, fresh)
	}
}

// Who subscribes and unsubscribes without end holds no more of this node than who stays.
func TestSubscribeAndGo(t *testing.T) {
	r, l := inMemory("hub", identity.RoleEdge)
	r.lead(&uplink{r: r}) // to which there is no link: what is asked for does not come
	k := newSink(r, l)
	most := 0
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-r.starts: // as Run does; nobody comes to pull
			case <-over:
				return
			}
		}
	})
	for id := range uint64(3 * rtpq.MaxStreams) {
		ask := &pb.Subscribe{Id: id + 1, Stream: "a", Hops: []string{"peer"}}
		if err := k.message(subscribeOf(ask)); err != nil {
			t.Fatal(err)
		}
		select {
		case sub := <-k.subs: // as serve does
			wg.Go(func() { k.carry(t.Context(), sub) })
		default: // refused
		}
		if err := k.message(&pb.RelayMessage{Body: &pb.RelayMessage_Unsubscribe{Unsubscribe: &pb.Unsubscribe{Id: id + 1}}}); err != nil {
			t.Fatal(err)
		}
		most = max(most, waiting(r, "a"))
	}
	eventually(t, "rid of them", func() bool {
		most = max(most, waiting(r, "a"))
		k.mu.Lock()
		defer k.mu.Unlock()
		return waiting(r, "a")+len(k.byID) == 0
	})
	close(over)
	wg.Wait()
	if most > rtpq.MaxStreams {
		t.Errorf("%d waited at once", most)
	}
}

// waiting returns how many leases of a stream r has.
func waiting(r *Relay, id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pulls[id]
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.leases)
}

// A link blocked for so long that the ring moved on asks for the key frame with which it goes on.
func TestEvictedVideoAsksForKeyFrame(t *testing.T) {
	asked := 0
	f := stream.New("a", 1, nil, []stream.Format{videoFormat}, func(*stream.Flow) { asked++ }).Flows[0]
	sh := &shelf{queue: newQueue(maxBehind, func(dropReason, int) {}), flows: []*stream.Flow{f}}
	sh.add(newServed(1, f, nil))
	for n := range 400 {
		sh.fill(0, n, false, start.Add(time.Duration(n)*10*time.Millisecond))
	}
	if f.Ring.At(0) != nil {
		t.Fatal("nothing was evicted")
	}
	sh.drain(start.Add(4 * time.Second))
	if asked != 1 {
		t.Errorf("asked for %d key frames, want 1", asked)
	}
}

// taken returns a puller that takes stream a in epoch 1 from "peer", with that link's source.
func taken(t *testing.T) (*puller, *source) {
	r, l := inMemory("edge", identity.RoleEdge)
	up := &uplink{r: r}
	r.lead(up)
	up.src = newSource(up, l)
	lease, _, err := r.lease("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	u := newPuller(lease.p)
	u.advance(start)
	v := &pb.Flow{Flow: 1, Track: "v", Kind: pb.Kind_KIND_VIDEO, Codec: "VP8", ClockRate: 90000}
	accept := acceptMessage(&pb.Accept{Id: 1, Stream: "a", Epoch: 1, Hops: []string{"peer"}, Flows: []*pb.Flow{v}})
	if err := up.src.message(accept); err != nil {
		t.Fatal(err)
	}
	u.event(<-u.p.events, start)
	if path, _ := u.p.where(); len(path) != 2 {
		t.Fatalf("accepted by way of %v", path)
	}
	return u, up.src
}

// From the end of an epoch to the accept of the next no upstream delivers, and those below must know it.
func TestNoPathBetweenEpochs(t *testing.T) {
	u, _ := taken(t)
	u.end(u.first, pb.EndReason_END_REASON_NEW_EPOCH, start)
	if path, _ := u.p.where(); path != nil {
		t.Errorf("the path is %v", path)
	}
}

// Two nodes that ask each other at the same moment find out only where each says first that it waits.
func TestWaitsBeforeItAsks(t *testing.T) {
	u, src := taken(t)
	src.link.node = "peer"
	u.letGo(u.first, false, start)
	u.first = nil
	src.mu.Lock() // nothing is said while it is held
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		u.advance(start)
	}()
	eventually(t, "known to wait", func() bool {
		u.p.mu.Lock()
		defer u.p.mu.Unlock()
		return u.p.asking == "peer"
	})
	src.mu.Unlock()
	<-ended
}

// What a peer would refuse of this node is an error of its configuration.
func TestConfigThatPeersRefuse(t *testing.T) {
	c := Config{Node: "edge", Role: identity.RoleEdge, Region: strings.Repeat("x", 65)}
	if c.Validate() == nil {
		t.Error("a region that no hello may carry passes")
	}
}

// A NACK of numbers that were not sent yet, of which one datagram names thousands, takes no look at the
// board, whose lock the stream's puller needs.
func TestNackOfTheFuture(t *testing.T) {
	f := stream.New("a", 1, nil, []stream.Format{videoFormat}, nil).Flows[0]
	write(f, 0, 1, 1)
	sv, looks := newServed(1, f, nil), 0
	sv.given = func(*stream.Flow, int64) bool { looks++; return false }
	for seq := f.Ring.High() + 1; seq < f.Ring.High()+5000; seq++ {
		if !sv.awaited(seq, start) {
			t.Fatalf("%d is taken for lost", seq)
		}
	}
	if looks != 0 {
		t.Errorf("%d looks at the board", looks)
	}
}

// One whose way would be too long, or lead back, does not cost those the stream for whom it would not.
func TestLongWayIsOnesOwn(t *testing.T) {
	for _, why := range []error{ErrTooManyHops, ErrLoop} {
		r, l := inMemory("hub", identity.RoleEdge)
		up := &uplink{r: r}
		r.lead(up)
		up.src = newSource(up, l)
		viewer, _, err := r.lease("a", nil)
		if err != nil {
			t.Fatal(err)
		}
		far, _, err := r.lease("a", []string{"one", "two", "three", "four"})
		if err != nil {
			t.Fatal(err)
		}
		u := newPuller(viewer.p)
		u.advance(start)
		if hops := (<-l.messages).GetSubscribe().GetHops(); len(hops) != 5 {
			t.Fatalf("asked for %v", hops)
		}
		u.event(event{kind: eventRefuse, feed: u.first, err: why}, start)
		select {
		case m := <-l.messages:
			if hops := m.GetSubscribe().GetHops(); len(hops) != 1 {
				t.Errorf("asked again for %v", hops)
			}
		default:
			t.Error("given up for all")
		}
		if err := far.wait(t.Context()); !errors.Is(err, why) {
			t.Errorf("the far one got %v, want %v", err, why)
		}
		u.event(event{kind: eventRefuse, feed: u.first, err: why}, start) // now it is the viewer's own
		if err := viewer.wait(t.Context()); !errors.Is(err, why) {
			t.Errorf("the viewer got %v, want %v", err, why)
		}
	}
}
