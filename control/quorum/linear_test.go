package quorum

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/hashicorp/raft"

	pb "freshet/proto"
)

// What clients of a placement ask, and what they were told.
type (
	asked struct {
		stream string
		kind   string // place, unplace or read
		origin string
		expect uint64
	}
	told struct {
		unknown bool // it may have been done, then or later
		not     bool // it was not done, nor will be
		verdict pb.Verdict
		epoch   uint64
		origin  string // of a read
	}
	// placed is a placement as it should be, whatever happens to nodes.
	placed struct {
		origin string // empty: none
		epoch  uint64 // the last one
	}
)

func (p placed) expected() uint64 {
	if p.origin == "" {
		return 0
	}
	return p.epoch
}

// model says which answers a placement that was in one place would give.
var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, o := range history {
			s := o.Input.(asked).stream
			by[s] = append(by[s], o)
		}
		var out [][]porcupine.Operation
		for _, one := range by {
			out = append(out, one)
		}
		return out
	},
	Init: func() any { return placed{} },
	Step: func(state, input, output any) (bool, any) {
		p, in, out := state.(placed), input.(asked), output.(told)
		if out.not {
			return true, p
		}
		next, want := p, told{verdict: pb.Verdict_VERDICT_DONE}
		switch in.kind {
		case "read":
			return out.unknown || out.origin == p.origin && out.epoch == p.expected(), p
		case "place":
			switch {
			case p.expected() != in.expect:
				want.verdict = pb.Verdict_VERDICT_STALE
			case p.origin != in.origin:
				next = placed{in.origin, p.epoch + 1}
			}
			want.epoch = next.expected()
		case "unplace":
			switch {
			case p.origin == "":
				want.verdict = pb.Verdict_VERDICT_UNKNOWN
			case p.epoch != in.expect:
				want.verdict, want.epoch = pb.Verdict_VERDICT_STALE, p.epoch
			default:
				next, want.epoch = placed{"", p.epoch}, p.epoch
			}
		}
		return out.unknown || out == want, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// A history is what several clients were told, in the order of their clocks.
type history struct {
	mu    sync.Mutex
	ops   []porcupine.Operation
	begun time.Time
}

func (h *history) add(client int, in asked, call time.Duration, out told) {
	end := int64(time.Since(h.begun))
	if out.unknown {
		end = int64(100 * time.Hour) // it may still come
	}
	h.mu.Lock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: end})
	h.mu.Unlock()
}

