package load

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowCrowd joins in its own time: the n-th viewer takes n seconds, and the fourth fails.
type slowCrowd struct {
	mu      sync.Mutex
	started map[int]time.Time
}

func (c *slowCrowd) gather(SwarmConfig) (crowd, error) { return c, nil }

func (c *slowCrowd) run(ctx context.Context) error { <-ctx.Done(); return nil }
func (c *slowCrowd) begin()                        {}
func (c *slowCrowd) end()                          {}
func (c *slowCrowd) leave()                        {}
func (c *slowCrowd) delays() *histogram            { return &histogram{} }

func (c *slowCrowd) join(ctx context.Context, s *seat) bool {
	c.mu.Lock()
	c.started[s.record.Viewer] = time.Now()
	c.mu.Unlock()
	if !pause(ctx, time.Duration(s.record.Viewer)*time.Second) || s.record.Viewer == 3 {
		s.record.fail(ctx, &joinError{EndICE, ErrNeverConnected})
		return false
	}
	s.record.End, s.record.FirstPicture = EndStopped, 1+s.since(time.Now())
	return true
}

// Viewers start when they are due, however long those before them take, and the steady window waits for all.
func TestRampKeepsToTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowCrowd{started: map[int]time.Time{}}
		cfg := SwarmConfig{URL: "http://h/whep", Viewers: 8, Ramp: 40, For: 5 * time.Second}
		s := &swarm{cfg: cfg, gather: c.gather, seats: make([]seat, cfg.Viewers)}
		begun := time.Now()
		r, err := s.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range cfg.Viewers {
			if got, want := c.started[i].Sub(begun), time.Duration(i)*25*time.Millisecond; got != want {
				t.Errorf("viewer %d started after %v, want %v", i, got, want)
			}
		}
		if got, want := time.Since(begun), 7*25*time.Millisecond+7*time.Second+settleTime+cfg.For; got != want {
			t.Errorf("took %v, want %v", got, want)
		}
		if r.Joined != 7 || r.Failed != 1 || r.Failures[EndICE] != 1 || r.Stopped || r.SteadySeconds != 5 || len(r.Viewers) != 8 {
			t.Errorf("got joined %d, failed %v, stopped %v, steady %v s", r.Joined, r.Failures, r.Stopped, r.SteadySeconds)
		}
	})
}

func TestSwarmThatIsStoppedStillTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &slowCrowd{started: map[int]time.Time{}}
		s := &swarm{cfg: SwarmConfig{URL: "http://h/whep", Viewers: 9, Ramp: 1, For: time.Minute}, gather: c.gather, seats: make([]seat, 9)}
		ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
		defer cancel()
		r, err := s.run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ends := map[End]int{}
		for _, v := range r.Viewers {
			ends[v.End]++
		}
		// 0, 1 and 2 had joined; 3 and 4 were joining; 5 to 8 were not due.
		if !r.Stopped || r.Joined != 3 || r.Failed != 0 || ends[EndStopped] != 5 || ends[EndNotStarted] != 4 {
			t.Errorf("stopped %v, joined %d, failed %d, ends %v", r.Stopped, r.Joined, r.Failed, ends)
		}
	})
}

// cutCrowd has one delay more in each piece than in the one before.
type cutCrowd struct {
	slowCrowd
	cuts int
}

func (c *cutCrowd) cut() *histogram {
	c.cuts++
	h := &histogram{}
	for i := range c.cuts {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	return h
}

// The steady window is told in pieces that follow on each other; what is left at its end, or when it is ended, is not
// told by itself.
func TestSteadyWindowInPieces(t *testing.T) {
	for _, row := range []struct {
		name    string
		stopped time.Duration // of the window; 0: not
		want    int
	}{{"whole", 0, 3}, {"stopped", 2500 * time.Millisecond, 2}} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cutCrowd{slowCrowd: slowCrowd{started: map[int]time.Time{}}}
				cfg := SwarmConfig{URL: "http://h/whep", Viewers: 1, For: 3500 * time.Millisecond, Settle: time.Second, Slice: time.Second}
				s := &swarm{cfg: cfg, gather: func(SwarmConfig) (crowd, error) { return c, nil }, seats: make([]seat, 1)}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if row.stopped > 0 {
					stop := time.AfterFunc(cfg.Settle+row.stopped, cancel)
					defer stop.Stop()
				}
				begun := time.Now().Add(cfg.Settle)
				r, err := s.run(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Slices) != row.want || r.Stopped != (row.stopped > 0) {
					t.Fatalf("%d pieces, stopped %v; want %d", len(r.Slices), r.Stopped, row.want)
				}
				for i, got := range r.Slices {
					from := begun.Add(time.Duration(i) * time.Second)
					if !got.From.Equal(from) || got.To.Sub(got.From) != time.Second || got.Delay.N != i+1 || got.Delay.Max != float64(i+1) {
						t.Errorf("piece %d: %v for %v, %+v", i, got.From.Sub(begun), got.To.Sub(got.From), got.Delay)
					}
				}
			})
		})
	}
}

