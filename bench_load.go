package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"freshet/bench/load"
	"freshet/bench/report"
)

type benchLoadCommand struct {
	WHEP    string        `required:"" name:"whep" placeholder:"URL" help:"WHEP endpoint to watch, for example http://127.0.0.1:8100/whep/sample."`
	Token   string        `secret:"all" help:"Viewer token; @FILE reads it from FILE."`
	Viewers int           `default:"100" placeholder:"N" help:"Viewers, 1 to 50000. Default 100."`
	Ramp    rampFlag      `default:"50/s" placeholder:"N/s" help:"Viewers that start in a second, by the clock; 0 starts all at once. Default 50/s."`
	For     time.Duration `default:"30s" placeholder:"TIME" help:"Watch this long once all have joined. Default 30s."`
	Mode    string        `enum:"full,lean,filtered" default:"lean" help:"How much of a viewer each is: full, lean or filtered. Default lean."`
	SRTP    string        `name:"srtp" enum:"gcm,cm" default:"gcm" help:"Offer AES-GCM before AES-CM (gcm), or AES-CM alone (cm). Default gcm."`
	PID     int           `name:"pid" placeholder:"PID" help:"Process of the server, on this machine: tell what it takes."`

	WHIP string `name:"whip" placeholder:"URL" help:"Publish made-up packets here meanwhile: 1 Mbit/s, stamped, so that delay is told."`
	Key  string `secret:"all" help:"Stream key for --whip; @FILE reads it from FILE."`

	MaxP99Join  *time.Duration `name:"max-p99-join" placeholder:"TIME" group:"Bounds" help:"Longest time to the first picture, of 99 in 100 viewers."`
	MaxP99Delay *time.Duration `name:"max-p99-delay" placeholder:"TIME" group:"Bounds" help:"Longest delay of 99 in 100 packets, where they are stamped."`
	MaxLost     *int64         `placeholder:"N" group:"Bounds" help:"Most packets lost, all viewers together."`
	MaxFreezes  *int64         `placeholder:"N" group:"Bounds" help:"Most freezes, all viewers together."`
	MaxFailed   *int64         `placeholder:"N" group:"Bounds" help:"Most viewers who fail, or end before their time."`
	MaxCores    *float64       `placeholder:"N" group:"Bounds" help:"Most processor cores that --pid takes."`

	Output string `enum:"text,json,csv,html" default:"text" help:"Write text, json (for freshet bench compare), csv (a row a viewer) or one html page. Default text."`
	To     string `placeholder:"FILE" help:"Write to FILE, and text to standard output."`
}

// Help is what follows the first line of the command's help.
func (*benchLoadCommand) Help() string {
	return `It plays a stream of any WHEP server many times over: real sessions with ICE, DTLS and SRTP, each started when it is due whether or not those before have joined. Once all have a picture or have failed, it watches for --for, then all leave and the result is told.

    freshet bench load --whep http://127.0.0.1:8100/whep/sample --viewers 500 --ramp 50/s --for 60s --pid 4711
    freshet bench load --whip http://127.0.0.1:8090/whip/s --key K --whep http://127.0.0.1:8100/whep/s --max-failed 0 --max-lost 0

full is a complete WebRTC client each, some 100 a core. lean does ICE, DTLS, SRTP, receiver reports, NACK and PLI in a few loops for all, and checks every frame: 1,000 a core and more. filtered is lean until the first pictures were whole; then the kernel drops media at each viewer's socket, so that what is measured is the server's cost alone. The result says what its mode leaves out.

    freshet bench load --whep http://127.0.0.1:8100/whep/sample --output html --to load.html

Progress goes to standard error each second. Ctrl-C ends in order and still tells what was seen. The exit code is not 0 where a bound was stated and not kept; it says which.`
}

// Run watches until the time is over or the program is told to stop.
func (c *benchLoadCommand) Run(p *program) error {
	token, err := secret("token", c.Token)
	if err != nil {
		return err
	}
	key, err := secret("key", c.Key)
	if err != nil {
		return err
	}
	cfg := load.SwarmConfig{
		URL: c.WHEP, Token: token, Viewers: c.Viewers, Ramp: float64(c.Ramp), For: c.For, Mode: load.Mode(c.Mode), SRTP: c.SRTP,
		PID: c.PID, WHIP: c.WHIP, Key: key, Log: p.log,
		Bounds: load.SwarmBounds{
			P99Join: c.MaxP99Join, P99Delay: c.MaxP99Delay, Lost: c.MaxLost, Freezes: c.MaxFreezes, Failed: c.MaxFailed, Cores: c.MaxCores,
		},
	}
	if err := cfg.Validate(); err != nil {
		return &configError{err}
	}
	run := report.New(fmt.Sprintf("%d viewers, %s", c.Viewers, c.Mode), thisBuild().Version, os.Args, time.Now())
	rate := report.Series{Name: "packets of all viewers", Unit: "1/s"}
	joined := report.Series{Name: "viewers who have joined"}
	cfg.Progress = func(s load.SwarmProgress) {
		_, _ = fmt.Fprintln(p.stderr, s) // for eyes only
		rate.Add(s.Elapsed, s.PacketRate)
		joined.Add(s.Elapsed, float64(s.Joined))
	}
	var to *os.File
	if c.To != "" {
		if to, err = os.Create(c.To); err != nil { // before the run, not after it
			return badConfig("to", "%w", err)
		}
	}
	r, err := load.Swarm(p.ctx, cfg)
	if r != nil {
		r.Fill(run)
		run.Series = []report.Series{joined, rate}
		run.Finish(time.Now())
		err = errors.Join(err, c.write(p.stdout, to, r, run), r.Broken())
	}
	if to != nil {
		err = errors.Join(err, to.Close())
	}
	return err
}

// write writes the result as asked for: to a file, with the text on stdout, or to stdout alone.
func (c *benchLoadCommand) write(stdout io.Writer, to *os.File, r *load.SwarmResult, run *report.Run) error {
	out := stdout
	if to != nil {
		out = to
		if err := r.WriteText(stdout); err != nil {
			return err
		}
	}
	switch c.Output {
	case "json":
		return run.WriteJSON(out)
	case "csv":
		return run.WriteCSV(out)
	case "html":
		return run.WriteHTML(out)
	}
	return r.WriteText(out)
}

// A rampFlag is viewers a second, written 50/s or 50.
type rampFlag float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *rampFlag) UnmarshalText(b []byte) error {
	n, err := strconv.ParseFloat(strings.TrimSuffix(string(b), "/s"), 64)
	if err != nil {
		return fmt.Errorf("want viewers a second, 50/s, not %q", b)
	}
	*f = rampFlag(n)
	return nil
}
