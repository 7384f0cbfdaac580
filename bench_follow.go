package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"freshet/bench/load"
)

type benchFollowCommand struct {
	Event   string         `required:"" placeholder:"URL" help:"Page of an open event: http://127.0.0.1:8080/e/talk."`
	Control []string       `placeholder:"URL" help:"Further control nodes, asked where that of the event's page does not answer."`
	Viewers int            `default:"30" placeholder:"N" help:"Viewers, 1 to 5000; 20 come in a second. Default 30."`
	For     time.Duration  `default:"60s" placeholder:"TIME" help:"Watch this long once all have come. Default 60s."`
	Region  string         `placeholder:"REGION" help:"That all are nearest to; else control finds out."`
	MaxP99  *time.Duration `name:"max-p99" placeholder:"TIME" help:"Longest time without a new frame, of 99 in 100 viewers."`
	Output  string         `enum:"text,json" default:"text" help:"Write text or json. Default text."`
}

// Help is what follows the first line of the command's help.
func (*benchFollowCommand) Help() string {
	return `It watches an event as the player of its page does: asks control where, and goes to another edge when its own falls silent, says goodbye or is about to leave. Meanwhile kill, stop or drain edges, and see what viewers see of it: the longest time that each was without a new frame, at the median, the 95th and the 99th percentile.

    freshet bench follow --event http://127.0.0.1:8080/e/talk --viewers 50 --for 60s
    freshet bench follow --event http://127.0.0.1:8080/e/talk --control http://127.0.0.2:8080 --region par --max-p99 2.5s --output json

Each viewer is a complete WebRTC client, some 100 a core, without a standby. Progress goes to standard error each second. Ctrl-C ends in order and still tells what was seen. The exit code is not 0 where nobody saw anything, or --max-p99 was not kept.`
}

// Run watches until the time is over or the program is told to stop.
func (c *benchFollowCommand) Run(p *program) error {
	at, err := url.Parse(c.Event)
	if err != nil {
		return badConfig("event", "%w", err)
	}
	slug, ok := strings.CutPrefix(at.Path, "/e/")
	if !ok || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || slug == "" || strings.Contains(slug, "/") {
		return badConfig("event", "want the address of an event's page, http://…/e/NAME, not %q", c.Event)
	}
	cfg := load.AudienceConfig{
		Follow:   load.FollowConfig{API: []string{at.Scheme + "://" + at.Host + "/api/v1"}, Slug: slug, Region: c.Region},
		Viewers:  c.Viewers,
		For:      c.For,
		Progress: func(s load.AudienceProgress) { _, _ = fmt.Fprintln(p.stderr, s) }, // for eyes only
		Log:      p.log,
	}
	for _, other := range c.Control {
		cfg.Follow.API = append(cfg.Follow.API, strings.TrimSuffix(other, "/")+"/api/v1")
	}
	if err := cfg.Validate(); err != nil {
		return &configError{err}
	}
	r, err := load.Audience(p.ctx, cfg)
	if err != nil {
		return err
	}
	if c.Output == outputJSON {
		err = json.NewEncoder(p.stdout).Encode(r)
	} else {
		err = r.WriteText(p.stdout)
	}
	switch {
	case err != nil:
		return err
	case r.Seen == 0:
		return fmt.Errorf("none of %d viewers saw a picture", r.Viewers)
	case c.MaxP99 != nil && r.Without.P99 > float64(c.MaxP99.Microseconds())/1000:
		return fmt.Errorf("p99 of the longest time without a new frame: %.0f ms, over %v", r.Without.P99, *c.MaxP99)
	}
	return nil
}
