package admit

// A Rate is packets and bits of UDP payload a second.
type Rate struct{ Packets, Bits int64 }

// Typical is one viewer of the load that capacity is measured with, and what a viewer is expected to take while
// nothing is known of the stream: 30 pictures a second in 3 or 4 packets of 1,150 bytes, and 50 packets of
// sound of 120 bytes.
func Typical() Rate {
	const video, audio = 105, 50
	return Rate{Packets: video + audio, Bits: 8 * (video*1150 + audio*120)}
}

// Plus and Minus are r with o, and without.
func (r Rate) Plus(o Rate) Rate  { return Rate{r.Packets + o.Packets, r.Bits + o.Bits} }
func (r Rate) Minus(o Rate) Rate { return Rate{r.Packets - o.Packets, r.Bits - o.Bits} }

// Completed is r, a capacity, with the figure that is not known (0) as it follows from the other in the typical
// load: something for people to read, no limit.
func (r Rate) Completed() Rate {
	t := Typical()
	switch {
	case r.Bits == 0:
		r.Bits = r.Packets * t.Bits / t.Packets
	case r.Packets == 0:
		r.Packets = r.Bits * t.Packets / t.Bits
	}
	return r
}
