package stream

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/ring"
)

// Kind is audio or video.
type Kind uint8

// The kinds of a track.
const (
	Audio Kind = 1
	Video Kind = 2
)

func (k Kind) String() string {
	if k == Audio {
		return "audio"
	}
	return "video"
}

// A Codec is what SDP says of a payload format.
type Codec struct {
	Name      string // as in SDP: H264, VP8, VP9, AV1, opus
	ClockRate uint32
	Channels  uint16
	FMTP      string
}

// Format describes one layer of a video track, or one audio track.
type Format struct {
	Track         string // unique in its stream for all layers of a track
	Kind          Kind
	RID           string // empty where the track is not simulcast
	Rank          int    // 0 is the lowest layer of its track
	Codec         Codec
	RED           bool // packets of type rtpq.TypeRED carry RFC 2198 redundancy; audio only
	Width, Height int  // 0 when unknown
}

// Clock ties a flow's RTP time to the wall clock of the origin: At is the moment in which the media
// stamped RTP was captured. All flows of a stream share that wall clock, so it also ties them to each other.
type Clock struct {
	RTP uint32
	At  time.Time
}

// A Flow is one layer or audio track of a stream on this node. One goroutine writes it (Write, SetClock);
// everything else may be called from any.
type Flow struct {
	Format Format
	Index  int // place in Stream.Flows
	Ring   *ring.Ring

	keyframe func([]byte) bool
	clock    atomic.Pointer[Clock]
	asked    atomic.Int64 // unix ns of the last key-frame request passed on
	keyAt    atomic.Int64 // unix ns of the last key frame
	bytes    atomic.Int64
	ask      func(*Flow)
	paused   atomic.Int64 // Seq up to which packets are from before a pause; see Group

	// The writer's own.
	wrote   time.Time // when the last packet came
	unasked time.Time // when the first one came of those that nobody wanted ...
	loose   time.Time // ... and when the last one
	resumed int64     // Seq of the first packet after the pause
	missing int64     // numbers between paused and resumed that have not come

	wants  atomic.Int32
	wanted atomic.Pointer[func(*Flow)]
	shed   atomic.Bool
}

// A key frame is asked for at most once in keyframeEvery, and not within keyframeFresh of the last one.
const (
	keyframeEvery = time.Second
	keyframeFresh = 500 * time.Millisecond
)

const (
	// pauseAfter is how long a flow is silent for a pause: longer than a publisher's hiccup, shorter than any time
	// for which upstream holds a layer back.
	pauseAfter = 500 * time.Millisecond
	// A layer may be let go that nobody has wanted for letGoAfter; upstream waits longer. A hole that comes then,
	// or within looseFor of the last unwanted packet, may be of that, however short it is: upstream may have let
	// go just before it heard that the layer is wanted again.
	letGoAfter = 2 * time.Second
	looseFor   = time.Second
)

// Write adds one RTP packet in the mesh's form (RELAY.md: payload types and extension ids of rtpq).
// It keeps data, which must not change any more. It returns false where the ring had the packet or is
// past it, and an error where data is no RTP packet. Only the flow's one writer may call it.
func (f *Flow) Write(data []byte, now time.Time) (fresh bool, err error) {
	var h rtp.Header
	n, err := h.Unmarshal(data)
	if err != nil {
		return false, fmt.Errorf("rtp header: %w", err)
	}
	return f.add(&h, n, f.Ring.Near(h.SequenceNumber), data, now), nil
}

// WriteAs is Write for who knows the packet's extended sequence number: behind a stretch that was not
// carried here, 16 bits may not tell it.
func (f *Flow) WriteAs(seq int64, data []byte, now time.Time) (fresh bool, err error) {
	var h rtp.Header
	n, err := h.Unmarshal(data)
	if err != nil {
		return false, fmt.Errorf("rtp header: %w", err)
	}
	return f.add(&h, n, seq, data, now), nil
}

