package relay

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"freshet/cluster/stream"
)

// laid has a source of the standard stream on origin, a hub below a strait, and an edge that takes it from there.
func laid(t *testing.T, s *strait) (origin, edge *node, src *modelSource, p *publisher) {
	m := newMesh(t)
	origin = m.node("origin", nodeConfig{behind: maxBehind})
	hub := m.node("hub", nodeConfig{behind: maxBehind}, narrow(t, origin.up(), s))
	edge = m.node("edge", nodeConfig{behind: maxBehind}, hub.up())
	src = &modelSource{flows: standard(), wrote: make([]int, 4), asked: make([]atomic.Bool, 4)}
	p = &publisher{}
	p.Stream = stream.New("a", 1, nil, []stream.Format{audioFormat, layer(0), layer(1), layer(2)}, func(f *stream.Flow) {
		p.asked.Add(1)
		src.asked[f.Index].Store(true)
	})
	if !origin.table.Put(p.Stream) {
		t.Fatal("stream refused")
	}
	src.into = p.Flows
	return origin, edge, src, p
}

// A hop cut to 2 Mbit/s under 3.6: the top layer goes, once, and the edge behind the next hop knows it; audio
// and base layer are whole, and the top layer is back soon after the room is.
func TestNarrowHop(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 60 s: make proof runs it")
	}
	for _, row := range []struct{ rtt, buffer time.Duration }{
		{20 * time.Millisecond, 100 * time.Millisecond},
		{50 * time.Millisecond, 300 * time.Millisecond},
		{200 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(row.rtt.String(), func(t *testing.T) {
			t.Parallel()
			narrowHop(t, &strait{buffer: row.buffer, delay: row.rtt / 2})
		})
	}
}

func narrowHop(t *testing.T, s *strait) {
	s.rate.Store(50e6)
	origin, edge, src, p := laid(t, s)
	lease := pullNow(t, edge, "a")
	defer lease.Release()
	var came, sent []*recorder
	for i, f := range lease.Stream().Flows {
		f.Want()
		defer f.Unwant()
		came, sent = append(came, record(f)), append(sent, record(p.Flows[i]))
	}
	began := time.Now()
	cut, back, end := began.Add(4*time.Second), began.Add(14*time.Second), began.Add(20*time.Second)
	for _, row := range []struct {
		at   time.Time
		rate int64
	}{{cut, 2e6}, {back, 50e6}} {
		timer := time.AfterFunc(time.Until(row.at), func() { s.rate.Store(row.rate) })
		defer timer.Stop()
	}
	top := lease.Stream().Flows[3]
	src.run(began, cut.Add(5*time.Second))
	if !top.Shed() || lease.Stream().Flows[2].Shed() {
		t.Errorf("at the edge the top layer is held back: %v, the middle one: %v", top.Shed(), lease.Stream().Flows[2].Shed())
	}
	src.run(began, end)
	eventually(t, "known at the edge to be back", func() bool { return !top.Shed() })
	eventually(t, "the last of audio and base layer", func() bool {
		return came[0].len() == src.wrote[0] && came[1].len() == src.wrote[1]
	})
	var lates []time.Duration
	for n, at := range sent[0].at {
		if at.After(cut.Add(time.Second)) {
			lates = append(lates, came[0].at[n].Sub(at)-s.delay)
		}
	}
	slices.Sort(lates)
	t.Logf("audio late p50 %v, p99 %v, most %v; layers got %d of %d, %d of %d", lates[len(lates)/2], lates[len(lates)*99/100], lates[len(lates)-1],
		came[2].len(), src.wrote[2], came[3].len(), src.wrote[3])
	t.Logf("sheds %v, returns %v, probes %v, pauses %v; key frames asked for %d", origin.metric("sheds_total"), origin.metric("returns_total"),
		origin.metric("probes_total"), origin.metric("repair_pauses_total"), p.asked.Load())
	if sheds, returns := origin.metric("sheds_total"), origin.metric("returns_total"); sheds != 1 || returns != 1 {
		t.Errorf("%v sheds and %v returns, want one of each", sheds, returns)
	}
	first := end
	for _, at := range came[3].at {
		if at.After(back) && at.Before(first) {
			first = at
		}
	}
	if first.Sub(back) > 5*time.Second {
		t.Errorf("the top layer is back %v after the room", first.Sub(back))
	}
	t.Logf("top layer back after %v", first.Sub(back))
	if n := src.wrote[2] - came[2].len(); n > src.wrote[2]/20 {
		t.Errorf("%d of %d packets of the middle layer did not come", n, src.wrote[2])
	}
	if origin.metric("shed_flows") != 0 {
		t.Errorf("%v flows are still held back", origin.metric("shed_flows"))
	}
}

// Loss in runs of five is no want of room: nothing is held back, and the repair layer never pauses.
func TestLossShedsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s: make proof runs it")
	}
	rng := rand.New(rand.NewPCG(1, 5))
	lose := bursts(0.05, 5)
	s := &strait{buffer: 100 * time.Millisecond, delay: 50 * time.Millisecond, lose: func() int { return lose(rng) }}
	s.rate.Store(50e6)
	origin, edge, src, _ := laid(t, s)
	lease := pullNow(t, edge, "a")
	defer lease.Release()
	var came []*recorder
	for _, f := range lease.Stream().Flows {
		f.Want()
		defer f.Unwant()
		came = append(came, record(f))
	}
	began := time.Now()
	src.run(began, began.Add(10*time.Second))
	for i := range came {
		eventually(t, "all of a flow", func() bool { return came[i].len() == src.wrote[i] })
	}
	for _, name := range []string{"sheds_total", "repair_pauses_total", "probes_total"} {
		if n := origin.metric(name); n != 0 {
			t.Errorf("%s is %v, want 0", name, n)
		}
	}
}
