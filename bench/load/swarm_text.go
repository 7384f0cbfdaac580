package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// WriteText writes what r came to, for people.
func (r *SwarmResult) WriteText(w io.Writer) error {
	var b strings.Builder
	r.text(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *SwarmResult) text(b *strings.Builder) {
	line := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	ramp := "all at once"
	if r.Ramp > 0 {
		ramp = fmt.Sprintf("%g a second", r.Ramp)
	}
	line("%d viewers, %s, %s mode, SRTP %s", r.Wanted, ramp, r.Mode, r.SRTP)
	if r.Stopped {
		line("stopped before the end")
	}
	line("joined %d, failed %d%s", r.Joined, r.Failed, r.why())
	line("")
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")+"\t") } // into memory
	row("ms since due", "viewers", "p50", "p95", "p99", "max")
	for _, s := range []struct {
		name string
		s    Spread
	}{
		{"started late", r.Late}, {"answer", r.Answer}, {"ICE", r.ICE}, {"DTLS", r.DTLS},
		{"first packet", r.FirstPacket}, {"first picture", r.FirstPicture},
	} {
		n := func(v float64) string { return fmt.Sprintf("%.1f", v) }
		row(s.name, fmt.Sprint(s.s.N), n(s.s.P50), n(s.s.P95), n(s.s.P99), n(s.s.Max))
	}
	_ = t.Flush() // into memory
	line("")
	if r.Mode == ModeFiltered {
		line("before the filter: %d packets, %d pictures", r.Packets, r.Frames)
	} else {
		line("in all: %d packets, %d pictures, lost %d, freezes %d (%.0f ms)", r.Packets, r.Frames, r.Lost, r.Freezes, r.Frozen)
	}
	if r.Dropped > 0 {
		line("%d packets found no room at the viewers: this machine was too slow for them", r.Dropped)
	}
	switch {
	case r.SteadySeconds == 0:
	case r.Mode == ModeFiltered:
		line("steady %.1f s: %.0f packets/s, of which the kernel dropped %.2f %% as it was told to", r.SteadySeconds, r.PacketRate,
			100*float64(r.Steady.Filtered)/float64(max(1, r.Steady.Packets)))
	default:
		line("steady %.1f s: %.0f packets/s, %.2f Mbit/s of payload, freezes %d", r.SteadySeconds, r.PacketRate, r.Bitrate/1e6, r.Steady.Freezes)
	}
	if d := r.Delay; d != nil {
		line("delay of %d packets: p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.1f ms", d.N, d.P50, d.P95, d.P99, d.Max)
	}
	if r.ServerGone {
		line("the server's process ended meanwhile")
	}
	if s := r.Server; s != nil {
		line("server %d: %.2f cores, %.2f µs a packet, %.1f MB (%.1f KB a viewer more than before), %d threads",
			s.PID, s.Cores, s.MicrosPerPacket, float64(s.RSS)/1e6, s.RSSPerViewer/1e3, s.Threads)
	}
	if r.SteadySeconds > 0 {
		line("this program: %.2f cores, %.1f MB, %d goroutines", r.Own.Cores, float64(r.Own.RSS)/1e6, r.Own.Goroutines)
	}
	for _, o := range r.Bounds {
		word := "kept  "
		if !o.OK {
			word = "BROKEN"
		}
		line("%s %s", word, o)
	}
	line("left out in this mode: %s", strings.Join(r.LeavesOut, "; "))
}

// why tells of failures by cause, with what the first of each said.
func (r *SwarmResult) why() string {
	var b strings.Builder
	for _, end := range slices.Sorted(maps.Keys(r.Failures)) {
		i := slices.IndexFunc(r.Viewers, func(v ViewerRecord) bool { return v.End == end })
		fmt.Fprintf(&b, "\n  %d × %s", r.Failures[end], end)
		if i >= 0 && r.Viewers[i].Detail != "" {
			fmt.Fprintf(&b, ": %s", r.Viewers[i].Detail)
		}
	}
	return b.String()
}

// String is the progress in one line.
func (p SwarmProgress) String() string {
	s := fmt.Sprintf("%5.0fs %s: %d of %d started, %d joined, %d failed", p.Elapsed.Seconds(), p.Phase, p.Started, p.Viewers, p.Joined, p.Failed)
	if p.Ended > 0 {
		s += fmt.Sprintf(", %d ended", p.Ended)
	}
	return s + fmt.Sprintf(" | %.0f packets/s, %.1f Mbit/s", p.PacketRate, p.Bitrate/1e6)
}
