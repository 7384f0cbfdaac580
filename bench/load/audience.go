package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"freshet/bench/report"
	"freshet/cluster/stream"
)

// MostFollowers is how many viewers an audience may have: each is a complete WebRTC client, some 100 a core.
const MostFollowers = 5000

const (
	audienceRamp = 20                     // viewers that come in a second
	darkAfter    = 500 * time.Millisecond // without a frame, a viewer sees nothing
)

// AudienceConfig says what an audience watches, and for how long.
type AudienceConfig struct {
	Follow   FollowConfig // of each viewer
	Viewers  int
	For      time.Duration // once all have been told to come
	Progress func(AudienceProgress)
	Log      *slog.Logger
}

// Validate says what cannot work, before anybody comes.
func (c AudienceConfig) Validate() error {
	switch {
	case c.Viewers < 1 || c.Viewers > MostFollowers:
		return fmt.Errorf("viewers: want 1 to %d, not %d", MostFollowers, c.Viewers)
	case c.For <= 0:
		return fmt.Errorf("for: want a time to watch, not %v", c.For)
	case len(c.Follow.API) == 0 || c.Follow.Slug == "":
		return errors.New("no event to watch")
	}
	return nil
}

// AudienceProgress says how it goes, once a second: the result as it would be now, but for who failed or ended.
type AudienceProgress struct {
	Elapsed time.Duration
	*AudienceResult
}

func (p AudienceProgress) String() string {
	return fmt.Sprintf("%4.0f s  %d of %d viewers have seen a picture, %d see none now; %d moves; longest without a frame %.0f ms",
		p.Elapsed.Seconds(), p.Seen, p.Viewers, p.Dark, p.Moves, p.Without.Max)
}

// An AudienceResult is how an audience fared. Without is, of each viewer who saw anything, the longest time without a new
// frame of the picture, in ms.
type AudienceResult struct {
	Viewers int          `json:"viewers"`
	Seen    int          `json:"seen"`   // had a picture
	Dark    int          `json:"dark"`   // had none at the end, though they had one before
	Moved   int          `json:"moved"`  // viewers who went to another edge
	Moves   int          `json:"moves"`  // of all of them
	Failed  int          `json:"failed"` // edges that were tried, and showed nothing
	Ended   int          `json:"ended"`  // who gave up before their time
	Without AudienceGaps `json:"without_ms"`
	Load    report.Load  `json:"machine"`
	Void    bool         `json:"void"` // others kept the machine busy
}

// AudienceGaps are times in ms.
type AudienceGaps struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// WriteText writes r for people.
func (r *AudienceResult) WriteText(w io.Writer) error {
	void := ""
	if r.Void {
		void = "VOID: others kept the machine busy\n"
	}
	_, err := fmt.Fprintf(w, `%d viewers, %d saw a picture, %d see none now, %d gave up
%d went to another edge, %d times in all; %d edges were tried in vain
longest time of each without a new frame: median %.0f, p95 %.0f, p99 %.0f, longest %.0f ms
%s
%s`, r.Viewers, r.Seen, r.Dark, r.Ended, r.Moved, r.Moves, r.Failed, r.Without.P50, r.Without.P95, r.Without.P99, r.Without.Max, r.Load, void)
	return err
}

// A spectator is one viewer of an audience.
type spectator struct {
	Arrivals
	mu    sync.Mutex
	since time.Time // of the first picture
	edges int       // that showed one

	// Of who watches the audience.
	looked  time.Time
	longest time.Duration // without a frame, up to then
}

func (s *spectator) now(string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.edges++; s.since.IsZero() {
		s.since = time.Now()
	}
}

// look notes what s has seen since the last look, and returns whether it sees nothing now, and how many edges showed it a
// picture: 0 where none has. Arrivals are not kept for ever, so it is to be called now and then.
func (s *spectator) look(now time.Time) (dark bool, edges int) {
	s.mu.Lock()
	since, edges := s.since, s.edges
	s.mu.Unlock()
	if edges == 0 {
		return false, 0
	}
	if s.looked.After(since) {
		since = s.looked
	}
	gap, _, _ := s.Longest(stream.Video, since, now)
	open, _, _ := s.Longest(stream.Video, now, now)
	s.looked, s.longest = now, max(s.longest, gap)
	return open >= darkAfter, edges
}

// Audience has viewers follow an event as the player of the pages does, and tells how long each was without new frames:
// through whatever happens to edges meanwhile. When ctx ends they leave, and the result is told all the same.
func Audience(ctx context.Context, cfg AudienceConfig) (*AudienceResult, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	before := report.ReadCounters()
	watching, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	all := make([]*spectator, cfg.Viewers)
	done := make([]Followed, cfg.Viewers)
	var here sync.WaitGroup
	begun := time.Now()
	for i := range all {
		all[i] = &spectator{}
		here.Go(func() {
			if !pause(ctx, time.Duration(i)*time.Second/audienceRamp) {
				return
			}
			follow := cfg.Follow
			follow.Arrivals = &all[i].Arrivals
			done[i] = Follow(watching, follow, all[i].now, cfg.Log)
		})
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	over := time.After(time.Duration(cfg.Viewers)*time.Second/audienceRamp + cfg.For)
	for going := true; going; {
		select {
		case now := <-tick.C:
			if p := result(all, now); cfg.Progress != nil {
				cfg.Progress(AudienceProgress{now.Sub(begun), p})
			}
		case <-over:
			going = false
		case <-ctx.Done():
			going = false
		}
	}
	r := result(all, time.Now())
	leave()
	here.Wait()
	for _, d := range done {
		r.Failed += d.Failed
		if d.Err != nil {
			r.Ended++
		}
	}
	r.Load = report.ReadCounters().Since(before)
	r.Void = r.Load.Starved()
	return r, nil
}

// result is what all have seen up to now.
func result(all []*spectator, now time.Time) *AudienceResult {
	r := &AudienceResult{Viewers: len(all)}
	var without []float64
	for _, s := range all {
		dark, edges := s.look(now)
		if edges == 0 {
			continue
		}
		without = append(without, float64(s.longest.Microseconds())/1000)
		r.Moves += edges - 1
		if edges > 1 {
			r.Moved++
		}
		if dark {
			r.Dark++
		}
	}
	r.Seen = len(without)
	if r.Seen > 0 {
		slices.Sort(without)
		at := func(q float64) float64 { return report.Quantile(without, q) }
		r.Without = AudienceGaps{at(.5), at(.95), at(.99), at(1)}
	}
	return r
}
