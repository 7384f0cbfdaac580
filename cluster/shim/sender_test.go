package shim

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A log is an outlet that keeps what is sent, and when.
type log struct {
	now  int64
	at   []int64
	kind []kind
	seq  []uint32
	size []int
	fail error
}

func (l *log) transmit(b, _ []byte) error {
	if l.fail != nil {
		return l.fail
	}
	h, why := parseHeader(b, len(b))
	if why != dropNot {
		return errors.New("bad header")
	}
	l.at, l.kind, l.seq, l.size = append(l.at, l.now/ms), append(l.kind, h.kind), append(l.seq, h.seq), append(l.size, len(b))
	return nil
}

func (l *log) control(b []byte) bool { return l.transmit(b, nil) == nil }

type sent struct {
	at   int64 // ms
	kind kind
	seq  uint32
}

func newTestSender() (*sender, *log) {
	l := &log{now: ms}
	s := newSender(7, l, &sync.Pool{New: func() any { return new(chunk) }})
	s.windowAt = l.now
	s.prove()
	return s, l
}

func (l *log) run(s *sender, until int64) {
	for at := s.due(); at <= until; at = s.due() {
		l.now = max(l.now, at)
		s.tick(l.now)
	}
	l.now = until
}

func (l *log) expect(t *testing.T, want ...sent) {
	t.Helper()
	for i := range max(len(want), len(l.at)) {
		switch {
		case i >= len(want):
			t.Errorf("unexpected: %v", sent{l.at[i], l.kind[i], l.seq[i]})
		case i >= len(l.at):
			t.Errorf("missing: %v", want[i])
		case want[i] != sent{l.at[i], l.kind[i], l.seq[i]}:
			t.Errorf("packet %d is %v, want %v", i, sent{l.at[i], l.kind[i], l.seq[i]}, want[i])
		}
	}
	*l = log{now: l.now}
}

func (l *log) write(t *testing.T, s *sender, n int, hold int64, urgent bool) {
	t.Helper()
	if err := s.write(make([]byte, n), l.now, hold, urgent); err != nil {
		t.Fatal(err)
	}
}

// A packet asked for goes at once, 2 and 12 ms later, and not again for whoever asks within 0.8 round trips.
func TestResend(t *testing.T) {
	s, l := newTestSender()
	l.write(t, s, 1000, 0, false)
	l.write(t, s, 1000, 0, false)
	for _, at := range []int64{2, 3, 60, 82} {
		l.run(s, at*ms)
		s.answer(span{1, 1}.append(nil), l.now, 100*ms)
	}
	l.run(s, 90*ms)
	l.expect(t, sent{1, kindData, 0}, sent{1, kindData, 1},
		sent{2, kindResent, 1}, sent{4, kindResent, 1}, sent{9, kindTail, 2}, sent{14, kindResent, 1}, sent{25, kindTail, 2},
		sent{82, kindResent, 1}, sent{84, kindResent, 1})
	if s.asked != 1 || s.resent != 5 {
		t.Errorf("asked %d, resent %d", s.asked, s.resent)
	}
	l.run(s, 1002*ms)
	*l = log{now: l.now}
	s.answer(span{0, 2}.append(nil), l.now, 100*ms)
	l.run(s, 1100*ms)
	l.expect(t) // older than a second
	s.tick(l.now)
	if s.slots != nil || s.tip != nil || s.copies[copySecond].buf != nil {
		t.Error("memory is kept")
	}
}

// Of a NACK that goes beyond what was sent, the part before is served.
func TestUnsent(t *testing.T) {
	s, l := newTestSender()
	for range 3 {
		l.write(t, s, 1000, 0, false)
	}
	*l = log{now: l.now}
	if s.answer(span{0, 1}.append(span{1, 3}.append(nil)), l.now, 100*ms) {
		t.Error("nothing unsent was found")
	}
	l.expect(t, sent{1, kindResent, 1}, sent{1, kindResent, 2})
	if !s.answer(span{0, 1}.append(nil), l.now, 100*ms) {
		t.Error("an honest NACK was dropped")
	}
	l.expect(t, sent{1, kindResent, 0})
}

// TAIL tells 8, 24 and 96 ms after the last packet how far the numbers go.
func TestTail(t *testing.T) {
	s, l := newTestSender()
	l.run(s, 5*ms)
	l.write(t, s, 500, 0, false)
	l.run(s, 10*ms)
	l.write(t, s, 500, 0, false)
	l.run(s, 300*ms)
	l.expect(t, sent{5, kindData, 0}, sent{10, kindData, 1}, sent{18, kindTail, 2}, sent{34, kindTail, 2}, sent{106, kindTail, 2})
	if s.due() != never {
		t.Errorf("something is due %d ms later", (s.due()-l.now)/ms)
	}
}

// Acknowledgements are held back, and in order; larger packets take them along. Behind a repaired packet they
// go at once, and twice more.
func TestHold(t *testing.T) {
	s, l := newTestSender()
	s.oob.segment = 1400 // a batch of one
	l.write(t, s, 40, 10*ms, false)
	l.run(s, 4*ms)
	l.write(t, s, 120, 10*ms, false)
	l.run(s, 12*ms)
	l.expect(t, sent{11, kindData, 0})
	l.write(t, s, 121, 10*ms, false)
	l.expect(t, sent{12, kindData, 1}, sent{12, kindData, 2})
	l.write(t, s, 40, 10*ms, false)
	l.run(s, 13*ms)
	l.write(t, s, 50, 10*ms, true)
	l.run(s, 22*ms)
	l.expect(t, sent{13, kindData, 3}, sent{13, kindData, 4}, sent{15, kindResent, 4}, sent{21, kindResent, 4}, sent{21, kindTail, 5})
	l.write(t, s, 40, ms/2, false) // not worth it
	l.expect(t, sent{22, kindData, 5})
	for range maxHeld + 1 {
		l.write(t, s, 40, 10*ms, false)
	}
	if len(l.at) != maxHeld+1 || s.held.len() != 0 {
		t.Errorf("%d sent, %d held", len(l.at), s.held.len())
	}
}

