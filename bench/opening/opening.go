// Package opening measures the start of an event: many pages wait for it, hear of it, join and play, each as a page does.
package opening

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"freshet/bench/load"
)

// Jitter is how long a page waits at most, from when it hears of the start until it joins: any time up to this is as
// likely as any other, so that a second has all joins of an event.
const Jitter = time.Second

const (
	// readyWithin is how long a publisher may take until its stream is live, and pages until they all wait.
	readyWithin = 20 * time.Second
	// patience is how long after the start those who have no picture count as left out.
	patience = time.Minute

	// againWithin is how soon a page that was refused, or got nowhere, joins again, and twice as late each time up to
	// againMost; give or take.
	againWithin = 500 * time.Millisecond
	againMost   = 15 * time.Second
)

// Config says whose start is measured.
type Config struct {
	API     string // base of the API of a mesh that nobody has an account of yet: http://…/api/v1
	Viewers int    // 1 to load.MostViewers
	Log     *slog.Logger
}

// Goal is within which time of the start so many viewers are to have a picture.
func Goal(viewers int) time.Duration {
	if viewers <= 200 {
		return 3 * time.Second
	}
	return 8 * time.Second // 1,000
}

// A Spread says how times lie over viewers, in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// A Result is what came of a start. Times are since the call that started the event was made.
type Result struct {
	ID      string         `json:"id"`
	Viewers int            `json:"n"`
	Playing int            `json:"playing"` // have a picture
	LeftOut map[string]int `json:"left_out,omitempty"`
	Again   int            `json:"again"` // joins beyond the first of each
	Jitter  float64        `json:"jitter_ms"`
	Told    Spread         `json:"told_ms"`    // heard of the start
	Joined  Spread         `json:"joined_ms"`  // know the way
	Picture Spread         `json:"picture_ms"` // the first key frame is whole
	Goal    float64        `json:"goal_ms"`
	OK      bool           `json:"ok"`
}

// A waiter is one page. Its fields belong to the goroutine that joins until that has its way.
type waiter struct {
	told, joined time.Time
	again        int
}

// A rehearsal is one call of Run.
type rehearsal struct {
	cfg     Config
	of      *organizer
	slug    string
	waiting atomic.Int64
	all     []waiter
}

// Run founds an account, plans an event, publishes to it, has cfg.Viewers pages wait for it, and starts it.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	of, err := found(ctx, cfg.API)
	if err != nil {
		return nil, err
	}
	defer of.close()
	e, err := of.plan(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := load.NewRaw(load.RawConfig{
		URL: e.whip, Key: e.key, Rate: 25, KeyEvery: 50, KeyOnAsk: true, Audio: true,
		Layers: []load.RawLayer{{Packets: 2, KeyPackets: 8}}, // 0.4 Mbit/s
	}, cfg.Log)
	if err != nil {
		return nil, err
	}
	air, offAir := context.WithCancel(ctx)
	published := make(chan error, 1)
	go func() { published <- raw.Run(air) }()
	r := &rehearsal{cfg: cfg, of: of, slug: e.slug, all: make([]waiter, cfg.Viewers)}
	out, err := r.run(ctx, e)
	offAir()
	return out, errors.Join(err, <-published)
}

func (r *rehearsal) run(ctx context.Context, e event) (*Result, error) {
	if err := r.until(ctx, "the stream is live", func() (bool, error) { return r.of.live(ctx, e.stream) }); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		result *load.SwarmResult
		err    error
	}
	played := make(chan end, 1)
	go func() {
		result, err := load.Swarm(ctx, load.SwarmConfig{
			URL: e.whip, Viewers: r.cfg.Viewers, For: time.Millisecond, Settle: time.Millisecond, Way: r.way, Log: r.cfg.Log,
		})
		played <- end{result, err}
	}()
	err := r.until(ctx, "all wait", func() (bool, error) { return r.waiting.Load() == int64(r.cfg.Viewers), nil })
	var at time.Time
	if err == nil {
		at = time.Now()
		err = r.of.start(ctx, e)
	}
	if err != nil {
		cancel()
		return nil, errors.Join(err, (<-played).err)
	}
	late := time.AfterFunc(patience, cancel)
	defer late.Stop()
	p := <-played
	if p.err != nil {
		return nil, p.err
	}
	return r.sum(p.result, at), nil
}

// way has a page wait for the start, and join, again and again where that comes to nothing.
func (r *rehearsal) way(ctx context.Context, i, tries int) (url, token string, err error) {
	w := &r.all[i]
	if tries == 0 {
		if err := r.of.follow(ctx, r.slug, func() { r.waiting.Add(1) }); err != nil {
			return "", "", fmt.Errorf("wait: %w", err)
		}
		w.told = time.Now()
	}
	for {
		pause := rand.N(Jitter)
		if tries > 0 {
			w.again++
			most := min(againWithin<<min(w.again, 5), againMost)
			pause = most*6/10 + rand.N(most*4/10)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", "", errors.Join(ctx.Err(), err)
		}
		if url, token, err = r.of.join(ctx, r.slug); err == nil {
			w.joined = time.Now()
			return url, token, nil
		}
		tries++
	}
}

func (r *rehearsal) sum(played *load.SwarmResult, at time.Time) *Result {
	out := &Result{
		ID: "start", Viewers: r.cfg.Viewers, LeftOut: map[string]int{}, Jitter: ms(Jitter), Goal: ms(Goal(r.cfg.Viewers)),
	}
	var told, joined, picture []float64
	for i, v := range played.Viewers {
		out.Again += r.all[i].again
		if v.FirstPicture == 0 {
			out.LeftOut[strings.TrimSpace(string(v.End)+" "+v.Detail)]++
			continue
		}
		out.Playing++
		told = append(told, ms(r.all[i].told.Sub(at)))
		joined = append(joined, ms(r.all[i].joined.Sub(at)))
		due := played.Began.Add(time.Duration(v.Due * float64(time.Millisecond)))
		picture = append(picture, ms(due.Add(time.Duration(v.FirstPicture*float64(time.Millisecond))).Sub(at)))
	}
	out.Told, out.Joined, out.Picture = spread(told), spread(joined), spread(picture)
	out.OK = out.Playing == out.Viewers && out.Picture.Max <= out.Goal
	return out
}

// until waits for what ok says.
func (r *rehearsal) until(ctx context.Context, what string, ok func() (bool, error)) error {
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ok()
		if done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-late.C:
			return fmt.Errorf("%s: not within %v", what, readyWithin)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ms is d in milliseconds, to tenths.
func ms(d time.Duration) float64 { return math.Round(float64(d)/1e5) / 10 }

func spread(all []float64) Spread {
	if len(all) == 0 {
		return Spread{}
	}
	slices.Sort(all)
	at := func(share float64) float64 { return all[min(len(all)-1, int(share*float64(len(all))))] }
	return Spread{at(0.5), at(0.99), all[len(all)-1]}
}
