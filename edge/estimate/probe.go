package estimate

import "time"

// ProbePackets is how many packets a probe has.
const ProbePackets = 6

const (
	probeLeast = 200                   // bytes of a packet
	probeMost  = 1100                  // so a probe is at most 6.6 KB
	probeSpan  = 15 * time.Millisecond // that a probe takes at the rate it asks for: 60 ticks
	probeFirst = 2 * time.Second       // between probes; each that finds nothing doubles it, up to probeLast
	probeLast  = 5 * time.Second       // who has a wide path again sees it soon; 1.2 KB ask for 640 kbit/s
	probeAfter = 2 * time.Second       // frames were trains until then: no probe is needed
)

// Probe returns the size of the ProbePackets packets to send at once at now, to find out whether the path
// takes want bits a second, and 0 where none are to be sent: it is known, frames tell anyway, there is trouble,
// or the last probe was just before. They are numbered as all others are; what they show is in BPS
// with the feedback.
func (e *Estimator) Probe(now time.Duration, want int64) (size int) {
	if e.bps >= want {
		e.probeWait = probeFirst
		return 0
	}
	if !e.fresh(now) || !e.MayRise(now) || now < e.probeAt || within(now, e.trains.at, probeAfter) {
		return 0
	}
	e.probeAt = now + e.probeWait
	e.probeWait = min(2*e.probeWait, probeLast)
	return int(min(max(want/8*int64(probeSpan)/int64(time.Second)/ProbePackets, probeLeast), probeMost))
}
