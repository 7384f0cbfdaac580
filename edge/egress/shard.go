package egress

import (
	"context"
	"net"
	"net/netip"
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
)

const (
	pollEvery  = 5 * time.Millisecond // RTCP and STUN of running viewers can wait that long
	pollJoins  = time.Millisecond     // each round trip of a handshake waits for it
	catchEvery = 5 * time.Millisecond // a catch-up at 6 times 60 frames a second sends two a round
	sweepEvery = time.Second          // each viewer is looked at once in it
	rateEvery  = time.Second

	commandQueue = 1024
	readAtOnce   = 1024 // datagrams in one round; the rest waits in the kernel, behind the media
)

// A Shard serves some of the node's viewers over a UDP socket of its own. Its loop (run) owns the
// socket's reading side, the viewers, the feeds and the batch; others reach it by do.
type Shard struct {
	egress   *Egress
	socket   *socket
	batch    *batch
	commands chan func(at mono)
	wake     chan struct{}
	done     chan struct{} // closed when the loop has ended
	started  time.Time
	m        *metrics
	work     work

	// The loop's own.
	viewers  []*viewer
	byAddr   map[netip.AddrPort]*viewer
	byUfrag  map[string]*viewer
	bySess   map[string]*viewer
	paths    map[netip.Addr]*commonPath
	feeds    map[string]*feed
	order    []*feed // the feeds, for a quick and steady walk
	joining  int     // viewers without keys
	catching int     // viewers that catch up
	swept    float64 // viewers due to be looked at
	turn     int     // whose turn it is
	sweptAt  mono
	polled   mono
	one      shape
	single   [1]*ring.Packet
	due      []*source
	clock    mono // of the batch under way
	soundAt  mono // when it is next looked for sound
	take     func([]byte, netip.AddrPort)
	now      mono // of the round under way, for take
	ice      iceScratch
	plain    []byte // RTCP being built
	rtcp     scratch
}

func newShard(e *Egress, s *socket) *Shard {
	sh := &Shard{
		egress: e, socket: s, batch: newBatch(s), commands: make(chan func(mono), commandQueue),
		wake: make(chan struct{}, 1), done: make(chan struct{}), started: e.deps.Now(), m: e.m,
		byAddr: map[netip.AddrPort]*viewer{}, byUfrag: map[string]*viewer{}, bySess: map[string]*viewer{},
		paths: map[netip.Addr]*commonPath{}, feeds: map[string]*feed{}, plain: make([]byte, 0, readSize),
	}
	sh.take = sh.datagram
	sh.ice.checks = map[[12]byte]*viewer{}
	return sh
}

// Port returns the UDP port that viewers of the shard send to.
func (s *Shard) Port() uint16 { return s.socket.local.Port() }

func (s *Shard) wall(at mono) time.Time { return s.started.Add(at) }

