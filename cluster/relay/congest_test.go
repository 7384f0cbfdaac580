package relay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A model is a path with a rate, a buffer and a delay, a source of one stream before it, and the signals that
// a link would show. Time goes in milliseconds.
type model struct {
	rtt    time.Duration
	buffer time.Duration            // that the path queues at most, at the rate of the moment
	rate   func(ms int) float64     // bits a second
	loss   func(*rand.Rand) (n int) // packets lost from this one on
	jitter time.Duration            // added to each round trip
	flows  []*modelFlow             // by priority
	groups func(ms int) (bytes int) // of cached groups, sent beside
	plain  bool                     // the peer has no repair layer
	step   func(ms int, v verdict)  // nil: nobody looks
	dead   func(ms int) bool

	ctl     controller
	rng     *rand.Rand
	queued  float64 // bytes in the path's buffer
	arrived uint64
	losing  int
	cut     bool
	dark    int // packets lost while it was

	s       signals
	budget  float64
	asks    map[int]int // packets asked for, by ms
	pongs   map[int]pong
	pad     int // bytes of padding left
	padUnit int
	repair  bool

	changes []int // ms
	lates   []time.Duration
}

type pong struct {
	took      time.Duration
	delivered uint64
	probe     bool
}

type modelFlow struct {
	rate  float64 // bits a second
	fps   int
	key   int // bytes of a key frame more than of another; 0 for audio
	must  bool
	shed  bool
	wait  bool // for a key frame
	frame int
	debt  float64

	sent, lost int
}

const modelPacket = 1200

// standard is the source of RELAY-FINDINGS, section 6.
func standard() []*modelFlow {
	return []*modelFlow{
		{rate: 70e3, fps: 50, must: true}, {rate: 265e3, fps: 30, key: 8000, must: true},
		{rate: 840e3, fps: 30, key: 25000}, {rate: 2.62e6, fps: 30, key: 60000},
	}
}

func (m *model) run(seconds int) {
	m.rng = rand.New(rand.NewPCG(7, 11))
	m.asks, m.pongs, m.repair, m.budget = map[int]int{}, map[int]pong{}, true, 128<<10
	m.s.minRTT, m.s.rtt, m.s.probes = m.rtt, m.rtt, !m.plain
	for ms := range seconds * 1000 {
		rate := m.rate(ms)
		m.cut = m.dead != nil && m.dead(ms)
		if !m.cut && m.dark > 0 { // the first packet behind an outage shows all it took
			m.asks[ms+int(m.rtt.Milliseconds())] += m.dark
			m.dark = 0
		}
		m.drain(ms, rate)
		m.media(ms, rate)
		m.answer(ms, rate)
		if ms%50 == 0 && !m.cut {
			m.ping(ms, rate, false)
		}
		if ms%200 == 199 {
			m.judge(ms)
		}
	}
}

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func (m *model) drain(ms int, rate float64) {
	out := min(m.queued, rate/8000)
	m.queued -= out
	m.arrived += uint64(out)
}

func (m *model) delay(rate float64) time.Duration {
	return time.Duration(m.queued * 8 / rate * float64(time.Second))
}

// enter puts n bytes into the path and returns whether they get across.
func (m *model) enter(n int, rate float64) bool {
	if m.losing == 0 && m.loss != nil {
		m.losing = m.loss(m.rng)
	}
	if m.losing > 0 {
		m.losing--
		return false
	}
	if m.cut || m.delay(rate) > m.buffer {
		return false
	}
	m.queued += float64(n)
	return true
}

