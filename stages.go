package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

// A stage is a part of the program that runs until its context ends.
type stage struct {
	name string
	run  func(context.Context) error
}

// together makes one stage of several that stop at the same time.
func together(name string, stages ...stage) stage {
	return stage{name, func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, s := range stages {
			g.Go(func() error {
				if err := s.run(ctx); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				return nil
			})
		}
		return g.Wait()
	}}
}

// inOrder makes one stage that starts all of stages at once and stops them one after the other, in the
// order given: each has patience to end before the next is stopped too. It returns when all have ended,
// with the first error; a stage that ends by itself stops the others.
func inOrder(name string, patience time.Duration, log *slog.Logger, stages ...stage) stage {
	return stage{name, func(ctx context.Context) error {
		type end struct {
			i   int
			err error
		}
		ends := make(chan end, len(stages))
		stops := make([]context.CancelFunc, len(stages))
		for i, s := range stages {
			own, stop := context.WithCancel(context.WithoutCancel(ctx))
			defer stop()
			stops[i] = stop
			go func() { ends <- end{i, s.run(own)} }()
		}
		ended, left := make([]bool, len(stages)), len(stages)
		var first error
		note := func(e end) {
			ended[e.i] = true
			left--
			if first == nil && e.err != nil {
				first = fmt.Errorf("%s: %w", stages[e.i].name, e.err)
			}
		}
		select {
		case <-ctx.Done():
		case e := <-ends:
			note(e)
		}
		for i, s := range stages {
			stops[i]()
			late := time.NewTimer(patience)
			for !ended[i] {
				select {
				case e := <-ends:
					note(e)
					continue
				case <-late.C:
					log.Warn("slow to stop", "part", s.name, "took", patience)
				}
				break
			}
			late.Stop()
		}
		for left > 0 {
			note(<-ends)
		}
		return first
	}}
}
