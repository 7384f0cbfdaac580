package load

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"freshet/cluster/stream"
)

// PlayConfig says what to play and where to put it.
type PlayConfig struct {
	URL    string // of the WHEP endpoint, http or https
	Token  string // sent as bearer; may be empty
	Output string // file that frames are written to, its kind by the ending; empty: none

	For     time.Duration // stop after this long; 0: when the stream or the context ends
	NoAudio bool          // offer no audio
	NoVideo bool          // offer no video
	Stats   bool          // ask the server each second how the stream comes to it; see Report.Path
	Codecs  []string      // video codecs to offer, as SDP has them, in this order; empty: H264, VP8, VP9, AV1

	// Layer, where set, asks for each rid that comes out of it to be shown, and with an empty one lets the server
	// choose again. It is Freshet's and others' layer extension of WHEP; a refusal is logged.
	Layer <-chan string

	// Packet, where set, sees each packet as it arrives, in the order of arrival, from one goroutine a track.
	// It must not keep p.
	Packet func(kind, codec string, p *rtp.Packet, at time.Time)

	// Arrivals, where set, keep when whole frames came, for who wants to know of a gap at a certain time.
	Arrivals *Arrivals

	Picture func() // called once, when the first key frame is whole; it must not wait; may be nil

	Quiet time.Duration // give up with ErrQuiet after this long without any packet, from the connection on; 0: never
}

// Play plays cfg.URL until the stream ends, ctx ends or cfg.For is over, which all return nil. report, where
// not nil, is called each second and once more with the final report, never from two goroutines at once.
// Errors: a *StatusError where the server refused, ErrNeverConnected, ErrLost, ErrQuiet, or a file that cannot be
// written.
func Play(ctx context.Context, cfg PlayConfig, report func(Report), log *slog.Logger) error {
	if cfg.URL == "" {
		return errors.New("no WHEP address")
	}
	codecs, err := offered(cfg)
	if err != nil {
		return err
	}
	p := &player{cfg: cfg, clicked: time.Now(), bye: newGoodbye(), failed: make(chan error, 1)}
	if cfg.Output != "" {
		if p.sink, err = newSink(cfg.Output, !cfg.NoVideo, !cfg.NoAudio); err != nil {
			return err
		}
	}
	err = p.run(ctx, codecs, report, log)
	if p.sink != nil {
		err = errors.Join(err, p.sink.close())
	}
	return err
}

// A player is one Play. mu holds everything below it together: one goroutine a track adds, Play's own reports.
type player struct {
	cfg     PlayConfig
	clicked time.Time
	bye     *goodbye
	failed  chan error // why the sink gave up

	mu        sync.Mutex
	readers   sync.WaitGroup // of tracks and their RTCP; Add under mu, while not stopped
	stopped   bool
	meters    []*meter
	sink      sink
	waitKey   map[*meter]bool // video that must not be written before its next key frame
	connected time.Duration
	picture   time.Duration // from the click to the first whole key frame
	path      *Path         // as the server said last
}

func (p *player) run(ctx context.Context, codecs []webrtc.RTPCodecParameters, report func(Report), log *slog.Logger) error {
	if p.cfg.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.cfg.For)
		defer cancel()
	}
	pc, err := newPeer(codecs, lostAfter)
	if err != nil {
		return err
	}
	p.waitKey = map[*meter]bool{}
	pc.OnTrack(p.track)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		if (kind == webrtc.RTPCodecTypeVideo && p.cfg.NoVideo) || (kind == webrtc.RTPCodecTypeAudio && p.cfg.NoAudio) {
			continue
		}
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			_ = pc.Close() // nothing has begun
			return err
		}
	}
	s, err := open(ctx, pc, p.cfg.URL, p.cfg.Token)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	p.mu.Lock()
	p.connected = time.Since(p.clicked)
	p.mu.Unlock()
	p.bye.hear(time.Now())
	log.Info("playing", "took", p.connected)

	asking, stopAsking := context.WithCancel(ctx)
	if p.cfg.Layer != nil {
		p.readers.Go(func() { p.choose(asking, s.http, log) })
	}
	if p.cfg.Stats {
		p.readers.Go(func() { p.askPath(asking, s.http, log) })
	}
	end, err := p.wait(ctx, s, report)
	stopAsking()
	p.mu.Lock()
	p.stopped = true // OnTrack adds no reader from here on
	p.mu.Unlock()
	if errors.Is(err, ErrQuiet) || errors.Is(err, ErrLost) {
		s.http = nil // it would not answer
	}
	s.close()
	p.readers.Wait()
	if report != nil {
		report(p.report(end))
	}
	return err
}