func (m *model) media(ms int, rate float64) {
	for i, f := range m.flows {
		if f.frame*1000/f.fps > ms {
			continue
		}
		key := f.key > 0 && f.frame%(2*f.fps) == 0 || f.wait && f.key > 0
		f.frame++
		bytes := (f.rate - float64(f.key)*4) / 8 / float64(f.fps)
		if key {
			bytes += float64(f.key)
		}
		if f.shed || f.wait && !key {
			continue
		}
		f.wait = false
		for f.debt += bytes; f.debt > 0; f.debt -= modelPacket {
			n := min(modelPacket, int(f.debt)+1)
			f.sent++
			m.s.sent++
			m.budget = min(m.budget+float64(n)/4, 128<<10)
			if i == 0 {
				m.lates = append(m.lates, m.delay(rate))
			}
			if !m.enter(n, rate) {
				f.lost++
				if m.cut {
					m.dark++
				} else {
					m.asks[ms+int(m.rtt.Milliseconds())]++
				}
			}
			if f.key == 0 {
				f.debt = 0
				break
			}
		}
	}
	if m.groups != nil {
		m.s.groups = m.groups(ms) > 0
		m.enter(m.groups(ms), rate)
	}
	if m.pad > 0 {
		n := min(m.pad, m.padUnit)
		if m.pad -= n; m.enter(n, rate) && m.pad == 0 || m.pad == 0 {
			m.ping(ms, rate, true)
		}
	}
}

func (m *model) ping(ms int, rate float64, probe bool) {
	took := m.rtt + m.delay(rate) + time.Duration(m.rng.Float64()*float64(m.jitter))
	m.pongs[2*ms+2*int(took.Milliseconds())+map[bool]int{true: 1}[probe]] = pong{took, m.arrived + uint64(m.queued), probe}
}

// answer has the peer ask for what it lacks, and its pongs arrive.
func (m *model) answer(ms int, rate float64) {
	for range m.asks[ms] {
		m.s.asked++
		switch {
		case !m.repair:
		case m.budget < modelPacket:
			m.s.refused++
		default:
			m.budget -= modelPacket
			m.enter(modelPacket, rate)
		}
	}
	delete(m.asks, ms)
	for i := range 2 {
		p, ok := m.pongs[2*ms+i]
		if !ok {
			continue
		}
		delete(m.pongs, 2*ms+i)
		m.s.lastRTT, m.s.rttAt = p.took, at(ms)
		m.s.rtt += (p.took - m.s.rtt) / 4 // as the repair layer does
		m.s.minRTT = min(m.s.minRTT, p.took)
		m.s.delivered, m.s.deliveredAt = p.delivered, at(ms)
		if p.probe {
			m.s.probeRTT, m.s.probedAt = p.took, at(ms)
		}
	}
}

func (m *model) judge(ms int) {
	m.s.flows = m.s.flows[:0]
	for _, f := range m.flows {
		m.s.flows = append(m.s.flows, load{rate: f.rate * (1 + 0.2*(m.rng.Float64()-0.5)), must: f.must, shed: f.shed})
	}
	v := m.ctl.step(at(ms), &m.s)
	changed := false
	for i, f := range m.flows {
		shed := i >= v.carry
		changed = changed || shed != f.shed
		f.wait = f.wait || f.shed && !shed
		f.shed = shed
	}
	if changed {
		m.changes = append(m.changes, ms)
	}
	if v.probe > 0 {
		m.pad, m.padUnit = v.probe, (v.probe+99)/100
	}
	m.repair = v.repair
	if m.step != nil {
		m.step(ms, v)
	}
}

// between returns how many changes fell into the seconds from a to b.
func (m *model) between(a, b int) (n int) {
	for _, ms := range m.changes {
		if ms >= a*1000 && ms < b*1000 {
			n++
		}
	}
	return n
}

func (m *model) late(share float64) time.Duration {
	slices.Sort(m.lates)
	return m.lates[int(float64(len(m.lates)-1)*share)]
}

func (m *model) carried() (n int) {
	for _, f := range m.flows {
		if !f.shed {
			n++
		}
	}
	return n
}

func steady(bps float64) func(int) float64 { return func(int) float64 { return bps } }

