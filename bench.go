package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"freshet/bench/impair"
)

// benchCommand is the group of commands that measure and try.
type benchCommand struct {
	Impair impairCommand     `cmd:"" help:"Stand between UDP or TCP endpoints and make the path worse: delay, loss, a narrow link, cuts."`
	Relay  benchRelayCommand `cmd:"" help:"Measure what the relay promises: real nodes, bad paths between them, one JSON line a target."`
	Load   benchLoadCommand  `cmd:"" help:"Watch one stream many times over, from any WHEP server: join times, frames, loss, and what the server takes."`

	Start benchStartCommand `cmd:"" help:"Measure the start of an event: pages wait for it, hear of it, join and play."`

	Follow benchFollowCommand `cmd:"" help:"Watch an event through deaths and drains of its edges: how long viewers were without new frames."`

	Egress benchEgressCommand `cmd:"" help:"Measure what an edge's fan-out costs: fake viewers beside the floor of this machine."`

	Sim benchSimCommand `cmd:"" help:"Run placement over the cities of the world: up to a million viewers, failures, a region lost."`

	Compare benchCompareCommand `cmd:"" help:"Say what changed from one run of a bench to the next, and whether noise explains it."`

	Report benchReportCommand `cmd:"" help:"Measure what this machine can send: how many viewers an edge here takes."`

	EgressPart egressPartCommand `cmd:"" hidden:"" help:"One of the processes of bench egress."`

	Forward    forwardCommand    `cmd:"" hidden:"" help:"Forward QUIC datagrams: what bench relay compares a node with."`
	ServeNaive serveNaiveCommand `cmd:"" hidden:"" help:"Serve WHIP and WHEP by pion's usual way: what an edge is compared with."`
}

// pathFlags say what happens to packets in one direction, or in both.
type pathFlags struct {
	Delay   *impair.Duration `placeholder:"TIME" help:"Delay one way, for example 50ms."`
	Jitter  *impair.Duration `placeholder:"TIME" help:"Random delay on top, from nothing to TIME."`
	Reorder *bool            `help:"Let jitter change the order of packets."`
	Loss    *impair.Share    `placeholder:"SHARE" help:"Share of packets lost, 2% or 0.02."`
	Burst   *int             `placeholder:"N" help:"Lose packets in runs, N long on average."`
	Rate    *impair.Rate     `placeholder:"RATE" help:"Bits a second, 800kbit or 2Mbit, all clients together."`
	Buffer  *impair.Duration `placeholder:"TIME" help:"Longest wait for the rate before packets are dropped. Without it 100ms."`
	Cut     *bool            `help:"Let nothing through."`
}

func (f pathFlags) change() impair.Change { return impair.Change(f) }

type impairCommand struct {
	outputFlag
	Listen   string        `placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one."`
	Target   string        `placeholder:"HOST:PORT" help:"Address to pass packets on to."`
	TCP      bool          `name:"tcp" help:"Pass TCP connections on, in place of UDP datagrams."`
	Scenario string        `placeholder:"FILE" help:"TOML file of links and what happens to them, in place of --listen, --target, --tcp and all that describes a path."`
	Seed     *uint64       `placeholder:"N" help:"What luck follows from: the same seed loses the same packets. Default what the scenario says, else 0."`
	For      time.Duration `placeholder:"TIME" help:"Stop after this long, for example 60s."`

	Both pathFlags `embed:"" group:"Both directions"`
	Up   pathFlags `embed:"" prefix:"up-" group:"From clients to the target, where it differs"`
	Down pathFlags `embed:"" prefix:"down-" group:"From the target to clients, where it differs"`
}