// A batch behind a packet that goes alone with the same control messages is still a batch.
func TestBatchBehindOne(t *testing.T) {
	s, l := newTestSender()
	s.oob.segment = 500
	l.write(t, s, 500, 0, false)
	l.write(t, s, 1200, 0, false)
	if s.next != 4 {
		t.Errorf("%d packets were numbered, want 1 and 3", s.next)
	}
}

// Resends take at most a quarter of what is sent, beyond what the bucket had; near its end there are no copies.
func TestBudget(t *testing.T) {
	s, l := newTestSender()
	var bytes, resent int
	for i := range 20000 {
		l.run(s, l.now+2*ms)
		l.write(t, s, 1200, 0, false)
		s.answer(span{uint32(i), 1}.append(nil), l.now, 100*ms)
	}
	l.run(s, l.now+20*ms)
	for i, k := range l.kind {
		switch k {
		case kindData:
			bytes += l.size[i]
		case kindResent:
			resent += l.size[i]
		}
	}
	if resent > bytes/budgetShare+minBudget || resent < bytes/budgetShare-copyReserve {
		t.Errorf("%d bytes resent of %d", resent, bytes)
	}
	if s.refused == 0 || s.asked != 20000 || s.loss != 1 {
		t.Errorf("refused %d, asked %d, loss %v", s.refused, s.asked, s.loss)
	}
	s.roll(l.now + 600*ms)
	s.roll(l.now + 1100*ms)
	if s.loss > .5 {
		t.Errorf("loss is still %v a second later", s.loss)
	}
	s.roll(l.now + int64(time.Hour))
	if s.loss != 0 {
		t.Errorf("loss is still %v an hour later", s.loss)
	}
	s.off = true
	refused := s.refused
	l.write(t, s, 1200, 0, false)
	*l = log{now: l.now}
	s.answer(span{s.next - 1, 1}.append(nil), l.now, 100*ms)
	l.run(s, l.now+5*ms)
	if s.paused != 1 || s.refused != refused || len(l.at) != 0 {
		t.Errorf("paused %d, refused %d, sent %v", s.paused, s.refused-refused, l.kind)
	}
}

// What the socket does not take gets no number: the peer would ask for it.
func TestUnsendable(t *testing.T) {
	s, l := newTestSender()
	l.write(t, s, 1000, 0, false)
	l.fail = syscall.EMSGSIZE
	if err := s.write(make([]byte, 1452), l.now, 0, false); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("got %v", err)
	}
	l.fail = nil
	l.write(t, s, 1000, 0, false)
	l.expect(t, sent{1, kindData, 0}, sent{1, kindData, 1})
	if err := s.write(make([]byte, chunkLen), l.now, 0, false); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("larger than memory: got %v", err)
	}
	if s.sent != 2 {
		t.Errorf("sent %d", s.sent)
	}
}

// The ring has the packets of a second, at most 4,096 and to a stranger 64, and gives memory back.
func TestHistory(t *testing.T) {
	s, l := newTestSender()
	pool := 0
	s.pool = &sync.Pool{New: func() any { pool++; return new(chunk) }}
	for i := range 10000 {
		if i%10 == 0 {
			l.now += ms
		}
		l.write(t, s, 1200, 0, false)
		if kept := int(s.next - s.first); kept > maxSent {
			t.Fatalf("%d kept", kept)
		}
	}
	if s.find(s.next-1) == nil || s.find(s.next) != nil || s.find(s.next-maxSent) == nil || s.find(s.next-maxSent-1) != nil {
		t.Error("the ring has not the last packets")
	}
	if most := maxSent*(1208+7)/chunkLen + 20; pool > 2*most { // the pool may lose some to the collector
		t.Errorf("%d chunks, want about %d", pool, most)
	}
	u := newSender(7, l, s.pool)
	for range 100 {
		l.write(t, u, 1200, 0, false)
	}
	if u.next-u.first != maxSentUnproven {
		t.Errorf("%d kept for a stranger", u.next-u.first)
	}
}

// Padding goes out evenly.
func TestProbe(t *testing.T) {
	s, l := newTestSender()
	if !s.startProbe(100_000, 100*ms, l.now) || s.startProbe(1, 1, l.now) {
		t.Error("one probe at a time")
	}
	l.run(s, 200*ms)
	bytes, half := 0, 0
	for i, n := range l.size {
		if l.kind[i] != kindPad {
			t.Fatalf("kind %d", l.kind[i])
		}
		bytes += n
		if l.at[i] <= 51 {
			half += n
		}
	}
	if s.probe.left != 0 || !s.startProbe(1, 1, l.now) {
		t.Errorf("%d bytes are left, after the probe", s.probe.left)
	}
	if bytes < 100_000 || bytes > 100_000+headerLen || half < 45_000 || half > 55_000 || l.at[len(l.at)-1] < 95 {
		t.Errorf("%d bytes, %d in the first half, last after %d ms", bytes, half, l.at[len(l.at)-1])
	}
}
