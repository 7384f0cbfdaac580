package ingest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"freshet/cluster/stream"
)

const (
	// silence is how long the publisher on the air may say nothing before its backup takes over (DESIGN.md).
	silence = 400 * time.Millisecond
	// lost is how long a backup may say nothing before another has its place: it connects, or its connection is gone and
	// nobody has noticed yet.
	lost = 2 * time.Second
	// tick is how often the slot looks at its clocks: an eighth of silence.
	tick = 50 * time.Millisecond
	// keyAgain is how long a takeover waits for a key frame before it asks again: a PLI may be lost, and
	// the backup must be on the air within 1 s.
	keyAgain = 400 * time.Millisecond
	// lingering is how long a stream waits for a publisher that left.
	lingering = 30 * time.Second
	// moveGrace is how long a publisher that was told to move may take for it.
	moveGrace = 5 * time.Second
	// asideFor is how long a stream is away from an origin that has become its standby: until those who took it from there
	// have heard of it, and take it from the new origin.
	asideFor = 2 * time.Second

	// maxBitrate is averaged over bitrateWindow (RELIABILITY, section 4).
	maxBitrate    = 12_000_000
	bitrateWindow = 2 * time.Second
	maxBytes      = int(maxBitrate / 8 * bitrateWindow / time.Second)

	// queueLength holds the key frames of three layers sent in one burst, with room to spare.
	queueLength = 2048
)

// A slot is one stream at the origin, with its one or two publishers. Its goroutine (run) is the one
// writer of the stream's flows and owns every field below the channels, seats included; publishers'
// goroutines only hand over. So a takeover needs no lock: the next packet written is another's.
type slot struct {
	id      string
	deps    Deps
	metrics *metrics
	epochs  *epochs

	joins   chan *join
	leaves  chan *Seat
	packets chan arrival
	reports chan sentReport
	keys    chan int // flows of which viewers want a key frame
	done    chan struct{}

	air, reserve *Seat
	spread       spread
	last         *Seat        // whose packet was written last
	empty        time.Time    // when the last publisher left; zero while one is here
	allowed      func() error // of whoever sat down last: it knows whether the stream is still there
	closed       bool         // it is not
	placement    uint64       // the number under which it is published here
	moved        bool         // it is placed elsewhere
	keeps        time.Time    // and stays on the air here until then, since its publisher was told to move
	aside        time.Time    // until then the stream is away, since another origin has overtaken this one; zero for never
	renewed      bool         // stream began in the midst of what its publisher sends
	stream       *stream.Stream
	formats      []stream.Format // of stream
	lines        []line
}

type join struct {
	stream, session string
	formats         []stream.Format
	publisher       Publisher
	result          chan joined
}

type joined struct {
	seat *Seat
	err  error
}

type arrival struct {
	seat *Seat
	flow int
	Packet
}

type sentReport struct {
	seat *Seat
	Report
}

// A line is one flow as the stream has it, whoever sends it.
type line struct {
	flow      *stream.Flow
	begun     bool
	high      int64 // highest number written
	timestamp uint32
	keyAt     uint32 // timestamp of the last key frame, to count each once
	counter   flowCounter
}

func newSlot(id string, d Deps, m *metrics, e *epochs) *slot {
	return &slot{
		id: id, deps: d, metrics: m, epochs: e,
		joins: make(chan *join), leaves: make(chan *Seat),
		packets: make(chan arrival, queueLength), reports: make(chan sentReport, 64), keys: make(chan int, 16),
		done: make(chan struct{}),
	}
}

// run serves the stream until ctx ends, or until nobody came back for it.
func (s *slot) run(ctx context.Context) {
	defer close(s.done)
	defer s.end()
	clock := time.NewTicker(tick)
	defer clock.Stop()
	for {
		select {
		case a := <-s.packets:
			s.packet(a)
		case r := <-s.reports:
			s.report(r)
		case flow := <-s.keys:
			if s.air != nil && flow < len(s.air.formats) {
				s.ask(s.air, flow)
			}
		case j := <-s.joins:
			seat, err := s.join(j, time.Now())
			j.result <- joined{seat, err}
		case seat := <-s.leaves:
			s.leave(seat, time.Now())
		case now := <-clock.C:
			s.check(now)
			if s.over(now) {
				return
			}
			s.look(now)
		case <-ctx.Done():
			return
		}
	}
}