// A path cut to 2 Mbit/s under 3.6 loses the top layer and no more, once, and has it back within 5 s of the
// room's return.
func TestCongestCut(t *testing.T) {
	for _, rtt := range []int{20, 50, 100, 200} {
		for _, buffer := range []int{50, 100, 300} {
			t.Run(fmt.Sprintf("rtt %d buffer %d", rtt, buffer), func(t *testing.T) {
				var seen []string
				m := &model{
					rtt: time.Duration(rtt) * time.Millisecond, buffer: time.Duration(buffer) * time.Millisecond, flows: standard(),
					rate: func(ms int) float64 {
						if ms >= 10e3 && ms < 50e3 {
							return 2e6
						}
						return 50e6
					},
				}
				atCut, least := 0, 9
				m.step = func(ms int, v verdict) {
					if v.cut || v.back || v.probe > 0 {
						seen = append(seen, fmt.Sprintf("%d: carry %d probe %d room %.2f", ms, v.carry, v.probe, v.room/1e6))
					}
					if ms < 12e3 {
						m.lates = nil // the first second is the cut's
					}
					if ms < 50e3 {
						atCut = m.carried()
					}
					least = min(least, v.carry)
				}
				m.run(60)
				if n := m.between(0, 10); n != 0 {
					t.Errorf("%d changes before the cut", n)
				}
				if n := m.between(10, 50); n != 1 || atCut != 3 || least != 3 {
					t.Errorf("%d changes, want 1; %d flows at the end, %d at least, want 3", n, atCut, least)
				}
				if n := m.between(50, 55); n != 1 || m.carried() != 4 {
					t.Errorf("%d changes within 5 s of the return, want 1; %d flows, want 4", n, m.carried())
				}
				if got := m.late(0.99); got > 150*time.Millisecond {
					t.Errorf("audio waits %v on the path", got)
				}
				if t.Failed() || testing.Verbose() {
					for _, line := range seen {
						t.Log(line)
					}
				}
			})
		}
	}
}

// bursts returns a loss of share in runs of n packets.
func bursts(share float64, n int) func(*rand.Rand) int {
	return func(r *rand.Rand) int {
		if r.Float64() < share/float64(n) {
			return n
		}
		return 0
	}
}

// Loss, jitter, an outage and the group of a join are no congestion: nothing is held back.
func TestCongestQuiet(t *testing.T) {
	for _, rtt := range []int{20, 100, 200} {
		for _, row := range []struct {
			name   string
			model  model
			mended bool // the repair layer must not pause
		}{
			{"nothing", model{}, true},
			{"5 % loss", model{loss: bursts(0.05, 1)}, true},
			{"5 % in fives", model{loss: bursts(0.05, 5)}, true},
			{"jitter of 40 ms", model{jitter: 40 * time.Millisecond, loss: bursts(0.02, 1)}, true},
			{"group of 4 MB", model{groups: func(ms int) int {
				if ms >= 5000 && ms < 6000 {
					return 2500
				}
				return 0
			}, rate: func(ms int) float64 { return 22e6 }}, true},
			{"outage of 300 ms", model{dead: func(ms int) bool { return ms >= 5000 && ms < 5300 }}, true},
			{"outage of 2 s", model{dead: func(ms int) bool { return ms >= 5000 && ms < 7000 }}, false},
		} {
			t.Run(fmt.Sprintf("%s at %d ms", row.name, rtt), func(t *testing.T) {
				m := row.model
				m.rtt, m.buffer, m.flows = time.Duration(rtt)*time.Millisecond, 100*time.Millisecond, standard()
				if m.rate == nil {
					m.rate = steady(50e6)
				}
				paused := 0
				m.step = func(_ int, v verdict) {
					if !v.repair {
						paused++
					}
				}
				m.run(120)
				if len(m.changes) != 0 || row.mended && paused != 0 {
					t.Errorf("changes at %v; repair paused in %d steps", m.changes, paused)
				}
			})
		}
	}
}

