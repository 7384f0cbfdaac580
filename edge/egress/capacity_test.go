package egress

import (
	"context"
	"testing"
	"time"

	"freshet/edge/admit"
)

// Bounds of what any machine costs: a packet of AES-GCM and a share of a system call, neither free nor a
// millisecond, race detector included.
func TestMeasure(t *testing.T) {
	m, err := Measure(t.Context(), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v: %d packets/s on two cores", m, m.Capacity(2, 2).Packets)
	if m.Cost < 50*time.Nanosecond || m.Cost > time.Millisecond {
		t.Errorf("a packet costs %v, want 50 ns to 1 ms", m.Cost)
	}
	if m.Samples < 1 || m.Least > m.Cost || m.Cost > m.Most {
		t.Errorf("got %d samples from %v to %v around %v", m.Samples, m.Least, m.Most, m.Cost)
	}
}

// Who is told to stop gets what one round says.
func TestMeasureEndsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, err := Measure(ctx, time.Hour)
	if err != nil || m.Samples != 1 {
		t.Errorf("got %d samples, %v; want 1", m.Samples, err)
	}
}

// What the probe sends is the typical load, in its proportions.
func TestProbeIsTypical(t *testing.T) {
	p, err := newProbe()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	packets := 0
	for range 20 { // 2 s of it
		packets += p.run()
	}
	c, want := p.batch.count, admit.Typical()
	if got := int64(packets / probeViewers); got != 2*want.Packets {
		t.Errorf("packets a viewer in 2 s: got %d, want %d", got, 2*want.Packets)
	}
	if got := int64(8 * c.bytes / probeViewers); got != 2*want.Bits {
		t.Errorf("bits a viewer in 2 s: got %d, want %d", got, 2*want.Bits)
	}
	if c.packets != packets || c.dropped != 0 {
		t.Errorf("handed %d packets of %d to the kernel, which dropped %d", c.packets, packets, c.dropped)
	}
}

func TestCapacity(t *testing.T) {
	m := Measurement{Cost: time.Microsecond} // of which a core does a million, and a loop 571,428 with 0.8 of it
	for _, row := range []struct {
		loops, cores int
		want         int64
	}{{1, 1, 571_428}, {1, 4, 571_428}, {2, 2, 1_142_857}, {8, 2, 1_142_857}} {
		if got := m.Capacity(row.loops, row.cores); got != (admit.Rate{Packets: row.want}) {
			t.Errorf("%d loops on %d cores: got %+v, want %d packets", row.loops, row.cores, got, row.want)
		}
	}
}
