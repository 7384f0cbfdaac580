package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// The JSON line of `freshet up --output json`.
type meshJSON struct {
	Web     string     `json:"web"`
	API     string     `json:"api"`
	Stream  string     `json:"stream"`
	Key     string     `json:"key"`
	Control []nodeJSON `json:"control"`
	Origins []nodeJSON `json:"origins"`
	Edges   []nodeJSON `json:"edges"`
}

type nodeJSON struct {
	Node    string `json:"node"`
	Region  string `json:"region,omitempty"`
	HTTP    string `json:"http,omitempty"`
	WHIP    string `json:"whip,omitempty"`
	WHEP    string `json:"whep,omitempty"`
	Metrics string `json:"metrics"`
	PID     int    `json:"pid"`
}

// tell says where to look.
func (m *mesh) tell(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(m.json())
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, where string) { _, _ = fmt.Fprintf(t, "  %s\t%s\n", what, where) } // Flush has the error
	_, _ = fmt.Fprintf(t, "\nFreshet is up: control, an origin and %d edges.", len(m.edges))
	if m.sample != nil {
		_, _ = fmt.Fprintf(t, " The sample is on the air; %s has its first picture.", m.edges[len(m.edges)-1].cfg.Node)
	}
	_, _ = fmt.Fprint(t, "\n\n")
	line("Watch", m.control.base+"/")
	line("Go live", m.control.base+"/live/"+sampleStream)
	line("Publish", m.origin.base+"/whip/"+sampleStream)
	line("with key", m.key)
	for _, e := range m.edges {
		line("Play", fmt.Sprintf("%s/whep/%s\t%s, %s", e.base, sampleStream, e.cfg.Node, e.cfg.Region))
	}
	line("API", m.control.base+"/api/v1/streams")
	line("Metrics", m.control.base+"/metrics and at every node")
	line("Data", m.data)
	_, _ = fmt.Fprint(t, "\nCtrl-C stops it.\n")
	return t.Flush()
}

func (m *mesh) json() meshJSON {
	j := meshJSON{
		Web: m.control.base, API: m.control.base + "/api/v1", Stream: sampleStream, Key: m.key,
		Control: []nodeJSON{{
			Node: m.control.name, HTTP: m.control.base, Metrics: m.control.base + "/metrics", PID: os.Getpid(),
		}},
	}
	for _, n := range append([]*mediaNode{m.origin}, m.edges...) {
		x := nodeJSON{Node: n.cfg.Node, Region: n.cfg.Region, Metrics: n.base + "/metrics", PID: os.Getpid()}
		if n.cfg.Role == roleOrigin {
			x.WHIP = n.base + "/whip"
			j.Origins = append(j.Origins, x)
		} else {
			x.WHEP = n.base + "/whep"
			j.Edges = append(j.Edges, x)
		}
	}
	return j
}
