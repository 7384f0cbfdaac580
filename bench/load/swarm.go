package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Mode says how much of a viewer each viewer of a swarm is.
type Mode string

// The modes.
const (
	ModeFull     Mode = "full"     // a pion PeerConnection each
	ModeLean     Mode = "lean"     // ICE, DTLS, SRTP and RTCP by hand, a few loops for all
	ModeFiltered Mode = "filtered" // as lean, until media is dropped in the kernel after the first pictures
)

// leavesOut is what a viewer of each mode is not, for whoever reads the figures.
var leavesOut = map[Mode][]string{
	ModeFull: {"nothing is decoded to pixels: frames are put together and checked"},
	ModeLean: {
		"no PeerConnection: one candidate, no TURN, no ICE over TCP, one certificate for all",
		"no TWCC and no REMB: receiver reports, NACK and PLI are all that a server hears of loss",
		"frames are checked by numbers, markers and payload headers, and not put together",
	},
	ModeFiltered: {
		"no PeerConnection: one candidate, no TURN, no ICE over TCP, one certificate for all",
		"once the first pictures were whole the kernel drops RTP and RTCP at the viewer's socket: nothing is opened or checked from there on, loss, freezes and delay are not seen, no reports and no NACK are sent",
		"packets of the steady window are what the sockets' drop counters say",
	},
}

// The ways to offer SRTP protection.
const (
	SRTPGCM = "gcm" // AEAD_AES_128_GCM first, AES_CM_128_HMAC_SHA1_80 after it
	SRTPCM  = "cm"  // AES_CM_128_HMAC_SHA1_80 alone
)

// maxSlices bounds what a result holds of one run: some three days of seconds.
const maxSlices = 1 << 18

// MostViewers bounds a swarm: each viewer of one machine takes a port.
const MostViewers = 50_000

const (
	pictureTimeout = 10 * time.Second // from the connection to the first whole key frame
	settleTime     = 3 * time.Second  // from the last join to the steady window, where nothing else is asked for
)

// SwarmConfig says who watches what, how, and what must come out of it.
type SwarmConfig struct {
	URL     string        // of the WHEP endpoint, http or https
	Token   string        // sent as bearer; may be empty
	Viewers int           // 1 to MostViewers
	Ramp    float64       // viewers a second; 0: all at once
	For     time.Duration // length of the steady window, from when all have joined
	Settle  time.Duration // between the two: servers send newcomers the last group faster than live; 0: 3 s
	Mode    Mode          // empty: ModeLean
	SRTP    string        // empty: SRTPGCM

	Misbehave Mischief      // of all its viewers, ModeLean alone; empty: of none
	Slice     time.Duration // tell the delays of each such piece of the steady window by itself, ModeLean alone; 0: of none

	// Way, where set, is asked by each viewer where to play, with its number: it may wait with the answer. It is asked again
	// where that came to nothing, tries times so far, until it returns an error. ModeLean alone; URL is any of the answers.
	Way func(ctx context.Context, viewer, tries int) (url, token string, err error)

	PID int // of the server, whose processor time and memory are told; 0: of none

	WHIP, Key string // where to publish Raw's made-up packets meanwhile; empty: nowhere

	Bounds   SwarmBounds
	Progress func(SwarmProgress) // called each second, never twice at once; may be nil
	Log      *slog.Logger        // of the publisher; nil: none
}

// Validate says what is wrong with c.
func (c SwarmConfig) Validate() error {
	for _, a := range []struct{ name, text string }{{"WHEP", c.URL}, {"WHIP", c.WHIP}} {
		if a.name == "WHIP" && a.text == "" {
			continue
		}
		if u, err := url.Parse(a.text); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%s address: want http://… or https://…", a.name)
		}
	}
	switch {
	case c.Viewers < 1 || c.Viewers > MostViewers:
		return fmt.Errorf("viewers: want 1 to %d, not %d", MostViewers, c.Viewers)
	case !(c.Ramp >= 0 && c.Ramp <= 100_000): // NaN is neither
		return errors.New("ramp: want viewers a second, at most 100,000")
	case c.For <= 0:
		return errors.New("for: want a time to come")
	case c.Settle < 0:
		return errors.New("settle: want a time to come")
	case leavesOut[c.mode()] == nil:
		return fmt.Errorf("mode: want full, lean or filtered, not %q", c.Mode)
	case c.srtp() != SRTPGCM && c.srtp() != SRTPCM:
		return fmt.Errorf("srtp: want gcm or cm, not %q", c.SRTP)
	case !slices.Contains([]Mischief{"", MischiefDeaf, MischiefNACK, MischiefKeys}, c.Misbehave):
		return fmt.Errorf("misbehave: want deaf, nack or keys, not %q", c.Misbehave)
	case c.Slice < 0 || c.Slice > 0 && c.For/c.Slice > maxSlices:
		return fmt.Errorf("slice: want none, or %d at most in the steady window", maxSlices)
	case c.mode() != ModeLean && (c.Misbehave != "" || c.Slice != 0 || c.Way != nil):
		return errors.New("misbehave, slice and way: want lean mode")
	case c.PID < 0:
		return fmt.Errorf("pid: want a process, not %d", c.PID)
	}
	return nil
}