// client asks random nodes for random things until ctx ends. Which streams it asks about changes each second, so that
// the search for an order stays short.
func (h *history) client(ctx context.Context, id int, r *rand.Rand, node func(i int) *node) {
	seen := map[string]uint64{} // epochs as they were told
	for ctx.Err() == nil {
		in := asked{stream: fmt.Sprintf("s%d-%d", int(time.Since(h.begun).Seconds()), r.IntN(2)), origin: fmt.Sprintf("o%d", r.IntN(4))}
		switch n := r.IntN(10); {
		case n < 3:
			in.kind = "read"
		case n < 9:
			in.kind, in.expect = "place", seen[in.stream]
		default:
			in.kind, in.expect = "unplace", seen[in.stream]
		}
		within, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
		call, n := time.Since(h.begun), node(r.IntN(1000))
		out := told{}
		if in.kind == "read" {
			s, err := n.Read(within)
			if out.unknown = err != nil; err == nil {
				p := s.Placements[in.stream]
				out.origin, out.epoch = p.GetOrigin(), p.GetEpoch()
				seen[in.stream] = out.epoch
			}
		} else {
			e := placing(in.stream, in.origin, in.expect)
			if in.kind == "unplace" {
				e = &pb.Entry{Body: &pb.Entry_Unplace{Unplace: &pb.Unplace{Stream: in.stream, Expect: in.expect}}}
			}
			res, err := n.Apply(within, e)
			switch {
			case errors.Is(err, ErrUnknown):
				out.unknown = true
			case err != nil:
				out.not = true
			default:
				out.verdict, out.epoch = res.Verdict, res.Number
				seen[in.stream] = res.Number
				if in.kind == "unplace" && res.Err() == nil || res.Verdict == pb.Verdict_VERDICT_UNKNOWN {
					seen[in.stream] = 0
				}
			}
		}
		cancel()
		h.add(id, in, call, out)
		select {
		case <-time.After(time.Duration(r.IntN(10)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// Placements and epochs are those of a single copy, whatever is killed, paused and cut off, on whichever node they are
// asked for.
func TestLinearizable(t *testing.T) {
	lasting := 12 * time.Second
	if long, err := time.ParseDuration(os.Getenv("FRESHET_LONG")); err == nil {
		lasting = long
	} else if testing.Short() {
		lasting = 5 * time.Second
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed) // of what is asked and broken; when, the machine decides
	r := rand.New(rand.NewPCG(seed, 1))
	c := newCluster(t, 3)
	names := c.running()

	var mu sync.Mutex // the map of nodes: clients read it while the test kills and revives
	node := func(i int) *node {
		mu.Lock()
		defer mu.Unlock()
		return c.nodes[names[i%len(names)]]
	}
	h := &history{begun: time.Now()}
	ctx, cancel := context.WithTimeout(context.Background(), lasting)
	defer cancel()
	var clients sync.WaitGroup
	for id := range 5 {
		r := rand.New(rand.NewPCG(seed, uint64(id)+2))
		clients.Go(func() { h.client(ctx, id, r, node) })
	}
	faults := map[string]int{}
	for ctx.Err() == nil {
		name := names[r.IntN(3)]
		if l := node(0).Status().Leader; l != "" && r.IntN(2) == 0 {
			name = l // faults of a leader tell most
		}
		n, other := c.nodes[name], names[r.IntN(3)]
		pause := time.Duration(50+r.IntN(900)) * time.Millisecond
		fault := []string{"kill", "crash", "pause", "one way", "one way", "slow", "hand over"}[r.IntN(7)]
		faults[fault]++
		switch fault {
		case "kill", "crash":
			if fault == "kill" {
				c.kill(n)
			} else {
				c.crash(n)
			}
			c.net.mend(addrOf(name))
			revived := c.built(name)
			mu.Lock()
			c.nodes[name] = revived
			mu.Unlock()
			c.run(revived)
		case "pause":
			c.net.isolate(addrOf(name), c.others(name)...)
			during(ctx, pause)
		case "one way":
			c.net.cutWay(addrOf(name), addrOf(other))
			during(ctx, pause)
		case "slow":
			c.net.delayAll(time.Duration(r.IntN(30)) * time.Millisecond)
			during(ctx, pause)
			c.net.delayAll(0)
		case "hand over":
			if rf := n.raft.Load(); rf != nil && rf.State() == raft.Leader {
				n.handOver(ctx, rf, nil)
			}
		}
		c.net.mendAll()
		during(ctx, pause)
	}
	clients.Wait()
	c.same()
	c.epochsDiffer(h)

	unknown := 0
	for _, o := range h.ops {
		if o.Output.(told).unknown {
			unknown++
		}
	}
	t.Logf("%d operations, %d of unknown outcome, faults %v", len(h.ops), unknown, faults)
	if len(h.ops)-unknown < 50 {
		t.Errorf("only %d operations were answered", len(h.ops)-unknown)
	}
	switch porcupine.CheckOperationsTimeout(model, h.ops, 2*time.Minute) {
	case porcupine.Illegal:
		res, info := porcupine.CheckOperationsVerbose(model, h.ops, time.Minute)
		at := t.ArtifactDir() + "/history.html"
		t.Errorf("%v: no order of a single copy explains what clients were told; see %s: %v", res, at, porcupine.VisualizePath(model, info, at))
	case porcupine.Unknown:
		t.Error("not decided within 2 minutes")
	}
}

// epochsDiffer checks that no epoch of a stream was given to two origins.
func (c *cluster) epochsDiffer(h *history) {
	type of struct {
		stream string
		epoch  uint64
	}
	origins := map[of]string{}
	for _, o := range h.ops {
		in, out := o.Input.(asked), o.Output.(told)
		if in.kind != "place" || out.unknown || out.not || out.verdict != pb.Verdict_VERDICT_DONE {
			continue
		}
		k := of{in.stream, out.epoch}
		if have, ok := origins[k]; ok && have != in.origin {
			c.Errorf("%s: epoch %d is of %s and of %s", k.stream, k.epoch, have, in.origin)
		}
		origins[k] = in.origin
	}
}

// during lets time pass in which a fault lasts.
func during(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// The model is able to say no.
func TestModel(t *testing.T) {
	op := func(client int, call, end int64, in asked, out told) porcupine.Operation {
		return porcupine.Operation{ClientId: client, Call: call, Return: end, Input: in, Output: out}
	}
	place := func(origin string, expect uint64) asked {
		return asked{stream: "a", kind: "place", origin: origin, expect: expect}
	}
	done := func(epoch uint64) told { return told{verdict: pb.Verdict_VERDICT_DONE, epoch: epoch} }
	read := asked{stream: "a", kind: "read"}
	for _, c := range []struct {
		name string
		ops  []porcupine.Operation
		ok   bool
	}{
		{"one after the other", []porcupine.Operation{op(0, 0, 1, place("x", 0), done(1)), op(1, 2, 3, place("y", 1), done(2))}, true},
		{"one epoch twice", []porcupine.Operation{op(0, 0, 5, place("x", 0), done(1)), op(1, 1, 6, place("y", 0), done(1))}, false},
		{"a stale read", []porcupine.Operation{op(0, 0, 1, place("x", 0), done(1)), op(1, 2, 3, read, told{})}, false},
		{"a lost write", []porcupine.Operation{op(0, 0, 1, place("x", 0), done(1)), op(1, 2, 3, place("y", 0), done(1))}, false},
		{"an unknown one that was done", []porcupine.Operation{
			op(0, 0, 1<<60, place("x", 0), told{unknown: true}), op(1, 2, 3, read, told{origin: "x", epoch: 1}),
		}, true},
		{"backwards", []porcupine.Operation{
			op(0, 0, 9, place("x", 0), done(1)), op(1, 1, 2, read, told{origin: "x", epoch: 1}), op(1, 3, 4, read, told{}),
		}, false},
	} {
		if got := porcupine.CheckOperations(model, c.ops); got != c.ok {
			t.Errorf("%s: %v, want %v", c.name, got, c.ok)
		}
	}
}

// Of placers that race, on different nodes, one wins each epoch.
func TestPlacersRace(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	var mu sync.Mutex
	won := map[uint64]string{}
	var all sync.WaitGroup
	for _, name := range c.running() {
		n := c.nodes[name]
		all.Go(func() {
			for range 30 {
				s, err := n.Read(c.within(10 * time.Second))
				if err != nil {
					t.Error(err)
					return
				}
				p := s.Placements["a"]
				// Each places itself; who is the origin already places another first, so that an epoch is at stake each time.
				origin := name
				if p.GetOrigin() == name {
					origin = "none-of-them"
				}
				r, err := n.Apply(c.within(10*time.Second), placing("a", origin, p.GetEpoch()))
				if err != nil {
					t.Error(err)
					return
				}
				if r.Err() == nil {
					mu.Lock()
					if other, ok := won[r.Number]; ok {
						t.Errorf("epoch %d was given to %s and to %s", r.Number, other, name)
					}
					won[r.Number] = name
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if got := c.leader().State().Placements["a"].GetEpoch(); got != uint64(len(won)) || got < 30 {
		t.Errorf("epoch %d after %d were won", got, len(won))
	}
}
