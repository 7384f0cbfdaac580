package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/pion/webrtc/v3"
	"golang.org/x/sync/errgroup"
)

// PublishConfig says what goes where.
type PublishConfig struct {
	URL string // of the WHIP endpoint, http or https
	Key string // sent as bearer; may be empty

	// Input is a file, "-" for standard input, or empty for the sample, which always loops. IVF (VP8, VP9, AV1),
	// Ogg (Opus), WebM and H.264 Annex B are read directly; what else ffmpeg can read goes through it.
	Input string
	Audio string // a second file for the track that Input lacks; may be empty

	Loop      bool          // begin again at the end; standard input cannot
	For       time.Duration // stop after this long on the air; 0: at the end of the input
	Reconnect bool          // after a lost connection or a server that is not there (yet), try again for ever
	Backup    bool          // the second publisher of a stream: control sends it to the standby
	Rate      float64       // frames a second of H.264 Annex B; 0: what the stream says, else 30

	FFmpeg string   // the program; empty: ffmpeg of the PATH
	Stdin  *os.File // what "-" means; nil: standard input. It is closed

	// Report, where set, is called each second on the air, and once at the end, by the publishing goroutine.
	Report func(PublishReport)

	patience *patience
}

// Validate says what cannot work, before anything is opened.
func (c PublishConfig) Validate() error {
	switch {
	case c.URL == "":
		return errors.New("no WHIP address")
	case (c.Loop || c.Reconnect) && (c.Input == "-" || c.Audio == "-"):
		return errors.New("standard input cannot be begun again: neither loop nor reconnect")
	case c.Input == "-" && c.Audio == "-":
		return errors.New("standard input cannot be both picture and sound")
	case c.Rate < 0 || c.Rate > 240:
		return errors.New("rate: want 1 to 240 frames a second")
	}
	return nil
}

// PublishReport says how publishing goes. Counts are since the session began.
type PublishReport struct {
	Elapsed     time.Duration // since the session began
	Codecs      []string
	Frames      int
	Packets     int
	Bytes       int           // of RTP payload
	Late        time.Duration // how far the newest frame was behind its time
	KeyRequests int64         // PLI and FIR received
	Nacked      int64         // packets the server asked for again
	RTT         time.Duration // by the server's newest receiver report; 0 while there is none
	Final       bool
}

// How long to wait between two tries, and after which time on the air a try counts as a success.
const (
	retryFirst  = 300 * time.Millisecond
	retryMost   = 5 * time.Second
	retrySettle = 10 * time.Second
	// A publisher that is told to come back notices faster that its server is gone.
	lostReconnect = 500 * time.Millisecond
)

// Publish sends what cfg says until the input ends, ctx ends or cfg.For is over, which all return nil. Other
// errors: a *StatusError where the server refused, ErrNeverConnected, ErrLost, or what is wrong with the input.
func Publish(ctx context.Context, cfg PublishConfig, log *slog.Logger) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	outer := ctx
	if cfg.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.For+connectTimeout)
		defer cancel()
	}
	cfg.patience = &patience{}
	wait := retryFirst
	var t try
	for {
		begun := time.Now()
		err := publishOn(ctx, cfg, t, log)
		if err == nil || outer.Err() != nil {
			return nil
		}
		if !cfg.Reconnect || !worthRetrying(err) {
			return err
		}
		if time.Since(begun) > retrySettle {
			wait = retryFirst
		}
		if next, ok := t.next(err); ok {
			log.Warn("publishing was interrupted", "err", err)
			t = next
			continue
		}
		t = try{}
		pause := wait/2 + rand.N(wait)
		var refused *StatusError
		if errors.As(err, &refused) {
			pause = max(pause, refused.RetryAfter)
		}
		log.Warn("publishing was interrupted", "err", err, "retry", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		wait = min(2*wait, retryMost)
	}
}

