package load

import (
	"math"
	"time"

	"freshet/cluster/stream"
	"freshet/proto/payload"
)

// A leanTrack checks one received line without keeping its packets: which numbers came, and whether each
// picture did as a whole. It belongs to its viewer's loop.
type leanTrack struct {
	kind  stream.Kind
	codec stream.Codec
	key   func([]byte) bool // nil for sound

	slots  []leanSlot // a power of two
	begun  bool
	first  int64 // extended number of the first packet
	newest int64
	next   int64     // the next to be looked at in order
	hole   time.Time // since when next has been missing with packets behind it; zero while it is not

	open    bool // a picture has begun and not ended
	broken  bool // a part of it is missing
	keyOpen bool // it is a key frame
	gap     bool // some packets before next will never come
	stamp   uint32

	packets, bytes, unique     int64
	repeated, repaired         int64
	frames, keys, damaged      int64
	wantKey                    bool // no key frame yet, or none since a picture was damaged
	pace                       pace
	frozen                     time.Duration
	jitter, transit            float64 // in seconds (RFC 3550, appendix A.8)
	moving                     bool
	start                      time.Time
	zero                       uint32 // RTP time of the first packet
	reportedLost, reportedHave int64  // at the last receiver report
}

// A leanSlot is what is kept of one packet.
type leanSlot struct {
	stamp uint32
	at    uint16 // when it came: milliseconds since the track's start, the low 16 bits
	flags uint8
}

const (
	slotHave   = 1 << iota
	slotMarker // the last of its picture
	slotHead   // may be the first of its picture
	slotKey    // of a key frame
	slotEmpty  // padding, as probing sends it
)

const (
	leanVideoSlots = 512 // 4 KB: holes are waited for in half of it, some 200 ms at 12 Mbit/s
	leanAudioSlots = 64
)

func newLeanTrack(kind stream.Kind, codec stream.Codec) *leanTrack {
	t := &leanTrack{kind: kind, codec: codec, gap: true}
	if kind == stream.Video {
		t.slots, t.key, t.wantKey = make([]leanSlot, leanVideoSlots), payload.Keyframe(codec.Name), true
	} else {
		t.slots = make([]leanSlot, leanAudioSlots)
	}
	return t
}

// A leanPacket is what a track wants to know of a packet.
type leanPacket struct {
	seq     uint16
	stamp   uint32
	marker  bool
	payload []byte // not kept
}

// add takes a packet that arrived at now. It returns false for one that came before.
func (t *leanTrack) add(p leanPacket, now time.Time) bool {
	n := int64(p.seq) + 1<<16
	if t.begun {
		n = t.newest + int64(int16(p.seq-uint16(t.newest)))
	} else {
		t.begun, t.first, t.newest, t.next = true, n, n-1, n
		t.start, t.zero = now, p.stamp
	}
	size := int64(len(t.slots))
	if n < t.first || n <= t.newest-size {
		t.repeated++ // or older than anyone could tell
		return false
	}
	s := &t.slots[n%size]
	switch {
	case n > t.newest:
		for i := max(t.newest+1, n-size+1); i <= n; i++ {
			t.slots[i%size] = leanSlot{}
		}
		if oldest := n - size + 1; t.next < oldest {
			t.next, t.gap = oldest, true
		}
		t.newest = n
	case s.flags&slotHave != 0:
		t.repeated++
		return false
	default:
		t.repaired++
	}
	*s = leanSlot{stamp: p.stamp, at: t.milliseconds(now), flags: t.flags(p)}
	t.unique++
	t.packets++
	t.bytes += int64(len(p.payload))
	t.arrive(p.stamp, now)
	t.drain(now)
	return true
}

func (t *leanTrack) flags(p leanPacket) uint8 {
	f := uint8(slotHave)
	if len(p.payload) == 0 {
		return f | slotEmpty
	}
	if p.marker {
		f |= slotMarker
	}
	if t.key == nil {
		return f
	}
	if a := (assembler{codec: t.codec}); a.head(p.payload) {
		f |= slotHead
	}
	if t.key(p.payload) {
		f |= slotKey
	}
	return f
}

// arrive keeps the jitter (RFC 3550, section 6.4.1).
func (t *leanTrack) arrive(stamp uint32, now time.Time) {
	transit := now.Sub(t.start).Seconds() - float64(int32(stamp-t.zero))/float64(t.codec.ClockRate)
	if t.moving {
		t.jitter += (math.Abs(transit-t.transit) - t.jitter) / 16
	}
	t.transit, t.moving = transit, true
}