// add writes the packet with header h, of n bytes.
func (f *Flow) add(h *rtp.Header, n int, seq int64, data []byte, now time.Time) bool {
	p := ring.Packet{
		Seq: seq, At: now, Data: data, Header: n,
		Timestamp: h.Timestamp, Type: h.PayloadType, Marker: h.Marker,
	}
	p.Key = f.keyframe != nil && f.keyframe(data[n:])
	f.note(p.Seq, now)
	if !f.Ring.Write(p) {
		return false
	}
	if p.Key {
		f.keyAt.Store(now.UnixNano())
	}
	f.bytes.Add(int64(len(data)))
	return true
}

// note looks at the number of a packet, before anybody sees it, for a pause in which packets went elsewhere.
func (f *Flow) note(seq int64, now time.Time) {
	high, paused := f.Ring.High(), f.paused.Load()
	letGo := f.Format.Rank > 0 && f.loose.Sub(f.unasked) > letGoAfter && now.Sub(f.loose) < looseFor
	switch {
	case high >= 0 && seq > high+1 && (letGo || now.Sub(f.wrote) > pauseAfter):
		f.paused.Store(high)
		f.resumed, f.missing = seq, seq-high-1
	case f.missing > 0 && seq > paused && seq < f.resumed && f.Ring.Get(seq) == nil:
		if f.missing--; f.missing == 0 {
			f.paused.Store(-1) // all came after all: there was no pause but in their way
		}
	}
	f.wrote = now
	if !f.Wanted() {
		if now.Sub(f.loose) >= looseFor {
			f.unasked = now
		}
		f.loose = now
	}
}

// Group returns the newest group that what comes now continues. A layer that was not carried for a while, or
// was held back, has an old group in its ring, and nobody may see that: packets are missing behind it.
func (f *Flow) Group() (ring.Group, bool) {
	g, ok := f.Ring.Newest()
	return g, ok && g.First > f.paused.Load()
}

// Bytes returns how many bytes of RTP were written since the flow began.
func (f *Flow) Bytes() int64 { return f.bytes.Load() }

// SetClock replaces the flow's clock. Only the flow's one writer may call it.
func (f *Flow) SetClock(c Clock) { f.clock.Store(&c) }

// Clock returns the flow's clock; ok is false while none is known.
func (f *Flow) Clock() (c Clock, ok bool) {
	if p := f.clock.Load(); p != nil {
		return *p, true
	}
	return Clock{}, false
}

// RequestKeyframe asks upstream for a key frame, unless one came just now or was asked for in the last
// second: however many viewers want one, the publisher is asked once.
func (f *Flow) RequestKeyframe(now time.Time) {
	if f.Format.Kind != Video || near(f.keyAt.Load(), now, keyframeFresh) {
		return
	}
	last := f.asked.Load()
	if near(last, now, keyframeEvery) || !f.asked.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	f.ask(f)
}

// near says whether ns is within d of now, before or behind: where the wall clock was set back, what was
// noted before lies far ahead and must not hold requests up until then.
func near(ns int64, now time.Time, d time.Duration) bool {
	passed := time.Duration(now.UnixNano() - ns)
	return passed > -d && passed < d
}

// Want says that somebody here or below needs the flow's packets; each call is taken back by one Unwant.
// Who wants a layer has the node ask upstream for it, where it does not come already.
func (f *Flow) Want() {
	if f.wants.Add(1) == 1 {
		f.tellWanted()
	}
}

// Unwant takes one Want back.
func (f *Flow) Unwant() {
	if f.wants.Add(-1) == 0 {
		f.tellWanted()
	}
}

// Wanted says whether anybody wants the flow now.
func (f *Flow) Wanted() bool { return f.wants.Load() > 0 }

// OnWanted has fn called, by whoever calls Want or Unwant, when the flow begins or ceases to be wanted. fn
// must not block. Only the flow's one writer may call OnWanted.
func (f *Flow) OnWanted(fn func(*Flow)) { f.wanted.Store(&fn) }

func (f *Flow) tellWanted() {
	if fn := f.wanted.Load(); fn != nil {
		(*fn)(f)
	}
}

// SetShed says whether upstream holds the flow back for want of room on the way here: then no packet comes,
// however much it is wanted. Only the flow's one writer may call it.
func (f *Flow) SetShed(shed bool) { f.shed.Store(shed) }

// Shed says whether upstream holds the flow back.
func (f *Flow) Shed() bool { return f.shed.Load() }