// do has the loop call f. It returns net.ErrClosed once the shard has ended, and ctx's error where the
// queue stays full.
func (s *Shard) do(ctx context.Context, f func(at mono)) error {
	select {
	case <-s.done:
		return net.ErrClosed
	default:
	}
	select {
	case s.commands <- f:
		return nil
	case <-s.done:
		return net.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run is the shard's loop. On cancel it says goodbye to its viewers and returns.
func (s *Shard) run(ctx context.Context) {
	defer close(s.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if d, ok := s.nap(); ok {
			timer.Reset(d)
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			s.shutdown()
			return
		case f := <-s.commands:
			s.obey(f)
		case <-s.wake:
		case <-timer.C:
		}
		s.round()
	}
}

// round does all that is due now.
func (s *Shard) round() {
	now := s.egress.deps.Now()
	at := now.Sub(s.started)
	s.now = at
	s.work.begin(at)
	for _, f := range s.order {
		s.flush(f, now, at)
		s.tend(f, at)
	}
	if len(s.viewers) > 0 && at-s.polled >= s.poll()-pollJoins/2 {
		s.polled = at
		s.socket.receive(readAtOnce, s.take)
	}
	s.probe(at)
	s.sweep(at)
	s.batch.flush()
	s.work.end(s.egress.deps.Now().Sub(s.started), len(s.viewers), &s.batch.count)
	s.m.count(&s.batch.count)
}

// obey runs f and what else waits in the queue, as far as it is there already.
func (s *Shard) obey(f func(mono)) {
	at := s.egress.deps.Now().Sub(s.started)
	s.now = at
	for n := len(s.commands); ; n-- {
		f(at)
		if n <= 0 {
			return
		}
		f = <-s.commands
	}
}

func (s *Shard) poll() time.Duration {
	if s.joining > 0 {
		return pollJoins
	}
	return pollEvery
}

// nap returns how long the loop may sleep; ok is false where nothing is to be done until it is woken.
func (s *Shard) nap() (d time.Duration, ok bool) {
	if len(s.viewers) == 0 {
		return 0, false
	}
	d = s.poll()
	now := s.egress.deps.Now()
	for _, f := range s.order {
		for _, src := range f.sources {
			if src == nil || !src.waker.video || len(src.seats) == 0 {
				continue
			}
			if t, ok := src.oldest(); ok {
				d = min(d, max(0, frameWait-now.Sub(t)))
			}
		}
	}
	return d, true
}

// tend does for f what is not sending live packets.
func (s *Shard) tend(f *feed, at mono) {
	for _, src := range f.sources {
		if src != nil && len(src.waiting) > 0 {
			src.flow.RequestKeyframe(s.wall(at)) // it lets one a second through; the first may have come too early
			s.takeOver(src, at)
		}
	}
	if s.catching > 0 {
		for _, v := range f.viewers {
			if v.video.catch != nil {
				s.pump(v, at)
			}
		}
	}
	if at-f.quietAt >= quiet/2 {
		f.quietAt = at
		for _, v := range f.viewers {
			if at-v.sentAt >= v.quietFor() {
				s.sendReport(v, at)
			}
		}
	}
	s.follow(f, at)
	if at-f.rateAt >= rateEvery {
		f.measure(at - f.rateAt)
		f.rateAt = at
	}
}

// measure updates the bitrates of f's flows.
func (f *feed) measure(passed time.Duration) {
	for i, flow := range f.stream.Flows {
		n := flow.Bytes()
		r := &f.rates[i]
		if n == r.bytes {
			continue
		}
		bps := int64(float64(n-r.bytes) * 8 / passed.Seconds())
		if r.bps == 0 {
			r.bps = bps
		}
		r.bps += (bps - r.bps) / 4 // a second with a key frame is not what the layer brings
		r.bytes = n
	}
}

// sweep looks at each viewer once a second, a few in each round.
func (s *Shard) sweep(at mono) {
	passed := at - s.sweptAt
	s.sweptAt = at
	s.swept += float64(len(s.viewers)) * min(1, passed.Seconds()/sweepEvery.Seconds())
	for ; s.swept >= 1 && len(s.viewers) > 0; s.swept-- {
		s.turn++
		s.visit(s.viewers[s.turn%len(s.viewers)], at)
	}
}

// enter gives v, whose handshake is done, its place among those that get media.
func (s *Shard) enter(v *viewer, at mono) {
	f := v.feed
	f.joining--
	s.joining--
	v.seat = len(f.viewers)
	f.viewers = append(f.viewers, v)
	v.sentAt = at
	s.m.handshake.Observe((at - v.added).Seconds())
	v.join.Ready()
	s.estimate(v)
	s.tune(v, at)
}

// tune puts v on the flows of its feed's stream that it should get. Where there is none for it, it ends.
func (s *Shard) tune(v *viewer, at mono) {
	f := v.feed
	if v.standby {
		if f.pick(stream.Audio, &v.audio) == nil && f.pick(stream.Video, &v.video) == nil {
			s.end(v, ReasonCodec)
		}
		return
	}
	if v.audio.served() {
		if flow := f.pick(stream.Audio, &v.audio); flow != nil {
			s.hear(v, flow)
		}
	}
	if v.video.served() {
		if flow := s.chosen(v, at); flow != nil {
			s.show(v, flow, at)
		}
	}
	if v.video.flow() == nil && v.audio.flow() == nil {
		s.end(v, ReasonCodec)
	}
}

// pick returns the first flow of kind that fits what l agreed on.
func (f *feed) pick(kind stream.Kind, l *lane) *stream.Flow {
	for _, flow := range f.stream.Flows {
		if flow.Format.Kind == kind && l.media.fits(flow.Format.Codec) {
			return flow
		}
	}
	return nil
}

// replace goes on with another epoch of f's stream.
func (s *Shard) replace(f *feed, next *stream.Stream, at mono) {
	if next == f.stream {
		return
	}
	for _, v := range f.viewers {
		s.leave(v, &v.video)
		s.leave(v, &v.audio)
	}
	f.release()
	f.setStream(next, at)
	for i := len(f.viewers) - 1; i >= 0; i-- {
		s.tune(f.viewers[i], at)
	}
}

func (f *feed) setStream(next *stream.Stream, at mono) {
	f.stream = next
	f.sources = make([]*source, len(next.Flows))
	f.rates = make([]rate, len(next.Flows))
	f.wants = make([]want, len(next.Flows))
	f.rateAt = at
	for i, flow := range next.Flows {
		f.rates[i].bytes = flow.Bytes()
	}
}
