package relay

import (
	"errors"
	"slices"
	"testing"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

func TestJudge(t *testing.T) {
	const ms = time.Millisecond
	well, shaky := time.Minute, 499*ms
	for _, row := range []struct {
		name          string
		first, second stand
		both          time.Duration
		delivers      bool
		want          ruling
	}{
		{"too early", stand{0, 0, false}, stand{1, well, false}, 499 * ms, true, keepBoth},
		{"first not heard of", stand{0, 0, false}, stand{1, well, false}, 500 * ms, true, dropFirst},
		{"first back just now", stand{0, shaky, false}, stand{1, well, false}, 500 * ms, true, keepBoth},
		{"first back and gone and back", stand{0, shaky, false}, stand{1, well, false}, 1000 * ms, true, dropFirst},
		{"first back", stand{0, 500 * ms, false}, stand{1, well, false}, 500 * ms, true, dropSecond},
		{"first back, and the worse", stand{2, 500 * ms, false}, stand{1, well, false}, 500 * ms, true, dropFirst},
		{"second not heard of", stand{0, well, false}, stand{1, 0, false}, 500 * ms, true, dropSecond},
		{"neither", stand{0, 0, false}, stand{1, 0, false}, time.Minute, true, keepBoth},
		{"second brings nothing", stand{0, 0, false}, stand{1, well, false}, time.Second, false, keepBoth},
		{"second brings nothing for long", stand{1, well, false}, stand{0, well, false}, 5 * time.Second, false, dropSecond},
		{"first leaves", stand{0, well, true}, stand{1, well, false}, 500 * ms, true, dropFirst},
		{"first leaves, second not heard of", stand{0, 0, true}, stand{1, 0, false}, 500 * ms, true, keepBoth},
		{"return", stand{1, well, false}, stand{0, well, false}, 500 * ms, true, dropFirst},
	} {
		if got := judge(row.first, row.second, row.both, row.delivers); got != row.want {
			t.Errorf("%s: got %d, want %d", row.name, got, row.want)
		}
	}
}

// A better upstream that has been well for 10 s and a little has the stream back, make before break; one that
// fails again waits longer each time, and nothing is left behind.
func TestReturn(t *testing.T) {
	x := newBench(t, "one", "two")
	waited := time.Duration(0)
	for round := range 4 {
		x.stand(0, suspect)
		x.wants("suspect", "one", "two")
		x.accept(1, 1, "two")
		x.wait(trialFor + 2*trialEvery)
		x.wants("not heard of", "two")
		if _, left := x.subscribed(0); !left {
			t.Errorf("round %d: subscription left behind", round)
		}
		x.stand(0, alive)
		began := x.now
		for len(x.peers()) == 1 && x.now.Sub(began) < 2*returnMost {
			x.wait(100 * time.Millisecond)
		}
		took := x.now.Sub(began)
		if took < returnAfter<<round || took > returnAfter<<round*3/2+time.Second {
			t.Errorf("round %d: asked again after %v, want %v to half as much more", round, took, returnAfter<<round)
		}
		if took < waited {
			t.Errorf("round %d: asked again after %v, sooner than after %v", round, took, waited)
		}
		waited = took
		x.wants("return", "two", "one")
		x.accept(0, 1, "one")
		x.wait(trialFor + 2*trialEvery)
		x.wants("returned", "one")
		if _, left := x.subscribed(1); !left {
			t.Errorf("round %d: subscription left behind", round)
		}
	}
	if n := x.u.changes; n != 8 {
		t.Errorf("%d changes, want 8", n)
	}
}

// An upstream that is heard of again in time keeps its streams, also where it takes a moment to be well.
func TestFirstStays(t *testing.T) {
	for _, back := range []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond} {
		x := newBench(t, "one", "two")
		x.stand(0, suspect)
		x.wants("suspect", "one", "two")
		x.accept(1, 1, "two")
		x.wait(back)
		x.stand(0, alive)
		x.wait(trialFor - 20*time.Millisecond)
		x.wants("not well for long enough", "one", "two")
		x.wait(20*time.Millisecond + 2*trialEvery)
		x.wants("well", "one")
		if _, left := x.subscribed(1); !left || x.u.changes != 0 {
			t.Errorf("back after %v: the second was let go %v, %d changes", back, left, x.u.changes)
		}
	}
}

