// Package quorum keeps the ledger of a cluster on its control nodes by Raft: what one of them has acknowledged, all of
// them say, whichever dies. Any control node takes writes and reads; the leader decides.
package quorum

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/control/quorum/ledger"
)

// ALPN of the two lines between control nodes.
const (
	RaftALPN = "freshet-raft/1"
	CallALPN = "freshet-quorum/1"
)

// Config says which part of the quorum a node is.
type Config struct {
	Node      string   // name, the same for life
	Advertise string   // host:port at which the other control nodes reach both lines
	Dir       string   // of log and snapshots, this node's own
	Bootstrap bool     // where Dir has no log yet: begin a quorum of this node alone, instead of waiting to be joined
	Seeds     []string // addresses of control nodes, asked for the leader while this node knows none
}

// Validate names the first thing that is wrong.
func (c Config) Validate() error {
	if c.Node == "" {
		return errors.New("node: no name")
	}
	if c.Dir == "" {
		return errors.New("quorum: no directory")
	}
	if _, _, err := net.SplitHostPort(c.Advertise); err != nil {
		return fmt.Errorf("advertise: %w", err)
	}
	return nil
}

// A Line is how control nodes speak one protocol with each other. Connections of both ends are those of control nodes.
type Line struct {
	Listener net.Listener
	Dial     func(ctx context.Context, addr string) (net.Conn, error)
}

// Deps are what a quorum is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
	Raft    Line // what RaftALPN has brought
	Calls   Line // what CallALPN has brought
	Now     func() time.Time
}

// A Quorum is a node's part in it. Its methods may be called from any goroutine, before and after Run, too: without a
// leader they wait, and after Run they fail with net.ErrClosed.
type Quorum struct {
	cfg     Config
	d       Deps
	log     *slog.Logger
	m       *metrics
	machine *machine
	pool    *pool
	leader  *leader
	peers   *peers
	disk    *disk

	raft    atomic.Pointer[raft.Raft] // nil before Run
	store   atomic.Pointer[store]     // with it
	settled atomic.Uint64             // the term in which this node leads and has applied all of the terms before
	gate    *gate                     // before Raft
	slots   chan struct{}             // of writes under way at this node
	closed  chan struct{}             // Run has ended
}

// New checks cfg. Run opens the log.
func New(cfg Config, d Deps) (*Quorum, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	log := d.Log.With("part", "quorum")
	q := &Quorum{
		cfg: cfg, d: d, log: log, leader: newLeader(), peers: newPeers(), disk: newDisk(cfg.Dir),
		gate: newGate(), slots: make(chan struct{}, maxWrites), closed: make(chan struct{}),
	}
	q.m = newMetrics(d.Metrics, q)
	q.machine = newMachine(log)
	q.pool = newPool(d.Calls.Dial)
	return q, nil
}

// State is the ledger as this node has it now: what was acknowledged a moment ago elsewhere may be missing.
func (q *Quorum) State() *ledger.State { return q.machine.view() }

// Changed returns a channel that is closed when State becomes another. Who asks for it before State misses nothing.
func (q *Quorum) Changed() <-chan struct{} { return q.machine.changes() }

// Run takes part until ctx ends, and closes the listeners that it was given. A leader hands over first, so that the others
// need not notice its silence.
func (q *Quorum) Run(ctx context.Context) error {
	defer close(q.closed)
	defer q.pool.close()
	defer func() {
		_, _ = q.d.Raft.Listener.Close(), q.d.Calls.Listener.Close() // mostly again
	}()
	s, err := q.open()
	if err != nil {
		return err
	}
	q.store.Store(s)
	q.raft.Store(s.raft)

	// What serves calls outlives ctx, so that a follower's writes are taken until another leads.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, work := errgroup.WithContext(work)
	g.Go(func() error { return q.serve(work) })
	g.Go(func() error { return q.follow(work, s.raft) })
	g.Go(func() error { return q.settle(work, s.raft) })
	g.Go(func() error { return q.care(work, s.raft) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
			q.handOver(work, s.raft, nil)
			stop()
		case <-work.Done():
		}
		return nil
	})
	err = g.Wait()
	// A leader without followers finds out within its lease, and answers everybody.
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeWait)
	defer cancel()
	q.gate.close(rest)
	return errors.Join(err, s.close())
}

// handOver has another voter lead, to where that is given, if this node leads and there is one. It takes an election's
// time at most.
func (q *Quorum) handOver(ctx context.Context, r *raft.Raft, to *raft.Server) {
	if r.State() != raft.Leader || voters(r) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, handOverWait)
	defer cancel()
	err := await(ctx, q.gate, func() raft.Future {
		if to != nil {
			return r.LeadershipTransferToServer(to.ID, to.Address)
		}
		return r.LeadershipTransfer()
	})
	if err != nil {
		q.log.WarnContext(ctx, "nobody takes the lead over", "err", err)
	}
}
