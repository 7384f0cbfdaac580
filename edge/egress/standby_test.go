package egress

import (
	"errors"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"freshet/cluster/stream"
)

// play tells c's session to play, as a call for the loop does.
func (c *client) play() error {
	at := c.r.now.Sub(c.r.s.started)
	c.r.s.now = at
	defer c.r.s.batch.flush()
	return c.r.s.play(c.v, at)
}

// A session that stands by gets a report twice a second and nothing else, and no layer is carried for it but the one that
// always is.
func TestStandbyCostsNoMedia(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 50*time.Millisecond)
	u.pass(6 * time.Second) // what a new stream brings at first is over
	c := r.standby(u.s, "one")
	u.pass(10*time.Second, c)
	if n := len(c.packets); n != 0 {
		t.Errorf("%d media packets, want none", n)
	}
	heard := 0
	for _, p := range c.reports {
		if _, ok := p.(*rtcp.ReceiverReport); ok {
			heard++
		}
	}
	if heard < 15 || heard > 35 {
		t.Errorf("%d reports in 10 s, want about 20 and no more than those of its visits beside", heard)
	}
	if got := u.wanted(); got != "" {
		t.Errorf("layers are wanted for it: %q", got)
	}
	for _, src := range c.v.feed.sources {
		if src != nil {
			t.Error("a ring is read for it")
		}
	}
	c.v.choice.Estimate(r.s.now, 100_000) // nor does feedback start any
	r.s.adapt(c.v, r.s.now)
	c.send(&rtcp.PictureLossIndication{MediaSSRC: c.v.video.media.SSRC})
	u.pass(time.Second, c)
	if n := len(c.packets); n != 0 {
		t.Errorf("%d media packets after feedback, want none", n)
	}
}

// Told to play, it has the cached key frame of the layer that is here in the same round, and the better one when that has
// come; paused and played again, its numbers and timestamps go on.
func TestStandbyPlaysFromTheCachedGroup(t *testing.T) {
	r := newRig(t)
	u := newUpstream(r, 50*time.Millisecond)
	u.pass(6 * time.Second)
	c := r.standby(u.s, "one")
	u.pass(2*time.Second, c)
	told := r.now
	if err := c.play(); err != nil {
		t.Fatal(err)
	}
	c.read()
	all, at := c.video()
	if len(all) == 0 || at[0] != told || layerOf(&all[0]) != 0 || all[0].Payload[1] != 0 {
		t.Fatalf("%d packets in the round in which it was told, want a key frame of the lowest layer", len(all))
	}
	if err := c.play(); err != nil {
		t.Errorf("told again while it plays: %v", err)
	}
	u.pass(4*time.Second, c)
	_, _, layers := c.seen(u, 0)
	if !is(layers, 0, 2) && !is(layers, 0, 1, 2) {
		t.Errorf("layers %v, want up to the best", layers)
	}
	r.s.pause(c.v)
	u.pass(100*time.Millisecond, c)
	n := c.count()
	u.pass(5*time.Second, c)
	if more := c.count() - n; more != 0 {
		t.Errorf("%d packets while paused", more)
	}
	if got := u.wanted(); got != "" {
		t.Errorf("layers are wanted for one that was paused: %q", got)
	}
	if err := c.play(); err != nil {
		t.Fatal(err)
	}
	u.pass(time.Second, c)
	all, _ = c.video()
	for i := 1; i < len(all); i++ {
		if all[i].SequenceNumber != all[i-1].SequenceNumber+1 || int32(all[i].Timestamp-all[i-1].Timestamp) < 0 {
			t.Fatalf("packet %d has number %d and timestamp %d after %d and %d", i,
				all[i].SequenceNumber, all[i].Timestamp, all[i-1].SequenceNumber, all[i-1].Timestamp)
		}
	}
	if len(all) < n+30*perFrame*9/10 {
		t.Errorf("%d packets in the second after it played again", len(all)-n)
	}
	if want := []bool{true, false, true}; len(c.turns) != len(want) || c.turns[0] != want[0] || c.turns[1] != want[1] || c.turns[2] != want[2] {
		t.Errorf("told of turns %v, want %v", c.turns, want)
	}
}

// Each play costs a key frame, so they are bounded; a pause never waits.
func TestPlayIsBounded(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.record(time.Second, onlyFirst)
	c := r.standby(p.s, "one")
	played := 0
	for range 40 { // 200 ms
		switch err := c.play(); {
		case err == nil:
			played++
		case !errors.Is(err, ErrTooOften):
			t.Fatal(err)
		}
		r.s.pause(c.v)
		r.step(5*time.Millisecond, nil)
	}
	if played != 1 {
		t.Errorf("played %d times in 200 ms, want 1", played)
	}
	r.step(playEvery, nil)
	if err := c.play(); err != nil {
		t.Errorf("later: %v", err)
	}
}

// One that stands by follows the stream into a new epoch, or ends where that has nothing for it.
func TestStandbyAndEpochs(t *testing.T) {
	r := newRig(t)
	p := r.tape("floor", 1, "")
	p.record(time.Second, onlyFirst)
	c := r.standby(p.s, "one")
	next := r.tape("floor", 2, "")
	next.record(200*time.Millisecond, onlyFirst)
	r.s.setStream("floor", next.s, r.now.Sub(r.s.started))
	r.step(100*time.Millisecond, nil)
	if err := c.play(); err != nil {
		t.Fatal(err)
	}
	c.read()
	if c.count() == 0 {
		t.Error("nothing of the new epoch")
	}
	r.s.pause(c.v)
	av1 := stream.New("floor", 3, nil, []stream.Format{{Track: "v", Kind: stream.Video, Codec: stream.Codec{Name: "AV1", ClockRate: 90000}}}, func(*stream.Flow) {})
	r.s.setStream("floor", av1, r.now.Sub(r.s.started))
	if len(c.ended) != 1 || c.ended[0] != ReasonCodec {
		t.Errorf("ended for %v, want %v", c.ended, ReasonCodec)
	}
}
