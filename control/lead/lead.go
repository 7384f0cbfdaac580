// Package lead is what the control node does that leads: it gives each stream its origin and standby, makes the relay trees,
// and sees the change of gossip keys through. What it decides, it writes to the ledger, where all control nodes read it.
package lead

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/trace"
	"freshet/control/node"
	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	"freshet/control/roster"
	pb "freshet/proto"
)

const (
	roundEvery = 500 * time.Millisecond
	roundGap   = 50 * time.Millisecond // between rounds, however much changes
	roundTakes = 5 * time.Second
	maxWrites  = 256 // of one round; the rest waits for the next
)

// Quorum is what control nodes agree on, and who leads them.
type Quorum interface {
	roster.Ledger
	Leads() bool
}

// Deps are what a lead works with.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Quorum  Quorum
	Records *node.Records
	Fleet   *node.Fleet
	Roster  *roster.Roster
	Keys    func() (held bool) // whether all nodes hold the gossip keys of the ledger
	Box     roster.Box
	Now     func() time.Time
}

// A Lead decides while its node leads.
type Lead struct {
	d     Deps
	m     *metrics
	lines map[line]*sore // that lose much
}

// New returns a lead.
func New(d Deps) *Lead { return &Lead{d: d, m: newMetrics(d.Metrics), lines: map[line]*sore{}} }

// Run decides until ctx ends, whenever its node leads.
func (l *Lead) Run(ctx context.Context) error {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		streams, state := l.d.Records.Changed(), l.d.Quorum.Changed()
		if l.d.Quorum.Leads() {
			l.round(ctx)
		}
		select {
		case <-time.After(roundGap):
		case <-ctx.Done():
			return nil
		}
		select {
		case <-streams:
		case <-state:
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// round brings the ledger to what the mesh asks for now. What fails is tried again in the next round: another node leads by
// then, or it is worth nothing any more.
func (l *Lead) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roundTakes)
	defer cancel()
	began := time.Now()
	now := l.d.Now()
	ctx, span := trace.Root(ctx, "placement")
	writes := l.decide(now)
	l.m.took.Observe(time.Since(began).Seconds())
	if len(writes) > 0 { // a round that decides nothing is not told of
		span.Count("freshet.decisions", len(writes))
		err := l.writeAll(ctx, writes[:min(len(writes), maxWrites)])
		span.End(err)
		if err != nil {
			return
		}
	}
	if err := l.d.Roster.Turn(ctx, l.d.Keys()); err != nil && ctx.Err() == nil {
		l.d.Log.Warn("the change of the gossip key waits", "err", err)
	}
	if err := l.d.Roster.TurnSigning(ctx, l.d.Box); err != nil && ctx.Err() == nil {
		l.d.Log.Warn("the change of the signing key waits", "err", err)
	}
}

func (l *Lead) writeAll(ctx context.Context, writes []*pb.Entry) error {
	for _, e := range writes {
		if err := l.write(ctx, e); err != nil {
			if ctx.Err() == nil {
				l.d.Log.WarnContext(ctx, "a decision was not written", "err", err)
			}
			return err
		}
	}
	return nil
}

// write writes one decision. That it came too late is no error: the next round knows more.
func (l *Lead) write(ctx context.Context, e *pb.Entry) error {
	done, err := l.d.Quorum.Apply(ctx, e)
	if err != nil {
		return err
	}
	var refusal quorum.Refusal
	if err := done.Err(); err != nil && errors.As(err, &refusal) {
		switch pb.Verdict(refusal) {
		case pb.Verdict_VERDICT_STALE, pb.Verdict_VERDICT_UNKNOWN, pb.Verdict_VERDICT_REMOVED:
			return nil
		}
		return err
	}
	if p := e.GetPlace(); p != nil {
		l.m.placed.Inc()
		l.d.Log.InfoContext(ctx, "stream placed", "stream", p.Stream, "origin", p.Origin, "standby", p.Standby, "epoch", done.Number)
	}
	return nil
}

// state is the ledger as it is now, and the mesh that its nodes are.
func (l *Lead) decide(now time.Time) []*pb.Entry {
	state := l.d.Quorum.State()
	all := l.d.Fleet.All(now)
	m := meshOf(all, state)
	if len(m.Nodes) == 0 {
		return nil // nobody is heard: it is likelier that this node is cut off than that all others died
	}
	m.Losses = l.losses(all, now)
	writes, placed := l.origins(m, all, state, now)
	return append(writes, l.trees(m, all, state, placed)...)
}

func adminOf(s *ledger.State, name string) pb.AdminState {
	if n := s.Nodes[name]; n != nil {
		return n.State
	}
	return pb.AdminState_ADMIN_STATE_UNSPECIFIED
}