// end takes the stream off the node.
func (s *slot) end() {
	for _, seat := range []*Seat{s.air, s.reserve} {
		if seat != nil {
			seat.publisher.Close("origin is stopping")
			s.metrics.publishers.Dec()
		}
	}
	s.off(s.moved)
}

// off takes the stream off the node. moved says that it goes on: who has it from here takes it from there.
func (s *slot) off(moved bool) {
	if s.stream == nil {
		return
	}
	why := stream.ErrEnded
	if moved {
		why = stream.ErrLost
	}
	s.stream.End(why)
	s.deps.Table.Remove(s.stream)
	s.metrics.streams.Dec()
	s.deps.Log.Info("stream ended", "stream", s.id, "epoch", s.stream.Epoch, "moved", moved)
	s.stream = nil
}

// over says whether nobody is here and nobody is waited for.
func (s *slot) over(now time.Time) bool {
	return s.air == nil && (s.stream == nil || s.closed || s.moved || now.Sub(s.empty) >= lingering)
}

// join seats a publisher: on the air where nobody is, else as backup.
func (s *slot) join(j *join, now time.Time) (*Seat, error) {
	seat := &Seat{
		slot: s, publisher: j.publisher, session: j.session, formats: j.formats,
		sources: make([]source, len(j.formats)), heard: now, window: now,
	}
	for i, f := range j.formats {
		seat.sources[i].rate = f.Codec.ClockRate
	}
	var here, standby bool
	if s.placement, here, standby = s.deps.Placed(s.id); !here {
		s.metrics.refusals.WithLabelValues(string(refusedMoved)).Inc()
		return nil, errElsewhere()
	}
	s.comeBack(standby, now)
	if s.reserve != nil && now.Sub(s.reserve.heard) >= lost {
		s.kick(s.reserve, refusedLost, now)
	}
	switch {
	case s.air == nil:
		seat.epoch = s.epochs.next(s.placement, now)
		s.air = seat
	case s.reserve != nil:
		s.metrics.refusals.WithLabelValues(string(refusedThird)).Inc()
		return nil, errThird()
	case !interchangeable(s.air.formats, j.formats):
		s.metrics.refusals.WithLabelValues(string(refusedFormats)).Inc()
		return nil, errFormats()
	default:
		s.reserve = seat
	}
	s.empty, s.allowed, s.closed = time.Time{}, j.publisher.Allowed, false
	s.metrics.publishers.Inc()
	s.log(seat).Info("publisher joined", "backup", seat == s.reserve)
	return seat, nil
}

func (s *slot) leave(seat *Seat, now time.Time) {
	if seat.gone {
		return
	}
	seat.gone = true
	s.metrics.publishers.Dec()
	s.log(seat).Info("publisher left")
	if seat == s.reserve {
		s.reserve = nil
		return
	}
	s.air = nil
	if s.reserve != nil {
		s.takeOver(now, "publisher left")
		return
	}
	s.empty = now
}

// check ends publishers whose key was taken back, and the stream whose event is over, or which is placed elsewhere: what an
// origin sends that was cut off, or stood still, must not reach anybody when it is back.
func (s *slot) check(now time.Time) {
	number, here, standby := s.deps.Placed(s.id)
	if !here && !s.moved {
		s.moved = true
		if s.deps.Leaving() {
			s.sendAway(now)
		}
	}
	if here {
		s.placement = max(s.placement, number)
	}
	if standby && s.stream != nil && stream.Placement(s.stream.Epoch) < number {
		s.aside = now.Add(asideFor)
		s.off(true)
	}
	s.comeBack(standby, now)
	for _, seat := range []*Seat{s.reserve, s.air} { // so that a backup with the same key is not on the air for a moment
		if seat == nil {
			continue
		}
		if s.moved && now.After(s.keeps) {
			s.kick(seat, refusedMoved, now)
			continue
		}
		switch verdictOf(seat.publisher.Allowed()) {
		case keyGone:
			s.kick(seat, refusedKey, now)
		case over:
			s.kick(seat, refusedClosed, now)
		case stays:
		}
	}
	s.part(now)
	s.closed = s.air == nil && s.allowed != nil && verdictOf(s.allowed()) == over
}