// A better upstream that refuses is not asked all the time.
func TestReturnRefused(t *testing.T) {
	x := newBench(t, "one", "two")
	x.stand(0, suspect)
	x.accept(1, 1, "two")
	x.wait(time.Second)
	x.stand(0, alive)
	asked := 0
	for range 600 {
		x.wait(time.Second)
		if ask, _ := x.subscribed(0); ask != nil {
			asked++
			x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Id: x.subs[0], Reason: pb.RefuseReason_REFUSE_REASON_LOOP}}})
			x.wants("refused", "two")
		}
	}
	if asked < 3 || asked > 6 {
		t.Errorf("asked %d times in 10 minutes", asked)
	}
}

// Whatever the first upstream does, and however often, there are two subscriptions at most, and each that
// was made is ended or in use.
func TestFlapping(t *testing.T) {
	x := newBench(t, "one", "two", "three")
	open := map[*source]map[uint64]bool{}
	for _, s := range x.srcs {
		open[s] = map[uint64]bool{}
	}
	open[x.srcs[0]][1] = true
	for round := range 300 {
		i := round * 7 % 3
		x.stand(i, []standing{suspect, alive, alive}[round%3])
		for j, s := range x.srcs {
			for _, m := range x.said(j) {
				if a := m.GetSubscribe(); a != nil {
					open[s][a.GetId()] = true
				}
				if a := m.GetUnsubscribe(); a != nil {
					delete(open[s], a.GetId())
				}
			}
			if f := s.feeds[x.subs[j]]; f != nil && !f.open() && round%4 > 0 {
				x.accept(j, 1, s.link.node)
			}
		}
		x.wait(time.Duration(round*37%900) * time.Millisecond)
		if n := len(x.u.feeds()); n == 0 || n > 2 {
			t.Fatalf("round %d: %d feeds", round, n)
		}
	}
	for j, s := range x.srcs {
		for _, m := range x.said(j) {
			if a := m.GetSubscribe(); a != nil {
				open[s][a.GetId()] = true
			}
			if a := m.GetUnsubscribe(); a != nil {
				delete(open[s], a.GetId())
			}
		}
		if len(open[s]) != len(s.feeds) || len(*s.flows.Load()) != len(s.owners) {
			t.Errorf("%s has %d subscriptions of which %d are in use", s.link.node, len(open[s]), len(s.feeds))
		}
	}
}

// The second upstream with a newer epoch wins at once; one with an older epoch is let go.
func TestEpochOfTheSecond(t *testing.T) {
	x := newBench(t, "one", "two", "three")
	x.stand(0, suspect)
	x.accept(1, 2, "two")
	x.wants("newer", "two")
	if x.u.stream.Epoch != 2 {
		t.Errorf("epoch %d, want 2", x.u.stream.Epoch)
	}
	if _, left := x.subscribed(0); !left {
		t.Error("the old epoch goes on")
	}
	x.stand(1, suspect)
	x.wants("suspect", "two", "three")
	x.accept(2, 1, "three")
	x.wants("older", "two")
	if _, left := x.subscribed(2); !left {
		t.Error("the older epoch goes on")
	}
	if s := x.u.stream; s.Epoch != 2 || s.Err() != nil {
		t.Errorf("epoch %d, ended with %v", s.Epoch, s.Err())
	}
}

// While two feeds run, nodes of the second one's path are refused the stream, as is the node that is asked:
// two nodes that lose their upstream at once do not become each other's.
func TestNoLoopBySecond(t *testing.T) {
	x := newBench(t, "one", "two")
	offered := func(hops ...string) error {
		l, _, err := x.u.r.lease("a", hops)
		if err == nil {
			l.Release()
			<-x.u.p.nudge
		}
		return err
	}
	if err := offered("two"); err != nil {
		t.Errorf("before: %v", err)
	}
	x.stand(0, suspect)
	if err := offered("far", "two"); !errors.Is(err, ErrNoUpstream) {
		t.Errorf("asked: got %v, want %v", err, ErrNoUpstream)
	}
	x.accept(1, 1, "origin", "far", "two")
	for _, hops := range [][]string{{"two"}, {"far"}, {"below", "far"}} {
		if err := offered(hops...); !errors.Is(err, ErrNoUpstream) {
			t.Errorf("accepted, for %v: got %v, want %v", hops, err, ErrNoUpstream)
		}
	}
	if err := offered("leaf"); err != nil {
		t.Errorf("for another: %v", err)
	}
	// The second upstream's way leads back to here: it goes, the first stays.
	x.tell(1, acceptMessage(&pb.Accept{Id: x.subs[1], Stream: "a", Epoch: 1, Hops: []string{"origin", "edge", "two"}}))
	x.wants("way back", "one")
	if err := offered("far"); err != nil {
		t.Errorf("after: %v", err)
	}
}

