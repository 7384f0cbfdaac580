package impair

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Report says what Links have done. Counts are of the whole run.
type Report struct {
	Elapsed time.Duration
	Links   []LinkReport
	Final   bool
}

// A LinkReport is what a Report says of one link.
type LinkReport struct {
	Name    string    `json:"name"`
	Network Network   `json:"network,omitempty"`
	Listen  string    `json:"listen"`
	Target  string    `json:"target"`
	Clients int       `json:"clients"`           // TCP: connections
	Evicted uint64    `json:"evicted"`           // UDP: clients that gave way to others
	Refused uint64    `json:"refused,omitempty"` // TCP: connections for which there was no room
	Up      WayReport `json:"up"`
	Down    WayReport `json:"down"`
}

// A WayReport is what a LinkReport says of one direction.
type WayReport struct {
	Path    Path  `json:"-"`
	Bitrate int64 `json:"bitrate"` // of what came out, headers not included
	Stats
}

// MarshalJSON writes the path in words beside the counts.
func (w WayReport) MarshalJSON() ([]byte, error) {
	type plain WayReport
	return json.Marshal(struct {
		Path string `json:"path"`
		plain
	}{w.Path.String(), plain(w)})
}

// WriteReport writes r as one line of JSON, or as text: at first where the links listen, later a line for
// each direction.
func WriteReport(w io.Writer, r Report, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(struct {
			Elapsed float64      `json:"elapsed_s"`
			Final   bool         `json:"final"`
			Links   []LinkReport `json:"links"`
		}{float64(r.Elapsed.Milliseconds()) / 1000, r.Final, r.Links})
	}
	_, err := io.WriteString(w, r.String())
	return err
}

// String is the report in lines of text.
func (r Report) String() string {
	var b strings.Builder
	width := 0
	for _, l := range r.Links {
		width = max(width, len(l.Name))
	}
	when := fmt.Sprintf("%6.1fs", r.Elapsed.Seconds())
	if r.Final {
		when = "  total"
	}
	for _, l := range r.Links {
		if r.Elapsed == 0 {
			fmt.Fprintf(&b, "%-*s listens on %s for %s\n", width, l.Name, l.Listen, l.Target)
			continue
		}
		fmt.Fprintf(&b, "%s  %-*s  up    %s\n", when, width, l.Name, l.Up)
		fmt.Fprintf(&b, "%s  %-*s  down  %s\n", when, width, l.Name, l.Down)
		if l.Evicted > 0 {
			fmt.Fprintf(&b, "%s  %-*s  more than %d clients: %d gave way to others\n", when, width, l.Name, maxClients, l.Evicted)
		}
		if l.Refused > 0 {
			fmt.Fprintf(&b, "%s  %-*s  more than %d connections: %d refused\n", when, width, l.Name, maxClients, l.Refused)
		}
	}
	return b.String()
}

// String is one direction in words: what is out of the ordinary is told only where there is any.
func (w WayReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%7d in %7d out %8.3f Mbit/s", w.In.Packets, w.Out.Packets, float64(w.Bitrate)/1e6)
	for _, c := range []struct {
		n    uint64
		what string
	}{
		{w.Lost.Packets, "lost"}, {w.Overflowed.Packets, "overflowed"}, {w.Cut.Packets, "cut"},
		{w.Failed.Packets, "FAILED"}, {w.Missed, "MISSED"},
	} {
		if c.n > 0 {
			fmt.Fprintf(&b, ", %d %s", c.n, c.what)
		}
	}
	return b.String() + " | " + w.Path.String()
}