// comeBack has a stream that is away come back at once where this is the origin again.
func (s *slot) comeBack(standby bool, now time.Time) {
	if !standby && now.Before(s.aside) {
		s.aside = now
	}
}

// sendAway tells publishers to move, who are heard here until they have: viewers are to see nothing of it. What is sent from
// the other origin then counts more than what is sent from here.
func (s *slot) sendAway(now time.Time) {
	s.keeps = now.Add(moveGrace)
	for _, seat := range []*Seat{s.reserve, s.air} {
		if seat != nil {
			seat.publisher.Move()
		}
	}
}

// look does what time asks for.
func (s *slot) look(now time.Time) {
	if s.air == nil || s.stream == nil || now.Sub(s.air.asked) < keyAgain {
		return
	}
	for i := range s.air.sources {
		// A layer that is not sent now, as browsers do when bandwidth is short, has no key frame to give.
		sent := now.Sub(s.air.sources[i].heard) < silence
		if sent && !s.air.sources[i].anchored && s.air.formats[i].Kind == stream.Video {
			s.ask(s.air, i)
			s.air.asked = now
		}
	}
}

// takeOver puts the backup on the air, from its next key frame on; sound goes on at once.
func (s *slot) takeOver(now time.Time, reason string) {
	s.air, s.reserve = s.reserve, s.air
	for i := range s.air.sources {
		s.air.sources[i].anchored = false
		s.ask(s.air, i)
	}
	if s.air.epoch == 0 {
		s.air.epoch = s.epochs.next(s.placement, now)
	}
	s.air.asked = now
	s.metrics.takeovers.Inc()
	s.log(s.air).Warn("backup took over", "reason", reason)
}

// ask passes a request for a key frame on to a publisher.
func (s *slot) ask(seat *Seat, flow int) {
	if seat.formats[flow].Kind == stream.Video {
		seat.publisher.RequestKeyframe(flow)
		s.metrics.keyRequests.Inc()
	}
}

// kick ends a publisher that broke a rule.
func (s *slot) kick(seat *Seat, why refusal, now time.Time) {
	s.metrics.refusals.WithLabelValues(string(why)).Inc()
	seat.publisher.Close(string(why))
	s.leave(seat, now)
}

// renew begins the stream anew, since its placement has another number, from the publisher's next key frame on.
func (s *slot) renew(now time.Time) {
	s.air.epoch, s.air.asked = s.epochs.next(s.placement, now), now
	s.begin()
	s.renewed = true
	for i := range s.air.sources {
		s.air.sources[i].anchored = false
		s.ask(s.air, i)
	}
}

// begin makes the stream of the publisher on the air, in a new epoch.
func (s *slot) begin() {
	s.formats, s.renewed = s.air.formats, false
	if s.stream != nil {
		s.metrics.streams.Dec() // Put ends it
	}
	s.stream = stream.New(s.id, s.air.epoch, nil, s.formats, func(f *stream.Flow) {
		select {
		case s.keys <- f.Index:
		default: // many are waiting: one of them will do, or the flow asks again in a second
		}
	})
	s.lines = make([]line, len(s.formats))
	for i, f := range s.stream.Flows {
		// Random beginnings (RFC 3550, section 5.1), low enough to leave room below for reordered packets.
		s.lines[i] = line{flow: f, high: 1<<16 + rand.Int64N(1<<15), timestamp: rand.Uint32(), counter: s.metrics.flow(f.Format)}
	}
	s.deps.Table.Put(s.stream)
	s.metrics.streams.Inc()
	s.log(s.air).Info("stream on the air", "epoch", s.stream.Epoch, "flows", len(s.formats))
}

func (s *slot) log(seat *Seat) *slog.Logger {
	return s.deps.Log.With("stream", s.id, "session", seat.session)
}