// An inputError is the input's fault.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// publishOnce is one session, which says to turn how it fares.
func publishOnce(ctx context.Context, cfg PublishConfig, t try, turn *turn, log *slog.Logger) error {
	src, err := openLooped(ctx, cfg)
	if err != nil {
		return &inputError{err}
	}
	defer func() { _ = src.close() }() // only read from

	var codecs []webrtc.RTPCodecParameters
	for i, t := range src.tracks() {
		codecs = append(codecs, parameters(t.codec, uint8(96+i)))
	}
	lost := lostAfter
	if cfg.Reconnect {
		lost = lostReconnect
	}
	pc, err := newPeer(codecs, lost)
	if err != nil {
		return err
	}
	p := &publisher{log: log, src: src, report: cfg.Report, limit: cfg.For}
	for _, t := range src.tracks() {
		s, err := newSender(pc, t)
		if err != nil {
			_ = pc.Close() // nothing was sent
			return err
		}
		p.senders = append(p.senders, s)
		p.state.Codecs = append(p.state.Codecs, t.codec.Name)
	}
	s, err := openWithin(ctx, cfg.patience.with(t), pc, t.address(cfg.URL, cfg.Backup), cfg.Key)
	if err != nil {
		return err
	}
	cfg.patience.answered(s.answered)
	log.Info("on the air", "codecs", p.state.Codecs)
	var g errgroup.Group
	for _, sender := range p.senders {
		sender.agreed()
		g.Go(func() error {
			readFeedback(func(b []byte) (int, error) {
				n, _, err := sender.rtp.Read(b)
				return n, err
			}, sender.asked)
			return nil
		})
	}
	asking, stopAsking := context.WithCancel(ctx)
	if cfg.Reconnect {
		g.Go(func() error {
			if s.http.moves(asking) {
				close(turn.moved)
			}
			return nil
		})
	}
	close(turn.stands)
	err = p.run(ctx, s.lost)
	stopAsking()
	if errors.Is(err, ErrLost) {
		s.http.leave() // nobody is there to be told, and the next session must not wait
	}
	s.close()
	_ = g.Wait() // readers end with the connection, without errors
	return err
}

func openLooped(ctx context.Context, cfg PublishConfig) (source, error) {
	open := func() (source, error) { return openAll(ctx, cfg) }
	if cfg.Loop || (cfg.Input == "" && cfg.Audio == "") {
		return newLoop(open)
	}
	return open()
}

// A publisher paces the frames of a source. It belongs to the goroutine that runs it.
type publisher struct {
	log     *slog.Logger
	src     source
	senders []*sender
	report  func(PublishReport)
	limit   time.Duration
	state   PublishReport
}

// A source further behind than maxLate is not hurried after: the clock is set back instead. That is what
// a machine that slept needs, or a pipe that is slower than life.
const maxLate = 500 * time.Millisecond

func (p *publisher) run(ctx context.Context, lost <-chan struct{}) error {
	begun := time.Now()
	zero := begun // when the source's time 0 is
	timer := time.NewTimer(0)
	defer timer.Stop()
	defer func() { p.tell(time.Since(begun), true) }()
	nextReport := begun.Add(time.Second)
	for first := true; ; first = false {
		f, err := p.src.next()
		if ctx.Err() != nil || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &inputError{fmt.Errorf("read the input: %w", err)}
		}
		if first {
			// Whatever a recording begins with is due at once.
			zero = time.Now().Add(-f.at)
		}
		due := zero.Add(f.at)
		if p.limit > 0 && due.Sub(begun) > p.limit {
			return nil
		}
		if late := time.Since(due); late > maxLate {
			p.log.Warn("the input is slower than its own clock", "late", late)
			zero, due = zero.Add(late), due.Add(late)
		}
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-lost:
			return ErrLost
		case <-ctx.Done():
			return nil
		}
		p.state.Late = time.Since(due)
		packets, bytes, err := p.senders[f.track].send(f, due)
		if err != nil {
			return fmt.Errorf("send: %w", err)
		}
		p.state.Frames++
		p.state.Packets += packets
		p.state.Bytes += bytes
		if now := time.Now(); now.After(nextReport) {
			p.tell(now.Sub(begun), false)
			nextReport = nextReport.Add(time.Second)
		}
	}
}

func (p *publisher) tell(elapsed time.Duration, final bool) {
	if p.report == nil {
		return
	}
	r := p.state
	r.Elapsed, r.Final = elapsed, final
	for _, s := range p.senders {
		r.KeyRequests += s.asked.pli.Load() + s.asked.fir.Load()
		r.Nacked += s.asked.lost.Load()
		r.RTT = max(r.RTT, time.Duration(s.asked.rtt.Load()))
	}
	p.report(r)
}
