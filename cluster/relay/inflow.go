package relay

import (
	"encoding/binary"
	"time"

	"freshet/cluster/stream"
	pb "freshet/proto"
)

// wakeBack is how many numbers below the first that comes are asked for where a flow goes on behind a
// stretch that was not carried, and no group was told of: the key frame's beginning may be among them.
const wakeBack = 8

// longAway is how long nothing of a flow must have come for its timestamps not to be asked: 32 bits of 90 kHz
// come half round in 6.6 h.
const longAway = time.Hour

// An inflow is one flow on its way into its ring. It is owned by the puller.
//
// Its numbers run from its first packet on, and the tracker looks for holes. While upstream holds the flow
// back it is asleep: what comes is written, nothing is missed. Behind that they begin anew.
type inflow struct {
	flow  *stream.Flow
	track tracker
	told  tally // what the metrics have counted already
	interest

	asleep  bool
	begun   bool
	sleptAt int64 // highest number when it fell asleep; -1 where it never did

	// What the accept and a group's start said, until a packet fixes where the extended numbers begin.
	live       uint16
	liveKnown  bool
	groupFirst uint16
	groupCount int64
	groupSide  side
}

func newInflow(f *stream.Flow, now time.Time) *inflow {
	in := &inflow{flow: f, sleptAt: -1, interest: interest{until: now.Add(carriedFresh)}}
	in.track.holds = func(seq int64) bool { return f.Ring.Get(seq) != nil }
	in.track.high = -1
	return in
}

// accepted notes where the live packets of s begin. In a flow that goes on from another upstream, what
// lies between comes behind them.
func (in *inflow) accepted(f *pb.Flow, s side, now time.Time, p pace) {
	if !f.GetStarted() || in.asleep {
		return
	}
	in.live, in.liveKnown = uint16(f.GetLive()), true
	if in.begun {
		if live := in.flow.Ring.Near(in.live); live-in.track.high <= maxGaps {
			in.track.expect(run{next: in.track.high + 1, end: live, side: s, group: true}, now, p)
		}
	}
}

// group notes that count numbers from first on come in order from s.
func (in *inflow) group(first uint16, count int64, s side, now time.Time, p pace) {
	if !in.begun {
		in.groupFirst, in.groupCount, in.groupSide = first, count, s
		return
	}
	from := in.flow.Ring.Near(first)
	end := from + count
	if in.liveKnown {
		end = min(end, in.flow.Ring.Near(in.live))
	}
	in.track.expect(run{next: from, end: end, side: s, group: true, told: true}, now, p)
	if !in.liveKnown {
		return
	}
	// Between the group and the live packets lies what upstream itself is only getting, and passes on.
	if live := in.flow.Ring.Near(in.live); live > end && live-end < maxSpan {
		in.track.expect(run{next: end, end: live, side: s}, now, p)
	}
}

// write puts a packet that s brought into the ring. The error says that it is none.
func (in *inflow) write(data []byte, s side, now time.Time, p pace) (fresh bool, err error) {
	seq := in.number(data, now)
	fresh, err = in.flow.WriteAs(seq, data, now)
	if err != nil {
		return false, err
	}
	if !in.begun && !in.asleep && (in.sleptAt < 0 || fresh && seq > in.sleptAt) {
		in.begin(seq, now, p)
	}
	if in.begun {
		in.track.arrived(seq, s, fresh, now, p)
		if in.sleptAt >= 0 && fresh && seq <= in.track.high && in.key(seq) {
			in.track.forget(seq) // of a frame before the first that is of use
			in.sleptAt = -1
		}
		return fresh, nil
	}
	if fresh {
		in.track.received++
	} else {
		in.track.duplicates++
	}
	return fresh, nil
}

// number returns the extended sequence number of a packet. Behind a stretch that was not carried here, numbers
// may have run on by more than 16 bits tell, and an upstream that woke up may send what is minutes old: where
// the number alone might mislead, the timestamp, which takes longer to come round, says on which side it is.
// Behind longAway whatever comes is ahead.
func (in *inflow) number(data []byte, now time.Time) int64 {
	r := in.flow.Ring
	seq := r.Near(binary.BigEndian.Uint16(data[2:]))
	high := r.High()
	if high < 0 || in.begun && seq >= high-maxGaps && seq <= high+maxGaps {
		return seq
	}
	last := r.Get(high)
	if last == nil {
		return seq
	}
	second := int64(in.flow.Format.Codec.ClockRate) // frames may be out of order by less
	switch by := int64(int32(binary.BigEndian.Uint32(data[4:]) - last.Timestamp)); {
	case now.Sub(last.At) > longAway:
		if seq <= high {
			seq += 1 << 16
		}
	case by > second && seq <= high:
		seq += 1 << 16
	case by < -second && seq > high:
		seq -= 1 << 16
	}
	return seq
}

func (in *inflow) begin(seq int64, now time.Time, p pace) {
	in.begun = true
	r := in.flow.Ring
	live := seq
	switch {
	case in.liveKnown:
		live = r.Near(in.live)
	case in.groupCount > 0:
		live = r.Near(in.groupFirst) + in.groupCount
	}
	in.track.start(live)
	switch {
	case in.groupCount > 0:
		in.group(in.groupFirst, in.groupCount, in.groupSide, now, p)
		in.groupCount = 0
	case in.sleptAt >= 0 && in.flow.Format.Kind == stream.Video && !in.key(seq):
		in.track.open(max(seq-wakeBack, in.sleptAt+1), seq, now, now.Add(p.reorder))
		return // the next key frame tells which of them are of use
	}
	in.sleptAt = -1
}

func (in *inflow) key(seq int64) bool {
	p := in.flow.Ring.Get(seq)
	return p != nil && p.Key
}

// sleep says that upstream holds the flow back from now on.
func (in *inflow) sleep() {
	in.asleep, in.begun, in.liveKnown, in.groupCount = true, false, false, 0
	in.sleptAt = in.flow.Ring.High()
	in.track.start(in.sleptAt + 1)
}

// wake says that it comes again.
func (in *inflow) wake() { in.asleep = false }

// have returns the number up to which the ring holds all that came in its turn, -1 before the first.
func (in *inflow) have() int64 {
	high := in.flow.Ring.High()
	for _, r := range in.track.runs {
		if r.group {
			high = min(high, r.next-1)
		}
	}
	for _, r := range in.track.rest {
		high = min(high, r.first-1)
	}
	return high
}
