package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"freshet/control/ops"
)

// What the commands of cluster write for people. Writing goes to a tabwriter, whose Flush has the error.

func writeStatus(w io.Writer, v ops.View) {
	line := func(what, format string, args ...any) {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", what, fmt.Sprintf(format, args...))
	}
	count := map[string]int{}
	for _, n := range v.Nodes {
		count[n.Role]++
	}
	live := 0
	for _, s := range v.Streams {
		if s.Live {
			live++
		}
	}
	line("seen by", "%s (%s)", v.Node, v.Quorum.State)
	line("leader", "%s, term %d, commit %d, applied %d", cmp.Or(v.Quorum.Leader, "none"), v.Quorum.Term, v.Quorum.Commit, v.Quorum.Applied)
	line("nodes", "%d control, %d origins, %d edges", count[roleControl], count[roleOrigin], count[roleEdge])
	line("streams", "%d live of %d", live, len(v.Streams))
	line("viewers", "%d", v.Viewers)
	if len(v.Alerts) == 0 {
		line("wrong", "nothing")
	}
	for i, a := range v.Alerts {
		line(map[bool]string{true: "wrong"}[i == 0], "%s", alertText(a))
	}
}

// alertText is a with how long it has lasted and whom it concerns.
func alertText(a ops.Alert) string {
	text := a.Text()
	if a.Since >= 0 {
		text += fmt.Sprintf(", for %d s", a.Since)
	}
	if a.Viewers > 0 {
		text += fmt.Sprintf(", viewers: %d", a.Viewers)
	}
	if a.Detail != "" {
		text += ": " + a.Detail
	}
	return text
}

func writeMembers(w io.Writer, v ops.View) {
	_, _ = fmt.Fprintln(w, "NODE\tROLE\tREGION\tSTATUS\tADMIN\tVIEWERS\tLOAD\tSTREAMS\tHEARD\tVERSION")
	for _, n := range v.Nodes {
		heard := "never"
		if n.Heard >= 0 {
			heard = fmt.Sprintf("%.1fs ago", n.Heard)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%.0f %%\t%d\t%s\t%s\n", n.Node, n.Role, orDash(n.Region), n.Status, n.Admin,
			n.Viewers, 100*n.Load, n.Streams, heard, orDash(n.Software))
	}
}

func writeStreams(w io.Writer, v ops.View) {
	_, _ = fmt.Fprintln(w, "STREAM\tEVENT\tSTATE\tORIGIN\tSTANDBY\tEPOCH\tHUBS\tNODES\tVIEWERS")
	for _, s := range v.Streams {
		state := "waits"
		if s.Live {
			state = "live"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", s.ID, orDash(s.Event), state, orDash(s.Origin), orDash(s.Standby),
			s.Epoch, len(s.Hubs), len(s.Hops), s.Viewers)
	}
}

func writeTrees(w io.Writer, streams []ops.Stream, v ops.View) {
	rtt := map[[2]string]float64{}
	for _, l := range v.Links {
		if l.RTT != nil {
			rtt[[2]string{l.A, l.B}] = *l.RTT
		}
	}
	for _, s := range streams {
		_, _ = fmt.Fprintf(w, "%s: origin %s, standby %s, epoch %d, %d viewers\n", s.ID, orDash(s.Origin), orDash(s.Standby), s.Epoch, s.Viewers)
		below := map[string][]ops.Hop{}
		for _, h := range s.Hops {
			below[h.Upstream] = append(below[h.Upstream], h)
		}
		hub := map[string]bool{}
		for _, h := range s.Hubs {
			hub[h.Node] = true
		}
		seen := map[string]bool{}
		var draw func(up string, depth int)
		draw = func(up string, depth int) {
			for _, h := range below[up] {
				if seen[h.Node] {
					continue
				}
				seen[h.Node] = true
				_, _ = fmt.Fprintf(w, "%s%s", strings.Repeat("  ", depth+1), h.Node)
				if hub[h.Node] {
					_, _ = fmt.Fprint(w, " (hub)")
				}
				if ms, ok := rtt[[2]string{up, h.Node}]; ok {
					_, _ = fmt.Fprintf(w, ", %.1f ms", ms)
				}
				if h.Loss > 0 {
					_, _ = fmt.Fprintf(w, ", %.1f %% lost", h.Loss)
				}
				_, _ = fmt.Fprintf(w, ", %d viewers", h.Viewers)
				if !h.Live {
					_, _ = fmt.Fprint(w, ", no media")
				}
				_, _ = fmt.Fprintln(w)
				draw(h.Node, depth+1)
			}
		}
		draw("", 0)
		for _, h := range s.Hops { // whose upstream has said nothing
			if !seen[h.Node] {
				_, _ = fmt.Fprintf(w, "  %s, from %s, which is not heard\n", h.Node, h.Upstream)
			}
		}
	}
}

func writeWhy(w io.Writer, d ops.Explanation) {
	_, _ = fmt.Fprintf(w, "at\t%s\nevent\t%s\nviewer in\t%s %s\nmeasured\t%v\nchoice\t%s\n\n", d.At.UTC().Format("2006-01-02 15:04:05 UTC"), d.Event,
		orDash(d.Country), orDash(d.Region), d.Measured, orDash(d.Choice))
	_, _ = fmt.Fprintln(w, "EDGE\tREGION\tKM\tRTT\tLOAD\tSCORE\tVERDICT")
	for _, c := range d.Candidates {
		km, rtt := "-", "-"
		if c.Km >= 0 {
			km = fmt.Sprintf("%.0f", c.Km)
		}
		if c.RTT >= 0 {
			rtt = fmt.Sprintf("%.0f ms", c.RTT.Seconds()*1000)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.0f %%\t%d\t%s\n", c.Node, orDash(c.Region), km, rtt, 100*c.Load, c.Score(), c.Verdict)
	}
	for node, at := range d.Failed {
		_, _ = fmt.Fprintf(w, "%s\tfailed the viewer at %s\n", node, at.UTC().Format("15:04:05"))
	}
	for _, p := range d.Paths {
		writePath(w, p)
	}
}

// writePath writes the steps of a path, each with the hop that ends there.
func writePath(w io.Writer, p ops.Path) {
	_, _ = fmt.Fprintf(w, "\nWAY OF %s NOW\tRTT\tLOST\n", p.Stream)
	if !p.Whole {
		_, _ = fmt.Fprint(w, "...\t-\t-\n")
	}
	for _, s := range p.Steps {
		rtt, lost := "-", "-"
		if s.RTT != nil {
			rtt = fmt.Sprintf("%.1f ms", *s.RTT)
		}
		if s.Loss != nil {
			lost = fmt.Sprintf("%.1f %%", *s.Loss)
		}
		if !s.Live {
			lost += "\tno media"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", s.Node, rtt, lost)
	}
}
