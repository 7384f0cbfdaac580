package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"freshet/edge/admit"
	"freshet/edge/egress"
)

type benchReportCommand struct {
	outputFlag
	Shards int           `placeholder:"N" help:"Shards of the edge to reckon with. Default one a core."`
	For    time.Duration `default:"1s" placeholder:"TIME" help:"Measure for so long, on one core. Default 1s."`
}

// Help is what follows the first line of the command's help.
func (*benchReportCommand) Help() string {
	return `It seals and sends packets as an edge does, 3 or 4 of 1,150 bytes in one message and sound of 120 bytes alone, with 512 viewers' keys, over loopback to sockets that nobody reads. From the CPU that a packet costs follows what an edge takes before it refuses viewers: each packet at 1.4 times that, for all else that its loop does, and 80 % of each core. An edge measures the same at its start.

    freshet bench report
    freshet bench report --for 5s --output json

A network card may be slower than the cores: tell an edge by --capacity-mbps what its card can do.`
}

// A machineJSON is the line of JSON.
type machineJSON struct {
	Cost      float64 `json:"cost_us"` // CPU of a packet, the median
	Least     float64 `json:"cost_least_us"`
	Most      float64 `json:"cost_most_us"`
	Samples   int     `json:"samples"`
	Segmented bool    `json:"segmentation"`
	Cores     int     `json:"cores"`
	Shards    int     `json:"shards"`
	Packets   int64   `json:"capacity_packets"`
	Bits      int64   `json:"capacity_bits"`
	Viewers   int64   `json:"viewers_1mbit"`
}

// Run measures and prints what came of it.
func (c *benchReportCommand) Run(p *program) error {
	if c.Shards < 0 || c.Shards > 1024 {
		return badConfig("shards", "want 1 to 1024, not %d", c.Shards)
	}
	if c.For < 100*time.Millisecond || c.For > time.Minute {
		return badConfig("for", "want 100ms to 1m, not %v", c.For)
	}
	m, err := egress.Measure(p.ctx, c.For)
	if err != nil {
		return err
	}
	cores := runtime.GOMAXPROCS(0)
	shards := c.Shards
	if shards == 0 {
		shards = cores
	}
	r := m.Capacity(shards, cores).Completed()
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
	j := machineJSON{
		Cost: us(m.Cost), Least: us(m.Least), Most: us(m.Most), Samples: m.Samples, Segmented: m.Segmented,
		Cores: cores, Shards: shards, Packets: r.Packets, Bits: r.Bits, Viewers: r.Packets / admit.Typical().Packets,
	}
	if c.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(j)
	}
	kernel := "the kernel cuts frames into packets"
	if !j.Segmented {
		kernel = "the kernel does not cut frames into packets, which would make it cheaper"
	}
	_, err = fmt.Fprintf(p.stdout, `A packet costs %.2f µs of one core to seal and send (%d samples, %.2f to %.2f; %s).
An edge of %d shards on %d cores sends %d packets/s, %.2f Gbit/s: %d viewers of 1 Mbit/s (155 packets/s).
`,
		j.Cost, j.Samples, j.Least, j.Most, kernel, j.Shards, j.Cores, j.Packets, float64(j.Bits)/1e9, j.Viewers)
	return err
}