func TestSwarmConfig(t *testing.T) {
	good := SwarmConfig{URL: "https://h/whep/s", Viewers: 1, For: time.Second}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		with func(*SwarmConfig)
	}{
		{"WHEP address", func(c *SwarmConfig) { c.URL = "h/whep" }},
		{"WHEP address", func(c *SwarmConfig) { c.URL = "ftp://h/whep" }},
		{"WHIP address", func(c *SwarmConfig) { c.WHIP = "nowhere" }},
		{"viewers", func(c *SwarmConfig) { c.Viewers = 0 }},
		{"viewers", func(c *SwarmConfig) { c.Viewers = MostViewers + 1 }},
		{"ramp", func(c *SwarmConfig) { c.Ramp = -1 }},
		{"ramp", func(c *SwarmConfig) { c.Ramp = math.NaN() }},
		{"for", func(c *SwarmConfig) { c.For = 0 }},
		{"settle", func(c *SwarmConfig) { c.Settle = -1 }},
		{"mode", func(c *SwarmConfig) { c.Mode = "fat" }},
		{"srtp", func(c *SwarmConfig) { c.SRTP = "none" }},
		{"pid", func(c *SwarmConfig) { c.PID = -2 }},
		{"misbehave", func(c *SwarmConfig) { c.Misbehave = "rude" }},
		{"misbehave", func(c *SwarmConfig) { c.Misbehave, c.Mode = MischiefDeaf, ModeFull }},
		{"misbehave", func(c *SwarmConfig) { c.Slice, c.Mode = time.Second, ModeFiltered }},
		{"slice", func(c *SwarmConfig) { c.Slice = -1 }},
		{"slice", func(c *SwarmConfig) { c.Slice = c.For / (maxSlices + 1) }},
	} {
		bad := good
		c.with(&bad)
		if err := bad.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s: …", err, c.want)
		}
	}
}

func TestBoundsSayWhatBroke(t *testing.T) {
	limit := func(d time.Duration) *time.Duration { return &d }
	count := func(n int64) *int64 { return &n }
	cores := 1.5
	all := SwarmBounds{P99Join: limit(800 * time.Millisecond), P99Delay: limit(time.Second), Lost: count(0), Freezes: count(2), Failed: count(0), Cores: &cores}
	r := SwarmResult{
		Mode: ModeLean, Joined: 5, Failed: 1, Lost: 3, Freezes: 2, FirstPicture: Spread{N: 5, P99: 799}, Server: &ServerUse{Cores: 1.4},
	}
	r.judge(all)
	got := map[string]bool{}
	for _, b := range r.Bounds {
		got[b.Name] = b.OK
	}
	want := map[string]bool{"max-p99-join": true, "max-p99-delay": false, "max-lost": false, "max-freezes": true, "max-failed": false, "max-cores": true}
	for name, ok := range want {
		if have, there := got[name]; !there || have != ok {
			t.Errorf("%s: got %v (%v), want %v", name, have, there, ok)
		}
	}
	err := r.Broken()
	if err == nil {
		t.Fatal("three bounds are broken, and there is no error")
	}
	for _, part := range []string{"max-lost 0 packets: 3", "max-failed 0 viewers: 1", "max-p99-delay 1000 ms: nothing to measure it by"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	// Nobody who joined, or whose packets the kernel dropped unseen, proves that nothing was lost.
	for _, r := range []SwarmResult{{Mode: ModeLean}, {Mode: ModeFiltered, Joined: 5}} {
		if r.judge(SwarmBounds{Lost: count(0)}); r.Broken() == nil {
			t.Errorf("%s, %d joined: no packet was seen to be lost, and that passes for none", r.Mode, r.Joined)
		}
	}
	if r.Bounds = nil; r.Broken() != nil {
		t.Error("no bounds, and one is broken")
	}
}

func TestSpread(t *testing.T) {
	var all []float64
	for i := range 200 {
		all = append(all, float64(200-i))
	}
	if got, want := spread(all), (Spread{N: 200, P50: 100, P95: 190, P99: 198, Max: 200}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := spread([]float64{7}), (Spread{N: 1, P50: 7, P95: 7, P99: 7, Max: 7}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := spread(nil); got != (Spread{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestRefusals(t *testing.T) {
	var r ViewerRecord
	r.fail(t.Context(), refusal(&StatusError{Method: "POST", URL: "u", Status: 503}))
	if r.End != EndRefused || !strings.Contains(r.Detail, "503") {
		t.Errorf("got %q, %q", r.End, r.Detail)
	}
	if r.fail(t.Context(), refusal(errors.New("an answer\x1b[2J"))); r.End != EndAnswer || strings.Contains(r.Detail, "\x1b") {
		t.Errorf("got %q, %q", r.End, r.Detail)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if r = (ViewerRecord{}); true {
		r.fail(stopped, context.Canceled)
	}
	if r.End != EndStopped || r.Detail != "" {
		t.Errorf("told to stop: got %q, %q", r.End, r.Detail)
	}
}

func TestProcStatus(t *testing.T) {
	rss, threads := parseStatus("Name:\tfreshet\nVmRSS:\t   2048 kB\nThreads:\t12\nVmRSSx:\t9 kB\n")
	if rss != 2<<20 || threads != 12 {
		t.Errorf("got %d bytes, %d threads", rss, threads)
	}
	if _, err := readUse(1 << 30); err == nil {
		t.Error("a process that is not there has used something")
	}
}