// Rates that come and go: what is sent follows, the changes are few, and audio does not wait long.
func TestCongestUnsteady(t *testing.T) {
	for _, row := range []struct {
		name    string
		rate    func(ms int) float64
		loss    func(*rand.Rand) int
		changes int           // at most, in two minutes
		carried float64       // flows, on average, at least
		late    time.Duration // of audio on the path, p95
	}{
		{"down in steps and up again", func(ms int) float64 {
			return []float64{20e6, 3e6, 1.7e6, 0.6e6, 1.7e6, 6e6}[ms/20000]
		}, nil, 6, 2.9, 120 * time.Millisecond},
		{"2 Mbit/s with 2 % of loss", steady(2e6), bursts(0.02, 1), 2, 2.9, 120 * time.Millisecond},
		{"just enough", steady(4.6e6), nil, 4, 3, 150 * time.Millisecond},
		{"just too little", steady(3.4e6), nil, 10, 2.9, 150 * time.Millisecond},
		{"less than audio and base", steady(0.25e6), nil, 3, 2, 400 * time.Millisecond},
		{"like LTE", lte(1), nil, 14, 2.8, 200 * time.Millisecond},
		{"like LTE too", lte(2), nil, 14, 2.8, 200 * time.Millisecond},
	} {
		for _, rtt := range []int{20, 50, 100, 200} {
			t.Run(fmt.Sprintf("%s at %d ms", row.name, rtt), func(t *testing.T) {
				m := &model{rtt: time.Duration(rtt) * time.Millisecond, buffer: 200 * time.Millisecond, flows: standard(), rate: row.rate, loss: row.loss}
				sum, steps := 0, 0
				var seen []string
				m.step = func(ms int, v verdict) {
					sum, steps = sum+v.carry, steps+1
					if v.cut || v.back {
						seen = append(seen, fmt.Sprintf("%d: carry %d probe %d room %.2f rate %.2f", ms, v.carry, v.probe, v.room/1e6, row.rate(ms)/1e6))
					}
				}
				m.run(120)
				mean := float64(sum) / float64(steps)
				late := m.late(0.95)
				t.Logf("%d changes, %.2f flows, audio %v", len(m.changes), mean, late)
				if len(m.changes) > row.changes || mean < row.carried || late > row.late {
					t.Errorf("%d changes, at most %d are right; %.2f flows, want %.2f; audio waits %v, %v is right",
						len(m.changes), row.changes, mean, row.carried, late, row.late)
					for _, line := range seen {
						t.Log(line)
					}
				}
			})
		}
	}
}

// lte returns a rate that wanders between 0.8 and 12 Mbit/s.
func lte(seed uint64) func(int) float64 {
	rng := rand.New(rand.NewPCG(seed, 1))
	var rates []float64
	for r := 5e6; len(rates) < 1200; {
		r = min(max(r*(0.8+0.42*rng.Float64()), 0.8e6), 12e6)
		rates = append(rates, r)
	}
	return func(ms int) float64 { return rates[ms/100] }
}

// A way that becomes longer is no full buffer: after a moment all goes on, and the repair layer with it.
func TestCongestLongerWay(t *testing.T) {
	for _, rtt := range []int{20, 100} {
		for _, longer := range []int{40, 80, 200} {
			for _, loss := range []float64{0, 0.02} {
				m := &model{rtt: time.Duration(rtt) * time.Millisecond, buffer: 100 * time.Millisecond, flows: standard(), rate: steady(50e6)}
				m.loss = bursts(loss, 1)
				paused, last := 0, 0
				m.step = func(ms int, v verdict) {
					if ms == 9999 {
						m.rtt += time.Duration(longer) * time.Millisecond
					}
					if !v.repair {
						paused, last = paused+1, ms
					}
				}
				m.run(60)
				if len(m.changes) > 2 || m.carried() != 4 || paused > 10 || last > 16e3 {
					t.Errorf("%d ms and %d more, loss %.2f: changes at %v, %d flows at the end; repair paused in %d steps, until %d ms",
						rtt, longer, loss, m.changes, m.carried(), paused, last)
				}
			}
		}
	}
}

func loads(sheds ...bool) (flows []load) {
	for i, shed := range sheds {
		flows = append(flows, load{rate: 1e6, must: i < 2, shed: shed})
	}
	return flows
}

