package pion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// pollEvery is how often a mesh is asked whether a stream is live; its own figures change each second.
const pollEvery = 100 * time.Millisecond

// A Mesh is what `freshet up --output json` prints, as far as a publisher or a viewer needs it.
type Mesh struct {
	API     string `json:"api"`
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

// OnAir returns when the mesh says that the stream is live, which is when a viewer finds it.
func (m *Mesh) OnAir(ctx context.Context) error {
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		live, err := m.live(ctx)
		if err != nil || live {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%s is not on the air: %w", m.Stream, context.Cause(ctx))
		}
	}
}

func (m *Mesh) live(ctx context.Context) (bool, error) {
	x := &Exchange{}
	res, body, err := x.do(ctx, http.MethodGet, m.API+"/streams/"+m.Stream, "", "", "")
	if err != nil {
		return false, err
	}
	if res.StatusCode != http.StatusOK {
		return false, &Status{http.MethodGet, res.StatusCode, body}
	}
	var stream struct{ Live bool }
	if err := json.Unmarshal([]byte(body), &stream); err != nil {
		return false, fmt.Errorf("%s/streams/%s: %w", m.API, m.Stream, err)
	}
	return stream.Live, nil
}
