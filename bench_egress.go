package main

import (
	"os"
	"runtime"
	"time"

	"freshet/bench/egress"
)

type benchEgressCommand struct {
	Viewers []int         `placeholder:"N" default:"2000,10000" help:"Audiences to measure, one after the other."`
	For     time.Duration `placeholder:"TIME" default:"10s" help:"Measure each for so long."`
	Shards  int           `placeholder:"N" help:"Shards of the edge. Default one a core."`
}

// Help is what follows the first line of the command's help.
func (*benchEgressCommand) Help() string {
	return `It has an edge serve fake viewers: made-up keys and sockets that nobody reads, but real sealing and sending, and real feedback from a process of its own (a receiver report, REMB, transport-wide feedback and now and then a NACK a second and viewer). Each gets 155 packets a second, 1.01 Mbit/s. Beside it, in the same run, the floor: the same bytes sealed and sent by a bare loop on one core. No handshake takes place, and no packet is decoded.

One line of JSON a goal goes to standard output, what happens meanwhile to standard error. Measure on an otherwise idle machine.`
}

// Run measures until all is done or the program is told to stop.
func (c *benchEgressCommand) Run(p *program) error {
	for _, n := range c.Viewers {
		if n < 1 || n > 50000 {
			return badConfig("viewers", "want 1 to 50000, not %d", n)
		}
	}
	if c.For < time.Second || c.For > time.Minute {
		return badConfig("for", "want 1s to 1m, not %v", c.For)
	}
	if c.Shards == 0 {
		c.Shards = runtime.NumCPU()
	}
	if c.Shards < 1 || c.Shards > 64 {
		return badConfig("shards", "want 1 to 64, not %d", c.Shards)
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	return egress.Run(p.ctx, egress.Config{
		Viewers: c.Viewers, For: c.For, Shards: c.Shards, Binary: binary, Stdout: p.stdout, Stderr: p.stderr,
	})
}

type egressPartCommand struct {
	Name string `arg:"" help:"Which part."`
}

// Run is one of the processes of bench egress.
func (c *egressPartCommand) Run(p *program) error {
	return egress.Part(p.ctx, c.Name, os.Stdin, p.stdout)
}