// Packets that QUIC's window holds back are a sign as good as delay; those of one key frame are none.
func TestCongestWaiting(t *testing.T) {
	for _, row := range []struct {
		name    string
		waiting int
		oldest  time.Duration
		steps   int
		want    int
	}{
		{"a key frame of many streams", 2000, 20 * time.Millisecond, 5, 4},
		{"once", 500, 400 * time.Millisecond, 1, 4},
		{"many, for long", 500, 160 * time.Millisecond, 2, 3},
		{"few, for longer", 20, 400 * time.Millisecond, 2, 3},
		{"and on", 500, 400 * time.Millisecond, 20, 2},
	} {
		var c controller
		s := signals{flows: loads(false, false, false, false)}
		for n := range congestSteps + row.steps {
			if n == congestSteps {
				s.waiting, s.oldest = row.waiting, row.oldest
			}
			v := c.step(at(200*n), &s)
			for i := range s.flows {
				s.flows[i].shed = i >= v.carry
			}
		}
		if got := carried(s.flows); got != row.want {
			t.Errorf("%s: %d flows go, want %d", row.name, got, row.want)
		}
	}
}

// The first second of a link is not judged.
func TestCongestBeginning(t *testing.T) {
	var c controller
	s := signals{waiting: 500, oldest: time.Second, flows: loads(false, false, false, false)}
	for n := range congestSteps - 1 {
		if v := c.step(at(200*n), &s); v.carry != 4 {
			t.Errorf("step %d: %d flows go", n, v.carry)
		}
	}
	if v := c.step(at(1000), &s); v.carry != 3 {
		t.Errorf("after a second %d flows go, want 3", v.carry)
	}
}

// A peer that cannot be probed gets flows back one after the other, and ever later where that fails.
func TestCongestPlain(t *testing.T) {
	var c controller
	s := signals{flows: loads(false, false, true, true, true)}
	c.cutAt, c.pause, c.slowAt = at(0), backFirst, at(0)
	var backs []int
	for ms := 0; ms < 20000; ms += 200 {
		v := c.step(at(ms), &s)
		if v.back {
			backs = append(backs, ms)
		}
		for i := range s.flows {
			s.flows[i].shed = i >= v.carry
		}
	}
	if len(backs) != 3 || backs[0] < 2000 || backs[1]-backs[0] < 1800 {
		t.Errorf("back at %v", backs)
	}
	last := time.Duration(0)
	for range 8 {
		s.waiting, s.oldest = 500, time.Second
		var ms int
		for ms = int(c.past[0].at.Sub(at(0)).Milliseconds()) + 200; carried(s.flows) == 5; ms += 200 {
			s.flows[4].shed = c.step(at(ms), &s).carry < 5
		}
		if c.pause < min(2*last, backMost) {
			t.Fatalf("a pause of %v after one of %v", c.pause, last)
		}
		last = c.pause
		s.waiting = 0
		s.oldest = 0
		for ; carried(s.flows) < 5; ms += 200 {
			s.flows[4].shed = c.step(at(ms), &s).carry < 5
		}
	}
	if last != backMost {
		t.Errorf("the last pause was %v, want %v", last, backMost)
	}
}

