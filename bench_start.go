package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"freshet/bench/load"
	"freshet/bench/opening"
	"freshet/bench/stand"
)

// meshReadyWithin is how long a mesh may take to start, on a busy machine too.
const meshReadyWithin = 60 * time.Second

type benchStartCommand struct {
	Viewers int `default:"1000" placeholder:"N" help:"Pages that wait, 1 to 50000. Default 1000."`
	Edges   int `default:"3" placeholder:"N" help:"Edges of the mesh, 1 to 50. Default 3."`
}

// Help is what follows the first line of the command's help.
func (*benchStartCommand) Help() string {
	return `It runs a mesh of its own as a process (freshet up: control, an origin, edges), plans an event, publishes made-up packets to it, and has pages wait for it, each with an open stream of events. Then it starts the event. A page that hears of that waits up to a second, joins, and plays: ICE, DTLS, SRTP, until its first key frame is whole (the lean viewers of bench load).

It prints one JSON line, whose times count from the call that started the event. The exit code is 0 where all played within the goal: 3 s for 200 viewers, 8 s for more.`
}

// Run measures one start.
func (c *benchStartCommand) Run(p *program) (err error) {
	if c.Viewers < 1 || c.Viewers > load.MostViewers {
		return badConfig("viewers", "want 1 to %d, not %d", load.MostViewers, c.Viewers)
	}
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m, stop, err := c.up(p.ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	r, err := opening.Run(p.ctx, opening.Config{API: m.API, Viewers: c.Viewers, Log: p.log})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(p.stdout).Encode(r); err != nil {
		return err
	}
	if !r.OK {
		return fmt.Errorf("%d of %d play, the last after %.0f ms: want all within %.0f ms", r.Playing, r.Viewers, r.Picture.Max, r.Goal)
	}
	return nil
}

// up runs a mesh whose data are in dir, and returns once it is ready.
func (c *benchStartCommand) up(ctx context.Context, dir string) (m meshJSON, stop func() error, err error) {
	binary, err := os.Executable()
	if err != nil {
		return m, nil, err
	}
	mesh := exec.CommandContext(ctx, binary, "up", "--http", "127.0.0.1:0", "--data", dir, "--no-sample",
		"--edges", strconv.Itoa(c.Edges), "--output", outputJSON)
	mesh.Env = stand.Environment()
	mesh.Cancel = func() error { return mesh.Process.Signal(syscall.SIGTERM) }
	mesh.WaitDelay = 15 * time.Second
	out, err := mesh.StdoutPipe()
	if err != nil {
		return m, nil, err
	}
	if err := mesh.Start(); err != nil {
		return m, nil, err
	}
	stop = func() error { return errors.Join(mesh.Cancel(), mesh.Wait()) }
	late := time.AfterFunc(meshReadyWithin, func() { _ = mesh.Cancel() }) // its line does not come then
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &m)
	}
	if err != nil {
		return m, nil, errors.Join(fmt.Errorf("start a mesh: %w", err), stop())
	}
	return m, stop, nil
}