// Help is what follows the first line of the command's help.
func (*impairCommand) Help() string {
	return `It listens at one address and passes each datagram on to the target, from a socket of its own for each client (256 at most), and what comes back to the client. On its way a packet may be cut, then lost, then wait for the rate, then be delayed.

With --tcp, or network = "tcp" of a link, it passes connections on (256 at most). To them the path does what two TCPs would let a program see of it: what is lost comes late, by a retransmission timeout; what the rate has no room for makes its sender wait; in a cut connections stay open, and all goes on after it.

One bad ocean in front of an edge's upstream, both ways:

    freshet bench impair --listen 127.0.0.1:9000 --target 127.0.0.1:8091 --delay 50ms --loss 2%

The same in front of control's port for nodes:

    freshet bench impair --tcp --listen 127.0.0.1:9001 --target 127.0.0.1:8081 --delay 50ms --loss 2%

A link that narrows, that is cut one way and gets a new address, from a file:

    seed = 7
    [[link]]
    name = "ocean"
    listen = "127.0.0.1:9000"
    target = "127.0.0.1:8091"
    up = { delay = "50ms", loss = "2%" }
    down = { delay = "50ms", loss = 0.02, burst = 5 }
    [[step]]                 # keys that a step does not name stay as they are
    at = "10s"
    link = "ocean"           # without it, every link
    down = { rate = "2Mbit" }
    [[step]]
    at = "20s"
    down = { rate = 0, cut = true }
    [[step]]
    at = "21s"
    down = { cut = false }
    rebind = true

It prints where it listens, a line for each direction each second, and a total. FAILED or MISSED packets are losses that nobody asked for: the machine was too slow. ECN marks and ICMP errors do not pass, nor do datagrams over 2,048 bytes.`
}

// Run passes packets until the time is over or the program is told to stop.
func (c *impairCommand) Run(p *program) error {
	s, err := c.scenario()
	if err != nil {
		return err
	}
	if _, set := os.LookupEnv("GOMAXPROCS"); !set {
		runtime.GOMAXPROCS(1) // a second core that looks for work costs more than the packets do
	}
	links, err := impair.NewLinks(*s)
	if err != nil {
		return &configError{err}
	}
	ctx := p.ctx
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	return watch(ctx, links, p.stdout, c.Output == outputJSON)
}

// scenario returns what the flags or the file say.
func (c *impairCommand) scenario() (*impair.Scenario, error) {
	if c.For < 0 {
		return nil, badConfig("for", "want a time to come, not %v", c.For)
	}
	s, err := c.links()
	if err == nil && c.Seed != nil {
		s.Seed = *c.Seed
	}
	return s, err
}

func (c *impairCommand) links() (*impair.Scenario, error) {
	if c.Scenario == "" {
		return c.link()
	}
	if c.Listen != "" || c.Target != "" || c.TCP || c.Both != (pathFlags{}) || c.Up != (pathFlags{}) || c.Down != (pathFlags{}) {
		return nil, badConfig("scenario", "the file says all that --listen, --target, --tcp and the flags of paths say: give one or the other")
	}
	f, err := os.Open(c.Scenario)
	if err != nil {
		return nil, badConfig("scenario", "%w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(io.LimitReader(f, impair.MaxScenario+1))
	if err != nil {
		return nil, badConfig("scenario", "%w", err)
	}
	s, err := impair.ParseScenario(b)
	if err != nil {
		return nil, badConfig("scenario", "%s: %w", c.Scenario, err)
	}
	return s, nil
}

// link returns the one link that the flags describe.
func (c *impairCommand) link() (*impair.Scenario, error) {
	if c.Listen == "" || c.Target == "" {
		return nil, badConfig("listen", "want --listen HOST:PORT and --target HOST:PORT, or --scenario FILE")
	}
	both := c.Both.change().Apply(impair.Path{})
	cfg := impair.Config{
		Listen: c.Listen, Target: c.Target,
		Up: c.Up.change().Apply(both), Down: c.Down.change().Apply(both),
	}
	network := impair.UDP
	if c.TCP {
		network = impair.TCP
	}
	return &impair.Scenario{Links: []impair.Link{{Name: "link", Network: network, Config: cfg}}}, nil
}

// watch runs links and reports each second, and at the end.
func watch(ctx context.Context, links *impair.Links, w io.Writer, asJSON bool) error {
	if err := impair.WriteReport(w, links.Report(time.Now()), asJSON); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- links.Run(ctx) }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			return impair.WriteReport(w, links.Total(time.Now()), asJSON)
		case now := <-tick.C:
			if err := impair.WriteReport(w, links.Report(now), asJSON); err != nil {
				stop()
				return errors.Join(fmt.Errorf("report: %w", err), <-done)
			}
		}
	}
}