func (c SwarmConfig) mode() Mode {
	if c.Mode == "" {
		return ModeLean
	}
	return c.Mode
}

func (c SwarmConfig) srtp() string {
	if c.SRTP == "" {
		return SRTPGCM
	}
	return c.SRTP
}

func (c SwarmConfig) settle() time.Duration {
	if c.Settle == 0 {
		return settleTime
	}
	return c.Settle
}

// due is when the i-th viewer begins, from the first one's beginning. It follows from i alone: a viewer who
// joins slowly holds nobody up.
func (c SwarmConfig) due(i int) time.Duration {
	if c.Ramp == 0 {
		return 0
	}
	return time.Duration(float64(i) / c.Ramp * float64(time.Second))
}

// Swarm has cfg.Viewers play cfg.URL: it starts them by the clock, waits until each has a picture or has
// failed, watches for cfg.For, and has all leave. A viewer who fails is in the result and no error. Where
// ctx ends early the result says so and holds what was seen until then.
func Swarm(ctx context.Context, cfg SwarmConfig) (*SwarmResult, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	gather := newLean
	if cfg.mode() == ModeFull {
		gather = newFull
	}
	s := &swarm{cfg: cfg, gather: gather, seats: make([]seat, cfg.Viewers)}
	return s.run(ctx)
}

// A swarm is one call of Swarm, whose goroutine owns it.
type swarm struct {
	cfg    SwarmConfig
	gather func(SwarmConfig) (crowd, error)
	crowd  crowd
	seats  []seat
	counts swarmCounts
	phase  atomic.Value // string
	result SwarmResult
}

func (s *swarm) run(ctx context.Context) (*SwarmResult, error) {
	s.result.fill(s.cfg)
	s.phase.Store("publishing")
	if _, err := readUse(s.cfg.PID); err != nil {
		return nil, err // at once, and not after the run
	}
	watch, err := s.publish(ctx)
	if err != nil {
		return nil, err
	}
	before, err := readUse(s.cfg.PID)
	if err == nil {
		s.crowd, err = s.gather(s.cfg)
	}
	if err != nil {
		return nil, errors.Join(err, watch.stop())
	}
	stopProgress := s.progress()
	// The crowd outlives ctx: those who are there when it ends leave in order.
	here, stop := context.WithCancel(context.WithoutCancel(ctx))
	crowd := make(chan error, 1)
	go func() { crowd <- s.crowd.run(here) }()

	s.watch(watch.ctx, before)
	s.phase.Store("leaving")
	s.crowd.leave()
	stop()
	err = errors.Join(<-crowd, watch.stop())
	stopProgress()
	s.result.sum(s.seats, s.crowd.delays())
	s.result.judge(s.cfg.Bounds)
	return &s.result, err
}

// watch is the ramp and the steady window.
func (s *swarm) watch(ctx context.Context, before use) {
	s.phase.Store("joining")
	s.ramp(ctx)
	s.phase.Store("settling")
	if s.counts.joined.Load() == 0 || !pause(ctx, s.cfg.settle()) {
		s.result.Stopped = ctx.Err() != nil
		return
	}
	s.phase.Store("watching")
	from, errFrom := readUse(s.cfg.PID)
	s.crowd.begin()
	s.result.Stopped = !s.steady(ctx)
	s.crowd.end()
	to, errTo := readUse(s.cfg.PID)
	s.result.used(before, from, to)
	if errFrom != nil || errTo != nil { // it was there before: it has ended since
		s.result.Server = nil
		s.result.ServerGone = true
	}
}

