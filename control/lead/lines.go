package lead

import (
	"time"

	"freshet/control/node"
	"freshet/control/place"
)

const (
	lossyAfter = 5 * time.Second // of loss in each round: an outburst is over sooner
	lossyGap   = 2 * time.Second // without loss ends it; nodes say how they are each second
	lossyFor   = 5 * time.Minute // nobody takes a line that was left, so that nobody can tell when it is well
)

// A line lies between two regions, in order.
type line struct{ a, b string }

// A sore is what is known of a line that loses much.
type sore struct {
	share       float64
	since, seen time.Time // the first and the last of the rounds in a row in which it did
	until       time.Time // so long it counts; zero: not yet
}

// losses returns the lines that trees are to go around, after a look at what nodes say. Nodes leave a line that loses very much
// by themselves, before this is known here. It is called by the lead's loop alone, which owns the lines: as many as lie
// between regions, at most.
func (l *Lead) losses(all []node.Node, now time.Time) []place.Loss {
	for line, share := range lost(all) {
		s := l.lines[line]
		switch {
		case share < place.LossySince:
			continue
		case s == nil:
			s = &sore{since: now}
			l.lines[line] = s
		case now.Sub(s.seen) > lossyGap:
			s.since = now
		}
		s.share, s.seen = share, now
		if now.Sub(s.since) < lossyAfter {
			continue
		}
		if s.until.IsZero() {
			l.d.Log.Warn("streams go around a line that loses much", "from", line.a, "to", line.b, "share", share)
		}
		s.until = now.Add(lossyFor)
	}
	var losses []place.Loss
	for line, s := range l.lines {
		switch {
		case now.Before(s.until):
			losses = append(losses, place.Loss{From: line.a, To: line.b, Share: s.share})
		case now.Sub(s.seen) > lossyGap:
			delete(l.lines, line)
		}
	}
	return losses
}

// lost returns what each line loses, in the worse direction. Of hops in one direction the one that loses least counts: what
// others get well is no fault of the line.
func lost(all []node.Node) map[line]float64 {
	region := map[string]string{}
	for _, n := range all {
		region[n.Name] = n.Region
	}
	type way struct{ from, to string }
	least := map[way]float64{}
	for _, n := range all {
		for _, f := range n.Facts.GetStreams() {
			w, share := way{region[f.Upstream], n.Region}, float64(f.LossPermille)/1000
			if n.Failed || !f.Live || w.from == "" || w.to == "" || w.from == w.to {
				continue
			}
			if was, ok := least[w]; !ok || share < was {
				least[w] = share
			}
		}
	}
	lines := map[line]float64{}
	for w, share := range least {
		at := line{min(w.from, w.to), max(w.from, w.to)}
		lines[at] = max(lines[at], share)
	}
	return lines
}
