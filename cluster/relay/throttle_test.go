package relay

import (
	"slices"
	"testing"
	"time"

	pb "freshet/proto"
)

// judged has the throttle apply what a controller says of the flows there are.
func (d *desk) judged(th *throttle, now time.Time, v verdict) {
	th.gather(now)
	if v.carry == 0 {
		v.carry = carried(th.now.flows)
	}
	th.apply(v, now)
}

func (d *desk) sheds() (ids []uint64) {
	for _, sv := range d.flows {
		if d.link.queue.isShed(sv) {
			ids = append(ids, sv.id)
		}
	}
	return ids
}

// A layer that was held back and then watched by nobody, or held back above, takes none of those that are
// carried with it when it comes again.
func TestHeldBackAndAway(t *testing.T) {
	const room = 5e6
	for _, row := range []struct {
		name       string
		away, back func(d *desk)
	}{
		{"idle", func(d *desk) { _ = d.watches(1, 2, 4) }, func(d *desk) { _ = d.watches(1, 2, 3, 4) }},
		{"held back above", func(d *desk) { d.stream.Flows[2].SetShed(true) }, func(d *desk) { d.stream.Flows[2].SetShed(false) }},
	} {
		d := newDesk(t, nil)
		th := newThrottle(d.sink)
		d.judged(th, later20(10), verdict{carry: 2, room: room})
		if got := d.sheds(); !slices.Equal(got, []uint64{3, 4}) {
			t.Fatalf("%s: cut, and %v are held back", row.name, got)
		}
		row.away(d)
		d.judged(th, later20(20), verdict{carry: 3, room: room}) // of those left, all
		if got := d.sheds(); len(got) != 0 {
			t.Errorf("%s: there is room, and %v are held back", row.name, got)
		}
		row.back(d)
		d.judged(th, later20(30), verdict{room: room})
		if got := d.sheds(); len(got) != 0 || th.shed != 0 {
			t.Errorf("%s: came again, and %v are held back, %d counted", row.name, got, th.shed)
		}
		for _, sv := range d.flows {
			if sv.held() || sv.unwatch == nil {
				t.Errorf("%s: %d does not go", row.name, sv.id)
			}
		}
	}
}

// What is watched again on a narrow path waits for the controller, and comes behind what is carried.
func TestWatchedOnNarrowPath(t *testing.T) {
	d := newDesk(t, nil)
	th := newThrottle(d.sink)
	if err := d.watches(1, 2, 3); err != nil {
		t.Fatal(err)
	}
	d.judged(th, later20(10), verdict{carry: 2, room: 1e6, slow: true})
	if err := d.watches(1, 2, 4); err != nil { // nothing is held back now of what is watched
		t.Fatal(err)
	}
	if got := d.sheds(); !slices.Equal(got, []uint64{4}) {
		t.Errorf("%v are held back at once, want 4", got)
	}
	d.said()
	d.judged(th, later20(20), verdict{room: 1e6})
	if err := d.watches(1, 2, 3, 4); err != nil {
		t.Fatal(err)
	}
	if got := d.sheds(); !slices.Equal(got, []uint64{4}) { // 3 goes before it
		t.Errorf("%v are held back, want 4", got)
	}
	// A second subscription of the same layers: they stand behind the first's in rank, whatever their slots.
	if err := d.message(subscribeOf(&pb.Subscribe{Id: 4, Stream: "a", Hops: []string{"peer"}})); err != nil {
		t.Fatal(err)
	}
	more, _, err := d.open(<-d.subs, &offer{stream: d.stream, first: []string{"origin"}})
	if err != nil {
		t.Fatal(err)
	}
	if !more[3].shed || more[1].shed {
		t.Error("a stream that begins has the layer of which one is held back, or no base layer")
	}
}
