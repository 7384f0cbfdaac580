package load

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// fill takes over what was asked for.
func (r *SwarmResult) fill(cfg SwarmConfig) {
	r.URL, r.Mode, r.SRTP, r.Wanted, r.Ramp = cfg.URL, cfg.mode(), cfg.srtp(), cfg.Viewers, cfg.Ramp
	r.LeavesOut = leavesOut[r.Mode]
}

// sum makes the totals of the seats.
func (r *SwarmResult) sum(seats []seat, delays *histogram) {
	r.Viewers = make([]ViewerRecord, len(seats))
	for i := range seats {
		r.Viewers[i] = seats[i].record
	}
	for i := range r.Viewers {
		v := &r.Viewers[i]
		if v.FirstPicture > 0 {
			r.Joined++
		}
		if v.End.failed() {
			r.Failed++
			if r.Failures == nil {
				r.Failures = map[End]int{}
			}
			r.Failures[v.End]++
		}
		r.Packets += v.Packets
		r.Frames += v.Frames
		r.Lost += v.Lost
		r.Dropped += v.Dropped
		r.Freezes += v.Freezes
		r.Frozen += v.Frozen
		r.Steady.Packets += v.Steady.Packets
		r.Steady.Bytes += v.Steady.Bytes
		r.Steady.Filtered += v.Steady.Filtered
		r.Steady.Freezes += v.Steady.Freezes
	}
	for _, f := range []struct {
		to *Spread
		of func(*ViewerRecord) float64
	}{
		{&r.Answer, func(v *ViewerRecord) float64 { return v.Answer }},
		{&r.ICE, func(v *ViewerRecord) float64 { return v.ICE }},
		{&r.DTLS, func(v *ViewerRecord) float64 { return v.DTLS }},
		{&r.FirstPacket, func(v *ViewerRecord) float64 { return v.FirstPacket }},
		{&r.FirstPicture, func(v *ViewerRecord) float64 { return v.FirstPicture }},
	} {
		var all []float64
		for i := range r.Viewers {
			if ms := f.of(&r.Viewers[i]); ms > 0 {
				all = append(all, ms)
			}
		}
		*f.to = spread(all)
	}
	var late []float64
	for i := range r.Viewers {
		if r.Viewers[i].End != EndNotStarted {
			late = append(late, r.Viewers[i].Late)
		}
	}
	r.Late = spread(late)
	if delays.count > 0 {
		all := delays.spread()
		r.Delay = &all
	}
	if r.SteadySeconds > 0 {
		r.PacketRate = float64(r.Steady.Packets) / r.SteadySeconds
		r.Bitrate = float64(r.Steady.Bytes) * 8 / r.SteadySeconds
	}
	if r.Server != nil && r.Steady.Packets > 0 {
		r.Server.MicrosPerPacket = r.Server.CPUSeconds * 1e6 / float64(r.Steady.Packets)
	}
	if r.Server != nil && r.Joined > 0 {
		r.Server.RSSPerViewer = float64(r.Server.RSS-r.Server.RSSBefore) / float64(r.Joined)
	}
}

// spread returns how all lie. It sorts them.
func spread(all []float64) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	rank := func(q float64) float64 { return all[max(0, int(math.Ceil(q*float64(len(all))))-1)] }
	return Spread{N: len(all), P50: rank(0.50), P95: rank(0.95), P99: rank(0.99), Max: all[len(all)-1]}
}

// judge compares r with what was stated. What was not measured is no pass.
func (r *SwarmResult) judge(b SwarmBounds) {
	add := func(name string, limit float64, unit string, measured bool, value float64) {
		one := Bound{Name: name, Limit: limit, Unit: unit}
		if measured {
			one.Value, one.OK = &value, value <= limit
		}
		r.Bounds = append(r.Bounds, one)
	}
	watched := r.Joined > 0
	seen := watched && r.Mode != ModeFiltered // nobody looks for loss there once all have joined
	if b.P99Join != nil {
		add("max-p99-join", milliseconds(*b.P99Join), "ms", r.FirstPicture.N > 0, r.FirstPicture.P99)
	}
	if b.P99Delay != nil {
		var p99 float64
		if r.Delay != nil {
			p99 = r.Delay.P99
		}
		add("max-p99-delay", milliseconds(*b.P99Delay), "ms", r.Delay != nil, p99)
	}
	if b.Lost != nil {
		add("max-lost", float64(*b.Lost), "packets", seen, float64(r.Lost))
	}
	if b.Freezes != nil {
		add("max-freezes", float64(*b.Freezes), "freezes", seen, float64(r.Freezes))
	}
	if b.Failed != nil {
		add("max-failed", float64(*b.Failed), "viewers", true, float64(r.Failed))
	}
	if b.Cores != nil {
		var cores float64
		if r.Server != nil {
			cores = r.Server.Cores
		}
		add("max-cores", *b.Cores, "cores", r.Server != nil, cores)
	}
}

// Broken is the error that says which bounds were not kept; nil where all were.
func (r *SwarmResult) Broken() error {
	var all []string
	for _, b := range r.Bounds {
		if !b.OK {
			all = append(all, b.String())
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("bounds not kept: %s", strings.Join(all, "; "))
}

// String is the bound and what came out.
func (b Bound) String() string {
	if b.Value == nil {
		return fmt.Sprintf("%s %g %s: nothing to measure it by", b.Name, b.Limit, b.Unit)
	}
	return fmt.Sprintf("%s %g %s: %.4g", b.Name, b.Limit, b.Unit, *b.Value)
}
