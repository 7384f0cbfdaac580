package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Config says what to run.
type Config struct {
	Viewers []int         // audiences, each measured by itself
	For     time.Duration // of each measurement
	Shards  int
	Binary  string // the freshet whose hidden commands are the parts

	Stdout, Stderr io.Writer
}

// ErrMissed says that a goal was missed.
var ErrMissed = errors.New("goals missed")

// Run measures each audience of cfg and writes a line of JSON a goal. It returns ErrMissed where one was missed.
func Run(ctx context.Context, cfg Config) error {
	missed := 0
	c := crew{
		start:  processes(cfg.Binary, cfg.Stderr),
		tell:   func(format string, args ...any) { _, _ = fmt.Fprintf(cfg.Stderr, format+"\n", args...) },
		shards: cfg.Shards,
	}
	for _, n := range cfg.Viewers {
		found, err := c.measure(ctx, mixAudience(n, cfg.For))
		if err != nil {
			return fmt.Errorf("%d viewers: %w", n, err)
		}
		for _, r := range mixResults(n, found) {
			if !r.OK() {
				missed++
			}
			if err := r.WriteLine(cfg.Stdout); err != nil {
				return err
			}
		}
	}
	if missed > 0 {
		return fmt.Errorf("%w: %d", ErrMissed, missed)
	}
	return nil
}