// choose asks for the layers that cfg.Layer names until ctx ends.
func (p *player) choose(ctx context.Context, x *exchange, log *slog.Logger) {
	for {
		select {
		case rid, ok := <-p.cfg.Layer:
			if !ok {
				return
			}
			if err := x.choose(ctx, rid); err != nil && ctx.Err() == nil {
				log.Warn("layer not chosen", "rid", rid, "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// askPath keeps what the server says of the path until ctx ends. Where it says nothing that is logged once.
func (p *player) askPath(ctx context.Context, x *exchange, log *slog.Logger) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	said := false
	for {
		path, err := x.path(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !said {
			said = true
			log.Warn("no statistics of the path", "err", err)
		}
		if errors.Is(err, errNoStats) {
			return
		}
		p.mu.Lock()
		p.path = path // nil after an error: what is old is no figure of now
		p.mu.Unlock()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// wait reports each second until something ends the session, and says what.
func (p *player) wait(ctx context.Context, s *session, report func(Report)) (end string, err error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var listen <-chan time.Time
	if p.cfg.Quiet > 0 {
		often := time.NewTicker(max(p.cfg.Quiet/16, time.Millisecond))
		defer often.Stop()
		listen = often.C
	}
	for {
		select {
		case <-tick.C:
			if report != nil {
				report(p.report(""))
			}
		case <-listen:
			if time.Since(p.bye.heard()) > p.cfg.Quiet {
				return ErrQuiet.Error(), ErrQuiet
			}
		case <-p.bye.said:
			return "the stream ended", nil
		case <-s.lost:
			return ErrLost.Error(), ErrLost
		case err := <-p.failed:
			return err.Error(), err
		case <-ctx.Done():
			return "stopped", nil
		}
	}
}

// meterOf returns the meter of a track, as its receiver describes that.
func meterOf(remote *webrtc.TrackRemote) *meter {
	c := remote.Codec()
	m := &meter{kind: stream.Video, codec: stream.Codec{Name: codecName(c.MimeType), ClockRate: c.ClockRate, Channels: c.Channels, FMTP: c.SDPFmtpLine}}
	if remote.Kind() == webrtc.RTPCodecTypeAudio {
		m.kind = stream.Audio
	}
	m.frame.codec = m.codec
	return m
}

// track reads one track until its connection is closed. pion calls it in a goroutine of the track's own.
func (p *player) track(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	m := meterOf(remote)
	p.mu.Lock()
	if p.stopped || m.codec.ClockRate == 0 {
		p.mu.Unlock()
		return
	}
	p.readers.Add(2)
	p.meters = append(p.meters, m)
	p.waitKey[m] = m.kind == stream.Video
	p.mu.Unlock()
	go func() {
		defer p.readers.Done()
		p.bye.await(receiver)
	}()
	defer p.readers.Done()
	capture := extensionID(receiver.GetParameters().HeaderExtensions, absCapture)
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		now := time.Now()
		p.bye.hear(now)
		if p.cfg.Packet != nil {
			p.cfg.Packet(m.kind.String(), m.codec.Name, packet, now)
		}
		p.mu.Lock()
		m.add(packet, age(packet, capture, now), now, func(f assembled) {
			if p.cfg.Arrivals != nil {
				p.cfg.Arrivals.add(m.kind, now)
			}
			p.frame(m, f, now)
		})
		p.mu.Unlock()
	}
}

// frame takes one whole frame; mu is held.
func (p *player) frame(m *meter, f assembled, now time.Time) {
	if p.picture == 0 && f.key && m.kind == stream.Video {
		p.picture = now.Sub(p.clicked)
		if p.cfg.Picture != nil {
			p.cfg.Picture()
		}
	}
	if p.sink == nil {
		return
	}
	if m.tornSince {
		m.tornSince, p.waitKey[m] = false, m.kind == stream.Video
	}
	if p.waitKey[m] && !f.key {
		return
	}
	p.waitKey[m] = false
	if err := p.sink.write(sinkTrack{kind: m.kind, codec: m.codec, begun: m.first.Sub(p.clicked)}, f); err != nil {
		select {
		case p.failed <- fmt.Errorf("write %s: %w", p.cfg.Output, err):
		default: // the first reason is enough
		}
	}
}

// report is final where end says why.
func (p *player) report(end string) Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	r := Report{Elapsed: now.Sub(p.clicked), Connected: p.connected, FirstFrame: p.picture, Path: p.path, Final: end != "", End: end}
	for _, m := range p.meters {
		r.Tracks = append(r.Tracks, m.report(now, r.Final))
	}
	return r
}

// age returns how old p is at now by its stamp or its capture time, negative where it has neither.
func age(p *rtp.Packet, capture uint8, now time.Time) time.Duration {
	if s, ok := ReadStamp(p.Payload); ok {
		return max(now.Sub(s.At), 0)
	}
	if capture != 0 {
		var e rtp.AbsCaptureTimeExtension
		if raw := p.GetExtension(capture); raw != nil && e.Unmarshal(raw) == nil {
			return max(now.Sub(e.CaptureTime()), 0)
		}
	}
	return -1
}

// offered returns the codecs for the offer, and an error for a name that is none.
func offered(cfg PlayConfig) ([]webrtc.RTPCodecParameters, error) {
	h264 := func(profile string) stream.Codec {
		return videoCodec("H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="+profile)
	}
	all := map[string][]stream.Codec{
		"H264": {h264("42e01f"), h264("42001f"), h264("4d001f"), h264("64001f")},
		"VP8":  {videoCodec("VP8", "")},
		"VP9":  {videoCodec("VP9", "profile-id=0")},
		"AV1":  {videoCodec("AV1", "")},
	}
	names := cfg.Codecs
	if len(names) == 0 {
		names = []string{"H264", "VP8", "VP9", "AV1"}
	}
	out := []webrtc.RTPCodecParameters{parameters(opusCodec(), 111)}
	number := uint8(96) // and the next for its RTX
	for _, name := range names {
		list := all[strings.ToUpper(name)]
		if list == nil {
			return nil, fmt.Errorf("codec %q: want H264, VP8, VP9 or AV1", name)
		}
		for _, c := range list {
			rtx := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(number + 1)}
			rtx.MimeType, rtx.ClockRate, rtx.SDPFmtpLine = "video/rtx", c.ClockRate, fmt.Sprintf("apt=%d", number)
			out = append(out, parameters(c, number), rtx)
			number += 2
		}
	}
	return out, nil
}

func codecName(mime string) string {
	_, name, _ := strings.Cut(mime, "/")
	if strings.EqualFold(name, "opus") {
		return "opus"
	}
	return strings.ToUpper(name)
}