// A number is given up when each feed has said that it will not send it.
func TestGoneOfTwo(t *testing.T) {
	x := newBench(t, "one", "two")
	first := x.u.first.ids
	x.packet(0, first[0], 0, 10, false)
	x.stand(0, suspect)
	second := x.accept(1, 1, "two")
	x.stand(0, alive)
	x.packet(0, first[0], 0, 12, false)
	in := x.u.flows[0]
	gone := func(i int, id uint64) {
		b, _ := rtpq.AppendGone(nil, id, []rtpq.Span{{First: 11, Count: 1}})
		_, body, kind, err := rtpq.ParseDatagram(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := x.srcs[i].datagram(0, body, kind, x.now); err != nil {
			t.Fatal(err)
		}
		x.take()
	}
	asked := func(i int) (n int) {
		for {
			out, ok := x.srcs[i].link.queue.take(x.now, false)
			if !ok {
				return n
			}
			if out.raw != nil {
				n++
			}
		}
	}
	x.wait(30 * time.Millisecond)
	if a, b := asked(0), asked(1); a == 0 || b != 0 {
		t.Errorf("asked the first %d times and the second %d, want the first alone", a, b)
	}
	gone(0, first[0])
	if in.track.gone != 0 || x.u.p.given(in.flow, in.flow.Ring.Near(11)) {
		t.Error("given up while the second may have it")
	}
	x.wait(10 * time.Millisecond)
	if a, b := asked(0), asked(1); a != 0 || b == 0 {
		t.Errorf("then asked the first %d times and the second %d, want the second alone", a, b)
	}
	gone(1, second[0])
	if in.track.gone != 1 || !x.u.p.given(in.flow, in.flow.Ring.Near(11)) {
		t.Error("not given up")
	}
}

// What the first feed was asked for is asked of the second as soon as the first is gone.
func TestLostFeedsGaps(t *testing.T) {
	x := newBench(t, "one", "two")
	x.packet(0, x.u.first.ids[0], 0, 10, false)
	x.packet(0, x.u.first.ids[0], 0, 12, false)
	x.stand(0, suspect)
	x.accept(1, 1, "two")
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_LOST}}})
	x.wants("lost", "two")
	x.u.tick(x.now)
	if _, ok := x.srcs[1].link.queue.take(x.now, false); !ok {
		t.Error("the second was not asked")
	}
	if path, _ := x.u.p.where(); !slices.Equal(path, []string{"two", "edge"}) {
		t.Errorf("the path is %v", path)
	}
}

// What a group's stream did not bring is asked for as soon as that is cut.
func TestCutGroup(t *testing.T) {
	x := newBench(t, "one")
	id := x.u.first.ids[1]
	x.packet(0, id, 1, 60, false)
	x.group(0, id, 1, 0, 50, 60)
	x.u.tick(x.now)
	if got := x.asked(0); len(got) != 10 || got[0] != 50 {
		t.Errorf("asked for %v, want 50 to 59", got)
	}
}

// A join whose only feed goes in the middle of the group has the next go on there, also where that comes late,
// and does not ask number by number for what comes on its stream.
func TestJoinThatLosesItsFeed(t *testing.T) {
	for _, late := range []time.Duration{0, 5 * time.Second} {
		x := newBench(t, "one")
		x.now = time.Now() // as group does
		x.packet(0, x.u.first.ids[1], 1, 3000, false)
		x.group(0, x.u.first.ids[1], 1, 0, 40, 3000)
		if late > 0 { // some is asked for, in vain
			x.u.tick(x.now)
		}
		x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_LOST}}})
		var ask *pb.Subscribe
		for until := x.now.Add(late + time.Second); x.now.Before(until); x.wait(50 * time.Millisecond) {
			again, _ := x.subscribed(0)
			if again == nil {
				continue
			}
			ask = again
			if n := ask.GetHave()[0].GetSequence(); n != 39 {
				t.Fatalf("it has all up to %d, want 39", n)
			}
			if until.Sub(x.now) > time.Second {
				x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Id: ask.GetId(), Reason: pb.RefuseReason_REFUSE_REASON_NO_UPSTREAM}}})
			}
		}
		ids := x.accept(0, 1, "one")
		x.asked(0)
		x.group(0, ids[1], 1, 40, 90, 3000)
		in := x.u.flows[1]
		if got := uint16(in.have()); got != 89 {
			t.Errorf("then it has all up to %d, want 89", got)
		}
		x.u.tick(x.now)
		if got := x.asked(0); len(got) != portion || got[0] != 90 || in.track.gone != 0 {
			t.Errorf("asked for %v, %d given up; want some from 90 on and none", got, in.track.gone)
		}
	}
}

