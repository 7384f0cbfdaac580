package load

import (
	"time"

	"github.com/pion/rtp"
)

// An order puts one track's packets back in order, as a decoder would have them: a hole is waited for, for
// a repair may come, but not for ever. It belongs to the goroutine that reads the track.
type order struct {
	slots   [orderSize]slot
	begun   bool
	first   int64 // extended number of the first packet
	newest  int64
	next    int64 // the next to hand out
	unique  int64
	waiting time.Time // since when next has been a hole with packets behind it; zero while it is not

	repeated, repaired int64
}

type slot struct {
	number int64 // whose slot this is
	have   bool
	packet *rtp.Packet // nil once handed out
	at     time.Time   // when it came
}

const (
	orderSize = 4096 // packets: a cached group of 12 s at 4 Mbit/s, or about 3 s at 12 Mbit/s
	holeWait  = 500 * time.Millisecond
)

// add takes a packet that arrived at now. It returns false for one that came before.
func (o *order) add(p *rtp.Packet, now time.Time) bool {
	n := o.extend(p.SequenceNumber)
	if !o.begun {
		o.begun, o.first, o.newest, o.next = true, n, n-1, n
	}
	if n < o.first || n <= o.newest-orderSize {
		o.repeated++ // or older than anyone could tell
		return false
	}
	if n > o.newest {
		if n-o.newest > orderSize {
			o.next = max(o.next, n) // the sender jumped: nothing of before is worth waiting for
		}
		for i := max(o.newest+1, n-orderSize+1); i <= n; i++ {
			o.slots[i%orderSize] = slot{number: i}
		}
		o.newest = n
	} else if o.slots[n%orderSize].have {
		o.repeated++
		return false
	} else {
		o.repaired++
	}
	o.next = max(o.next, o.newest-orderSize+1)
	s := &o.slots[n%orderSize]
	s.have, s.at = true, now
	o.unique++
	if n >= o.next {
		s.packet = p
	}
	return true
}

// extend returns the number nearest to the newest one whose low 16 bits are seq.
func (o *order) extend(seq uint16) int64 {
	if !o.begun {
		return int64(seq) + 1<<16
	}
	return o.newest + int64(int16(seq-uint16(o.newest)))
}

// pop returns the next packet in order, or nil while there is none. gap says that some before it are missing.
func (o *order) pop(now time.Time) (p *rtp.Packet, gap bool) {
	for o.next <= o.newest {
		s := &o.slots[o.next%orderSize]
		if s.have {
			p, s.packet = s.packet, nil
			o.next++
			o.waiting = time.Time{}
			return p, gap
		}
		if o.waiting.IsZero() {
			o.waiting = o.noticed()
		}
		if now.Sub(o.waiting) < holeWait && o.newest-o.next < orderSize/2 && !gap {
			return nil, false
		}
		gap = true // given up: skip the whole hole at once
		o.next++
	}
	return nil, false
}

// noticed returns since when the hole at next has been one: holes that came at the same time are waited for together.
func (o *order) noticed() time.Time {
	n := o.next
	for !o.slots[n%orderSize].have {
		n++ // the newest is there
	}
	return o.slots[n%orderSize].at
}

// lost is how many of the numbers so far never came.
func (o *order) lost() int64 {
	if !o.begun {
		return 0
	}
	return o.newest - o.first + 1 - o.unique
}