// drain looks at what is there in order. A hole is waited for as order does: a repair may come.
func (t *leanTrack) drain(now time.Time) {
	for t.next <= t.newest {
		s := t.slots[t.next%int64(len(t.slots))]
		if s.flags&slotHave == 0 {
			if t.hole.IsZero() {
				t.hole = t.noticed(now)
			}
			if !t.gap && now.Sub(t.hole) < holeWait && t.newest-t.next < int64(len(t.slots)/2) {
				return
			}
			t.gap = true // given up: the whole hole at once
			t.next++
			continue
		}
		t.hole = time.Time{}
		t.next++
		if t.kind == stream.Audio {
			t.gap = false
			continue
		}
		if s.flags&slotEmpty == 0 {
			t.look(s, now)
			t.gap = false
		}
	}
}

func (t *leanTrack) milliseconds(now time.Time) uint16 {
	return uint16(now.Sub(t.start).Milliseconds())
}

// noticed returns since when the hole at next has been one, as order does.
func (t *leanTrack) noticed(now time.Time) time.Time {
	n := t.next
	for t.slots[n%int64(len(t.slots))].flags&slotHave == 0 {
		n++ // the newest is there
	}
	age := t.milliseconds(now) - t.slots[n%int64(len(t.slots))].at
	return now.Add(-time.Duration(age) * time.Millisecond)
}

// look takes the next packet of the picture.
func (t *leanTrack) look(s leanSlot, now time.Time) {
	torn := false // what is left of a picture must not pass for one
	if t.open && (t.gap || s.stamp != t.stamp) {
		t.open, torn = false, s.stamp == t.stamp
		if !torn {
			t.damage() // else it is counted at its end
		}
	}
	if !t.open {
		t.open, t.stamp, t.keyOpen = true, s.stamp, false
		t.broken = torn || t.gap && s.flags&slotHead == 0
	}
	t.keyOpen = t.keyOpen || s.flags&slotKey != 0
	if s.flags&slotMarker == 0 {
		return
	}
	t.open = false
	if t.broken {
		t.damage()
		return
	}
	t.frames++
	if t.keyOpen {
		t.keys++
		t.wantKey = false
	}
	freezes, before := t.pace.freezes, t.pace.last
	if t.pace.add(now); t.pace.freezes > freezes {
		t.frozen += now.Sub(before)
	}
}

// damage counts a picture that will never be whole. Before the first whole one nothing was promised.
func (t *leanTrack) damage() {
	t.wantKey = true
	if t.frames > 0 {
		t.damaged++
	}
}

// lost is how many of the numbers so far never came.
func (t *leanTrack) lost() int64 {
	if !t.begun {
		return 0
	}
	return t.newest - t.first + 1 - t.unique
}

// holes appends to out the numbers that are missing, oldest first, until it is full.
func (t *leanTrack) holes(out []uint16) []uint16 {
	for i := t.next; i < t.newest && len(out) < cap(out); i++ {
		if t.slots[i%int64(len(t.slots))].flags&slotHave == 0 {
			out = append(out, uint16(i))
		}
	}
	return out
}

// A coarse is a histogram of 544 bytes: buckets that grow by 10 %, from 100 µs to some 40 s.
type coarse struct {
	buckets [136]uint32
	count   int64
}

const (
	coarseBase   = 100 * time.Microsecond
	coarseGrowth = 1.1
)

var logCoarse = math.Log(coarseGrowth)

func (h *coarse) add(d time.Duration) {
	i := 0
	if d > coarseBase {
		i = min(int(math.Log(float64(d)/float64(coarseBase))/logCoarse)+1, len(h.buckets)-1)
	}
	h.buckets[i]++
	h.count++
}

// percentile returns the time in milliseconds that the share q of all does not exceed, nil where h is empty.
func (h *coarse) percentile(q float64) *float64 {
	if h.count == 0 {
		return nil
	}
	want := int64(math.Ceil(q * float64(h.count)))
	i := 0
	for ; i < len(h.buckets)-1; i++ {
		if want -= int64(h.buckets[i]); want <= 0 {
			break
		}
	}
	ms := float64(coarseBase) / float64(time.Millisecond) * math.Pow(coarseGrowth, float64(i))
	return &ms
}
