package ingest

import (
	"testing"
	"time"

	"freshet/cluster/stream"
)

// Of two publishers who met at one origin the one that calls itself the second goes to the standby when there is one, and
// viewers lack nothing: the other is on the air then. Who does not move is ended.
func TestPart(t *testing.T) {
	for _, backupOnAir := range []bool{false, true} {
		bubble(t, func(t *testing.T, g *Ingest, table *stream.Table) {
			standby := ""
			g.deps.Standby = func(string) string { return standby }
			a, b := sit(t, g, 1), sit(t, g, 5000)
			a.backup.Store(backupOnAir)
			b.backup.Store(!backupOnAir)
			second, first := b, a
			if backupOnAir {
				second, first = a, b
			}
			both := func(d time.Duration) {
				for range d / (40 * time.Millisecond) {
					a.send(1)
					b.send(1)
				}
			}
			both(2 * apartAfter)
			if a.moves.Load()+b.moves.Load() > 0 {
				t.Fatal("told to move, though nobody stands by")
			}
			standby = "origin-2"
			both(apartAfter - time.Second)
			if a.moves.Load()+b.moves.Load() > 0 {
				t.Fatal("told to move too soon")
			}
			both(2*time.Second + changeRest)
			if first.moves.Load() > 0 || second.moves.Load() != 1 || second.closed.Load() {
				t.Fatalf("told to move: the first %d times, the second %d, closed %v", first.moves.Load(), second.moves.Load(), second.closed.Load())
			}
			s := table.Get("floor")
			head := s.Flows[0].Ring.Head()
			both(time.Second)
			if n := s.Flows[0].Ring.Head() - head; n < 20 {
				t.Errorf("%d packets of sound in a second of 25", n)
			}
			both(moveGrace)
			if !second.closed.Load() || first.closed.Load() {
				t.Errorf("closed: the second %v, the first %v", second.closed.Load(), first.closed.Load())
			}
			if s.Err() != nil || table.Get("floor") != s {
				t.Errorf("the stream ended: %v", s.Err())
			}
		})
	}
}

// Two that both call themselves the first, or of whom the other is silent, stay.
func TestPartLeaves(t *testing.T) {
	bubble(t, func(t *testing.T, g *Ingest, _ *stream.Table) {
		g.deps.Standby = func(string) string { return "origin-2" }
		a, b := sit(t, g, 1), sit(t, g, 5000)
		for range 3 * apartAfter / (40 * time.Millisecond) {
			a.send(1)
			b.send(1)
		}
		if a.moves.Load()+b.moves.Load() > 0 || a.closed.Load() || b.closed.Load() {
			t.Error("two of a kind are parted")
		}
		a.backup.Store(true)
		a.send(int(2 * apartAfter / (20 * time.Millisecond)))
		if a.moves.Load() > 0 || a.closed.Load() {
			t.Error("sent away, though the other is silent")
		}
	})
}