// Whatever the signals are, audio and base layers go, and a probe has a bound.
func TestCongestAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var c controller
	s := signals{probes: true}
	now := start
	for range 200000 {
		now = now.Add(time.Duration(rng.IntN(400)) * time.Millisecond)
		s.rtt, s.lastRTT, s.minRTT = time.Duration(rng.IntN(1e9)), time.Duration(rng.IntN(1e9)), time.Duration(rng.IntN(1e8))
		s.probeRTT, s.rttAt, s.probedAt = time.Duration(rng.IntN(1e9)), now.Add(-time.Duration(rng.IntN(1e9))), now.Add(-time.Duration(rng.IntN(1e9)))
		s.sent, s.asked, s.refused = s.sent+uint64(rng.IntN(500)), s.asked+uint64(rng.IntN(100)), s.refused+uint64(rng.IntN(2))
		s.delivered, s.deliveredAt = s.delivered+uint64(rng.IntN(1e6)), now.Add(-time.Duration(rng.IntN(1e8)))
		s.waiting, s.oldest, s.groups = rng.IntN(300), time.Duration(rng.IntN(3e8)), rng.IntN(2) == 0
		s.flows = s.flows[:0]
		musts := rng.IntN(4)
		for i := range rng.IntN(8) {
			s.flows = append(s.flows, load{rate: rng.Float64() * 1e7, must: i < musts, shed: i >= musts && rng.IntN(3) == 0})
		}
		v := c.step(now, &s)
		if v.carry < min(musts, len(s.flows)) || v.carry > len(s.flows) || v.probe < 0 || v.probe > probeMost || v.room < 0 {
			t.Fatalf("%+v of %+v", v, s)
		}
	}
}

// A step costs no memory.
func TestCongestAllocs(t *testing.T) {
	var c controller
	s := signals{flows: loads(false, false, true, true), probes: true}
	n := 0
	if got := testing.AllocsPerRun(1000, func() { n++; c.step(at(200*n), &s) }); got != 0 {
		t.Errorf("%v allocations a step", got)
	}
}

// A cached group that fills the path for less than a second, and what is left of it behind, holds no layer back.
func TestGroupIsNoNarrowPath(t *testing.T) {
	const rtt = 100 * time.Millisecond
	for _, row := range []struct {
		name string
		s    signals // beside the counts, which grow by these a step
	}{
		{"packets wait", signals{waiting: 300, oldest: 400 * time.Millisecond}},
		{"delay", signals{lastRTT: 2 * rtt, rtt: 2 * rtt}},
		{"loss", signals{lastRTT: rtt + 30*time.Millisecond, rtt: rtt, asked: 60}},
		{"refused", signals{lastRTT: rtt, rtt: rtt, asked: 60, refused: 30}},
	} {
		for _, groups := range []bool{true, false} {
			var c controller
			s := signals{minRTT: rtt, flows: loads(false, false, false, false)}
			cuts := 0
			for n := range 30 {
				now := start.Add(time.Duration(n) * congestEvery)
				full := n >= 10 && n < 14
				s.groups = groups && n >= 10 && n < 12
				s.rtt, s.lastRTT, s.waiting, s.oldest = rtt, rtt, 0, 0
				s.sent, s.delivered = s.sent+200, s.delivered+200e3
				if full {
					s.waiting, s.oldest = row.s.waiting, row.s.oldest
					s.rtt, s.lastRTT = max(rtt, row.s.rtt), max(rtt, row.s.lastRTT)
					s.asked, s.refused = s.asked+row.s.asked, s.refused+row.s.refused
				}
				s.rttAt, s.deliveredAt = now, now
				v := c.step(now, &s)
				if v.why != causeNone {
					cuts++
				}
				if groups && s.groups && v.clear || n > 16 && !v.clear {
					t.Errorf("%s: step %d, clear %v", row.name, n, v.clear)
				}
			}
			if groups != (cuts == 0) {
				t.Errorf("%s, with a group %v: found full %d times", row.name, groups, cuts)
			}
		}
	}
}

// The path is clear while packets wait for QUIC's windows alone.
func TestClearWhilePacketsWait(t *testing.T) {
	const rtt = 100 * time.Millisecond
	var c controller
	s := signals{minRTT: rtt, rtt: rtt, lastRTT: rtt, flows: loads(false, false), waiting: 300, oldest: 400 * time.Millisecond}
	for n := range 10 {
		now := start.Add(time.Duration(n) * congestEvery)
		s.rttAt, s.deliveredAt = now, now
		if v := c.step(now, &s); !v.clear || n > 2 && v.why != causeQueue {
			t.Errorf("step %d: clear %v, found full by %q", n, v.clear, v.why)
		}
	}
}