// steady lets the steady window pass, and tells it in pieces where it is asked to. It returns false where ctx ended
// first; a piece that was not whole then is not told by itself.
func (s *swarm) steady(ctx context.Context) bool {
	c, ok := s.crowd.(cutter)
	if !ok || s.cfg.Slice == 0 {
		return pause(ctx, s.cfg.For)
	}
	begun := time.Now()
	end := begun.Add(s.cfg.For)
	for from := begun; ; {
		due := begun.Add(time.Duration(len(s.result.Slices)+1) * s.cfg.Slice)
		if due.After(end) {
			return pause(ctx, time.Until(end))
		}
		if !pause(ctx, time.Until(due)) {
			return false
		}
		delays := c.cut()
		now := time.Now()
		s.result.Slices = append(s.result.Slices, Slice{From: from, To: now, Delay: delays.spread()})
		from = now
	}
}

// ramp starts each viewer when it is due, whatever became of those before, and returns when each has joined
// or failed.
func (s *swarm) ramp(ctx context.Context) {
	var joins sync.WaitGroup
	begun := time.Now()
	s.result.Began = begun
	for i := range s.seats {
		v := &s.seats[i]
		v.counts, v.due = &s.counts, begun.Add(s.cfg.due(i))
		v.record.Viewer, v.record.Due, v.record.End = i, milliseconds(s.cfg.due(i)), EndNotStarted
	}
	for i := range s.seats {
		v := &s.seats[i]
		if !pause(ctx, time.Until(v.due)) {
			break
		}
		v.record.Late = v.since(time.Now())
		s.counts.started.Add(1)
		joins.Go(func() {
			if s.crowd.join(ctx, v) {
				s.counts.joined.Add(1)
			} else {
				s.counts.failed.Add(1)
			}
		})
	}
	joins.Wait()
	s.result.RampSeconds = time.Since(begun).Seconds()
}

// pause waits for d. It returns false where ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A publishing is the publisher of a swarm, where it has one.
type publishing struct {
	ctx  context.Context // ends with the caller's, or when the publisher was lost
	stop func() error    // returns why it was lost, nil where it was not
}

// publish starts the publisher that cfg asks for and returns when it is on the air.
func (s *swarm) publish(ctx context.Context) (publishing, error) {
	if s.cfg.WHIP == "" {
		return publishing{ctx: ctx, stop: func() error { return nil }}, nil
	}
	raw, err := NewRaw(RawConfig{URL: s.cfg.WHIP, Key: s.cfg.Key, Audio: true, KeyOnAsk: true}, s.cfg.Log)
	if err != nil {
		return publishing{}, err
	}
	air, offAir := context.WithCancel(context.WithoutCancel(ctx)) // it stays until the last viewer has left
	watch, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		done <- raw.Run(air)
	}()
	stop := func() error {
		offAir()
		if err := <-done; err != nil {
			return fmt.Errorf("publish to %s: %w", s.cfg.WHIP, err)
		}
		return nil
	}
	select {
	case <-raw.Connected():
		return publishing{ctx: watch, stop: stop}, nil
	case <-watch.Done():
		if err := stop(); err != nil {
			return publishing{}, err
		}
		return publishing{}, ctx.Err()
	}
}

// progress tells of s each second until stop is called, which waits for it.
func (s *swarm) progress() (stop func()) {
	if s.cfg.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var one sync.WaitGroup
	one.Go(func() {
		var last SwarmProgress
		begun := time.Now()
		for pause(ctx, time.Second) {
			now := SwarmProgress{
				Phase: s.phase.Load().(string), Elapsed: time.Since(begun), Viewers: s.cfg.Viewers,
				Started: s.counts.started.Load(), Joined: s.counts.joined.Load(), Failed: s.counts.failed.Load(),
				Ended: s.counts.ended.Load(), packets: s.counts.packets.Load(), bytes: s.counts.bytes.Load(),
			}
			if took := (now.Elapsed - last.Elapsed).Seconds(); took > 0 {
				now.PacketRate = float64(now.packets-last.packets) / took
				now.Bitrate = float64(now.bytes-last.bytes) * 8 / took
			}
			last = now
			s.cfg.Progress(now)
		}
	})
	return func() { cancel(); one.Wait() }
}
