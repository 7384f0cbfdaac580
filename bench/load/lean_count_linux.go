package load

// A leanMark is where counters stood at the beginning of the steady window.
type leanMark struct {
	packets, bytes, freezes int64
	drops                   uint32
}

// beginSteady and endSteady are where the steady window lies for v.
func (v *leanViewer) beginSteady() {
	v.mark = v.stand()
	v.delay = coarse{}
}

func (v *leanViewer) endSteady() {
	now, s := v.stand(), &v.seat.record.Steady
	s.Packets, s.Bytes, s.Freezes = now.packets-v.mark.packets, now.bytes-v.mark.bytes, now.freezes-v.mark.freezes
	if v.filtering {
		s.Filtered = int64(now.drops - v.mark.drops)
		s.Packets += s.Filtered
	}
}

func (v *leanViewer) stand() leanMark {
	m := leanMark{}
	for _, t := range []*leanTrack{v.video, v.audio} {
		if t != nil {
			m.packets += t.packets
			m.bytes += t.bytes
			m.freezes += t.pace.freezes
		}
	}
	if v.filtering {
		m.drops = drops(v.fd)
	}
	return m
}

// finish writes v's record.
func (v *leanViewer) finish(why End, detail string) {
	r := &v.seat.record
	r.End, r.Detail = why, printable(detail)
	for _, t := range []*leanTrack{v.video, v.audio} {
		if t == nil {
			continue
		}
		r.Packets += t.packets
		r.Bytes += t.bytes
		r.Lost += t.lost()
		r.Repaired += t.repaired
		r.Repeated += t.repeated
	}
	if t := v.video; t != nil {
		r.Frames, r.KeyFrames, r.Damaged = t.frames, t.keys, t.damaged
		r.Freezes, r.Frozen = t.pace.freezes, milliseconds(t.frozen)
		r.LongestGap, r.Jitter = milliseconds(t.pace.longest), t.jitter*1000
	}
	r.DelayP50, r.DelayP99 = v.delay.percentile(0.50), v.delay.percentile(0.99)
	if v.filtering {
		r.Dropped += int64(v.filtered)
	} else {
		r.Dropped += int64(drops(v.fd))
	}
}
