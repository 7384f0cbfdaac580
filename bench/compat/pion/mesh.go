package pion

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Mesh is what `freshet up --output json` prints, as far as a publisher or a viewer needs it.
type Mesh struct {
	Stream  string `json:"stream"`
	Key     string `json:"key"`
	Origins []struct {
		Node string `json:"node"`
		WHIP string `json:"whip"`
	} `json:"origins"`
	Edges []struct {
		Node string `json:"node"`
		WHEP string `json:"whep"`
	} `json:"edges"`
}

// ParseMesh reads the line.
func ParseMesh(line string) (*Mesh, error) {
	m := &Mesh{}
	if err := json.Unmarshal([]byte(line), m); err != nil {
		return nil, fmt.Errorf("the line of `freshet up --output json`: %w", err)
	}
	if m.Stream == "" || len(m.Origins) == 0 || len(m.Edges) == 0 {
		return nil, errors.New("the line of `freshet up --output json` names no stream, origin or edge")
	}
	return m, nil
}

// Ingest is where the stream is published.
func (m *Mesh) Ingest() string { return m.Origins[0].WHIP + "/" + m.Stream }

// Farthest is where the stream is played after the most hops: at the last edge.
func (m *Mesh) Farthest() string { return m.Edges[len(m.Edges)-1].WHEP + "/" + m.Stream }
