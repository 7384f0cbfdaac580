package relay

import "freshet/proto/rtpq"

const (
	keptRuns = 8    // remembered of a flow; a subscriber asks no further back than some seconds
	maxGone  = 2048 // numbers of one run that are told as gone: more than a subscriber takes for loss
	maxTold  = 512  // spans waiting to be told; more are dropped, and asked for in vain
)

// A row is a run of numbers, from first up to end.
type row struct{ first, end int64 }

func (r row) has(seq int64) bool { return seq >= r.first && seq < r.end }

// A leftOut knows which numbers of a flow were passed over on a link: late, held back, or behind those and of
// no use before the next key frame. They are told as gone, and not sent when they are asked for.
type leftOut struct {
	open bool
	from int64         // first number of the run that is open
	runs [keptRuns]row // the newest; empty where there were fewer
	next int           // where the next goes
	told []rtpq.Span   // to be told
}

// begin says that numbers from seq on are passed over, where that is not so already.
func (l *leftOut) begin(seq int64) {
	if !l.open {
		l.open, l.from = true, seq
	}
}

// end says that seq is sent, and with that what follows. It returns how many spans could not be kept for telling.
func (l *leftOut) end(seq int64) (lost int) {
	if !l.open || seq < l.from {
		return 0
	}
	l.open = false
	return l.add(l.from, seq)
}

// resume says that all from seq on comes, though some of it may have come before.
func (l *leftOut) resume(seq int64) (lost int) {
	if lost = l.end(seq); l.open { // seq lies before the run: nothing was left out
		l.open = false
	}
	return lost
}

// add notes the run from first up to end. It returns as end does.
func (l *leftOut) add(first, end int64) (lost int) {
	if first >= end {
		return 0
	}
	if last := &l.runs[(l.next+keptRuns-1)%keptRuns]; last.end == first && last.first < last.end {
		last.end = end
	} else {
		l.runs[l.next] = row{first, end}
		l.next = (l.next + 1) % keptRuns
	}
	for first = max(first, end-maxGone); first < end; {
		n := min(end-first, 255)
		if k := len(l.told); k > 0 && uint16(first) == l.told[k-1].First+uint16(l.told[k-1].Count) && int64(l.told[k-1].Count)+n <= 255 {
			l.told[k-1].Count += uint8(n)
		} else if k < maxTold {
			l.told = append(l.told, rtpq.Span{First: uint16(first), Count: uint8(n)})
		} else {
			lost++
		}
		first += n
	}
	return lost
}

// over says whether seq was passed over for good.
func (l *leftOut) over(seq int64) bool {
	for _, r := range l.runs {
		if r.has(seq) {
			return true
		}
	}
	return false
}

// waits says whether seq is of the run that is open: nobody knows yet where that ends.
func (l *leftOut) waits(seq int64) bool { return l.open && seq >= l.from }
