package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var ended []string
		part := func(name string, takes time.Duration) stage {
			return stage{name, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(takes)
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, name)
				return nil
			}}
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		begun := time.Now()
		// slow has not ended when its patience is over; the next is stopped all the same.
		all := inOrder("all", 3*time.Second, slog.New(slog.DiscardHandler),
			part("quick", time.Second), part("slow", 10*time.Second), part("last", time.Second))
		if err := all.run(ctx); err != nil {
			t.Fatal(err)
		}
		if want := []string{"quick", "last", "slow"}; !slices.Equal(ended, want) {
			t.Errorf("ended in order %v, want %v", ended, want)
		}
		if took := time.Since(begun); took != 12*time.Second {
			t.Errorf("took %s, want 12s: one running, one for quick, ten for slow", took)
		}
	})
}

func TestInOrderFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		wait := func(ctx context.Context) error { <-ctx.Done(); return nil }
		all := inOrder("all", time.Second, slog.New(slog.DiscardHandler),
			stage{"first", wait},
			stage{"second", func(context.Context) error { time.Sleep(time.Second); return broken }},
			together("third", stage{"a", wait}, stage{"b", wait}))
		err := all.run(t.Context())
		if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "second: ") {
			t.Errorf("got %v, want the error of second, with its name", err)
		}
	})
}