// An upstream that has a newer epoch is asked at once for that, but not again and again.
func TestNewEpochInHaste(t *testing.T) {
	for _, after := range []time.Duration{0, retryFirst} {
		x := newBench(t, "one")
		newer := func(id uint64) {
			x.said(0)
			x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: id, Reason: pb.EndReason_END_REASON_NEW_EPOCH}}})
		}
		newer(1)
		if ask, _ := x.subscribed(0); ask == nil {
			t.Fatal("it is not asked at once")
		}
		x.accept(0, 2, "one")
		x.u.report(x.now)
		if hops := x.u.p.route(); len(hops) != 1 {
			t.Errorf("the way is told as %v", hops)
		}
		x.wait(after)
		newer(2)
		if ask, _ := x.subscribed(0); (ask != nil) != (after >= retryFirst) {
			t.Errorf("%v later: asked %v", after, ask)
		}
		x.u.report(x.now)
		if hops := x.u.p.route(); hops != nil {
			t.Errorf("the way is told as %v", hops)
		}
		x.wait(retryFirst)
		x.wants("after a while", "one")
	}
}

// The second feed is on trial from its first packet on.
func TestTrialBeginsWithPackets(t *testing.T) {
	x := newBench(t, "one", "two")
	x.packet(0, x.u.first.ids[0], 0, 10, false)
	x.stand(0, suspect)
	second := x.accept(1, 1, "two")
	x.packet(0, x.u.first.ids[0], 0, 11, false)
	x.wait(400 * time.Millisecond)
	x.packet(1, second[0], 0, 12, false)
	x.wait(trialFor - 20*time.Millisecond)
	x.wants("on trial", "one", "two")
	x.wait(20*time.Millisecond + 2*trialEvery)
	x.wants("after it", "two")
}

// Whose link is gone when it is to be asked is not waited for.
func TestAskingOfNobody(t *testing.T) {
	x := newBench(t, "one", "two")
	x.srcs[1].close()
	x.u.subscribe(x.srcs[1].up, x.now)
	l, _, err := x.u.r.lease("a", []string{"two"})
	if err != nil {
		t.Fatalf("the stream is refused: %v", err)
	}
	l.Release()
}

// A group ends where the live packets begin, whatever is said of it.
func TestGroupThatClaimsMore(t *testing.T) {
	x := newBench(t, "one")
	in := x.u.flows[1]
	in.accepted(&pb.Flow{Started: true, Live: 60}, 0, x.now, x.u.paces[0])
	x.packet(0, x.u.first.ids[1], 1, 60, false)
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_GroupStart{GroupStart: &pb.GroupStart{Flow: x.u.first.ids[1], First: 50, Count: 1<<15 - 1}}})
	if high, want := in.track.high, in.flow.Ring.High(); high != want {
		t.Errorf("the row is at %d, want %d", high, want)
	}
}

// Of a group that nobody told of, what the second feed has not brought is asked for when that is let go.
func TestUntoldGroupOfTheSecond(t *testing.T) {
	x := newBench(t, "one", "two")
	x.packet(0, x.u.first.ids[1], 1, 60, false)
	x.stand(0, suspect)
	second := x.accept(1, 1, "two")
	x.packet(1, second[1], 1, 54, true)
	x.stand(0, alive)
	x.tell(1, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: x.subs[1], Reason: pb.EndReason_END_REASON_LOST}}})
	x.u.tick(x.now)
	if got := x.asked(0); !slices.Equal(got, []uint16{55, 56, 57, 58, 59}) {
		t.Errorf("asked for %v, want 55 to 59", got)
	}
}

