package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"
)

// statsLink is the relation under which a Freshet edge announces how a stream comes to it.
const statsLink = "urn:ietf:params:whep:ext:freshet:stats"

// Limits of what a server may say of the path.
const (
	statsTimeout = 2 * time.Second
	maxStats     = 64 << 10
	maxHops      = 64
	maxNodeName  = 256
)

// A Path is how a stream comes to the server that Play plays from, as that server says.
type Path struct {
	Node string    `json:"node"`
	Hops []PathHop `json:"hops"` // the origin's first
}

// A PathHop is one hop as the node at its lower end sees it. Counts are since the stream came there.
type PathHop struct {
	Node          string  `json:"node"`
	Upstream      string  `json:"upstream"`
	RTT           float64 `json:"rtt_ms"`
	Received      uint64  `json:"received"`       // packets of the stream, each once
	Lost          uint64  `json:"lost"`           // UDP packets of the whole link found missing by the repair layer
	RepairedBelow uint64  `json:"repaired_below"` // of those, by the repair layer
	Missing       uint64  `json:"missing"`        // packets of the stream asked for by number
	Repaired      uint64  `json:"repaired"`       // of those, that came
	Gone          uint64  `json:"gone"`           // of those, that will not come
	Late          uint64  `json:"late"`
	Shed          int     `json:"shed"` // layers held back for want of room
	RoomBPS       uint64  `json:"room_bps"`
	RateBPS       uint64  `json:"rate_bps"`
	Switches      uint64  `json:"switches"` // changes of upstream
}

// errNoStats says that the server does not tell how the stream comes to it.
var errNoStats = errors.New("the server has no statistics of the path")

// path asks the server.
func (x *exchange) path(ctx context.Context) (*Path, error) {
	if x.stats == nil {
		return nil, errNoStats
	}
	ctx, cancel := context.WithTimeout(ctx, statsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.stats.String(), nil)
	if err != nil {
		return nil, err
	}
	x.authorize(req)
	res, err := x.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or of no interest
	if res.StatusCode != http.StatusOK {
		return nil, statusError(res)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxStats+1))
	if err != nil {
		return nil, err
	}
	return parsePath(body)
}

// parsePath reads the body of statistics. What it returns is safe to print.
func parsePath(body []byte) (*Path, error) {
	var p Path
	if len(body) > maxStats {
		return nil, fmt.Errorf("statistics of the path: more than %d bytes", maxStats)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("statistics of the path: %w", err)
	}
	if len(p.Hops) > maxHops {
		return nil, fmt.Errorf("statistics of the path: more than %d hops", maxHops)
	}
	p.Node = printable(p.Node)
	for i := range p.Hops {
		h := &p.Hops[i]
		if max(len(h.Node), len(h.Upstream)) > maxNodeName {
			return nil, fmt.Errorf("statistics of the path: a node's name has more than %d bytes", maxNodeName)
		}
		h.Node, h.Upstream = printable(h.Node), printable(h.Upstream)
	}
	return &p, nil
}

// write writes p as a table.
func (p *Path) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	// Flush has the error.
	_, _ = fmt.Fprintln(t, "  hop\trtt\trate\troom\treceived\tlost\trepaired below\tmissing\trepaired\tgone\tlate\tshed\tswitches\t")
	for _, h := range p.Hops {
		room := "-"
		if h.RoomBPS > 0 {
			room = fmt.Sprintf("%d kbit/s", h.RoomBPS/1000)
		}
		_, _ = fmt.Fprintf(t, "  %s > %s\t%.1f ms\t%d kbit/s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
			h.Upstream, h.Node, h.RTT, h.RateBPS/1000, room, h.Received, h.Lost, h.RepairedBelow,
			h.Missing, h.Repaired, h.Gone, h.Late, h.Shed, h.Switches)
	}
	return t.Flush()
}