// Packets of the first that wait when it is let go are not thrown away.
func TestLostFeedsArrivals(t *testing.T) {
	x := newBench(t, "one", "two")
	f := x.u.flows[0].flow
	if err := x.srcs[0].datagram(x.u.first.ids[0], packet(f, 10, false, 40), rtpq.KindRTP, x.now); err != nil {
		t.Fatal(err)
	}
	x.u.event(event{kind: eventLost, feed: x.u.first}, x.now)
	if f.Ring.High() < 0 {
		t.Error("lost with the link")
	}
}

// A node that drains is not asked again, neither in trouble nor because it is better.
func TestDrainingIsNotAsked(t *testing.T) {
	x := newBench(t, "one", "two")
	drain := &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_DRAIN}}}
	x.tell(0, drain)
	x.wants("told to go", "one", "two")
	x.accept(1, 1, "two")
	x.wait(time.Second)
	x.wants("gone", "two")
	x.stand(1, suspect)
	x.stand(1, alive)
	x.wait(time.Minute)
	x.wants("after a minute", "two")
}

// What was lost for longer than any ring holds begins anew, however far its numbers ran meanwhile; and the time
// until the stream is given up counts from when the upstream lost it.
func TestLostForLong(t *testing.T) {
	x := newBench(t, "one")
	ids := x.u.first.ids
	x.packet(0, ids[0], 0, 10, false)
	x.packet(0, ids[1], 1, 10, true)
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: 1, Reason: pb.EndReason_END_REASON_LOST}}})
	if got := x.now.Sub(x.u.lostAt); got != orphanFor {
		t.Errorf("lost for %v, want %v", got, orphanFor)
	}
	refuse := func() *pb.Subscribe {
		ask, _ := x.subscribed(0)
		if ask != nil {
			x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_Refuse{Refuse: &pb.Refuse{Id: ask.GetId(), Reason: pb.RefuseReason_REFUSE_REASON_NO_UPSTREAM}}})
		}
		return ask
	}
	x.wait(time.Second)
	if have := refuse().GetHave(); len(have) != 2 {
		t.Errorf("at first it has %v", have)
	}
	for range 400 {
		x.wait(100 * time.Millisecond)
		for _, h := range refuse().GetHave() {
			if lost := x.now.Sub(x.u.lostAt); lost > 13*time.Second && !h.GetIdle() {
				t.Fatalf("after %v it has %v", lost, h)
			}
		}
	}
	for len(x.peers()) == 0 {
		x.wait(100 * time.Millisecond)
	}
	ids = x.accept(0, 1, "one")
	x.packet(0, ids[0], 0, 40010, false)
	x.packet(0, ids[0], 0, 40012, false)
	in := x.u.flows[0]
	if high := in.flow.Ring.High(); high != 1<<16+40012 || len(in.track.gaps) != 1 {
		t.Errorf("highest number %d, %d missing, want %d and 1", high, len(in.track.gaps), 1<<16+40012)
	}
	x.tell(0, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: x.subs[0], Reason: pb.EndReason_END_REASON_LOST}}})
	for !x.u.over && x.now.Before(start.Add(10*time.Minute)) {
		x.wait(100 * time.Millisecond)
		refuse()
	}
	if s := x.u.stream; !x.u.over || !errors.Is(s.Err(), stream.ErrLost) {
		t.Errorf("over %v with %v", x.u.over, s.Err())
	}
}

// The end of a stream is believed of the second upstream where the first is not heard of.
func TestEndBySecond(t *testing.T) {
	for _, row := range []struct {
		name  string
		first standing
		over  bool
	}{{"first is well", alive, false}, {"first is not heard of", suspect, true}} {
		x := newBench(t, "one", "two")
		x.stand(0, suspect)
		x.accept(1, 1, "two")
		x.stand(0, row.first)
		x.tell(1, &pb.RelayMessage{Body: &pb.RelayMessage_End{End: &pb.End{Id: x.subs[1], Reason: pb.EndReason_END_REASON_STREAM_ENDED}}})
		if ended := errors.Is(x.u.stream.Err(), stream.ErrEnded); x.u.over != row.over || ended != row.over {
			t.Errorf("%s: over %v, ended with %v", row.name, x.u.over, x.u.stream.Err())
		}
	}
}
