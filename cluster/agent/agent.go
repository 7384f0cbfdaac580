package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

const (
	factsEvery = time.Second
	factsGap   = 50 * time.Millisecond // between two facts, however much changes
	dialWait   = 3 * time.Second
	retryMin   = 100 * time.Millisecond
	retryMax   = 5 * time.Second
	saveEvery  = time.Second // a burst of changes costs one write to disk a second
)

// Config says who the node is and where control listens.
type Config struct {
	Node, Role, Region, Software string

	Position *pb.Position // where the node stands, nil where nobody said
	Control  []string     // host:port of control nodes, tried in turn; none where Deps.Controls says
	Cache    string       // file that keeps the last snapshot, empty for none
}

// Validate names the first thing that is wrong.
func (c Config) Validate() error {
	for _, a := range c.Control {
		if _, _, err := net.SplitHostPort(a); err != nil {
			return fmt.Errorf("control: %w", err)
		}
	}
	return nil
}

// Deps are what an agent is given.
type Deps struct {
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Identity *identity.Identity
	State    *State
	Facts    func(now time.Time) *pb.NodeFacts // called by the agent's goroutine alone
	Changed  func() <-chan struct{}            // closed when the facts changed; asked for before Facts
	Controls func() []string                   // where control nodes are now, nil where Config.Control says it all
}

// An Agent keeps State as control says and tells control the node's facts.
type Agent struct {
	cfg Config
	d   Deps
	m   *metrics
}

// New returns an agent. Where cfg.Cache holds a snapshot, the state has it at once; a file that cannot
// be read is logged and left alone, since control will replace it.
func New(cfg Config, d Deps) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if d.Controls == nil {
		if len(cfg.Control) == 0 {
			return nil, errors.New("control: no address")
		}
		d.Controls = func() []string { return cfg.Control }
	}
	a := &Agent{cfg: cfg, d: d, m: newMetrics(d.Metrics)}
	if cfg.Cache == "" {
		return a, nil
	}
	n, err := load(cfg.Cache)
	switch {
	case err != nil:
		d.Log.Warn("cached snapshot unreadable, waiting for control", "err", err)
		a.m.cacheErrors.Inc()
	case n != nil:
		d.State.replace(n)
		d.State.forget() // a program before this one kept it, and may not have known all that control says now
		a.m.streams.Set(float64(len(n.Streams)))
	}
	return a, nil
}

// Run keeps a line to control until ctx ends: it dials, and when the line breaks dials again after a
// pause that grows from 0.1 to 5 s, with jitter. State keeps what it has meanwhile. Run returns nil.
func (a *Agent) Run(ctx context.Context) error {
	saves := make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { a.keep(ctx, saves); return nil })
	g.Go(func() error { a.connect(ctx, saves); return nil })
	return g.Wait()
}

func (a *Agent) connect(ctx context.Context, saves chan<- struct{}) {
	pause, away := retryMin, false
	for i := 0; ctx.Err() == nil; i++ {
		all := a.d.Controls()
		if len(all) == 0 {
			if !sleep(ctx, retryMax/2) {
				return
			}
			continue
		}
		addr := all[i%len(all)]
		heard, err := a.session(ctx, addr, saves)
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause, away = retryMin, false
		}
		if errors.Is(err, errGap) {
			a.d.State.forget() // control answers version 0 with a snapshot
		}
		if identity.RefusedBy(err) {
			a.d.Identity.Doubt() // control says why where certificates are renewed
		}
		if !away { // once for each time control goes away, not once a try
			a.d.Log.Warn("control away, going on with what is known", "peer", addr, "err", err)
			away = true
		}
		if !sleep(ctx, pause/2+rand.N(pause)) {
			return
		}
		pause = min(2*pause, retryMax)
	}
}

// session speaks with the control node at addr until the line breaks. heard says whether control answered.
func (a *Agent) session(ctx context.Context, addr string, saves chan<- struct{}) (heard bool, err error) {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: dialWait},
		Config:    a.d.Identity.ClientTLS([]string{ALPN}, "", "control"),
	}
	dialCtx, cancel := context.WithTimeout(ctx, dialWait)
	conn, err := dialer.DialContext(dialCtx, "tcp", addr)
	cancel()
	if err != nil {
		a.m.connects.WithLabelValues(string(connectFailed)).Inc()
		return false, fmt.Errorf("dial control: %w", err)
	}
	a.m.connects.WithLabelValues(string(connectDone)).Inc()
	w := NewWire(conn, MaxDown)

	g, ctx := errgroup.WithContext(ctx)
	// Receive waits on the socket alone; closing it is what ends the wait.
	stop := context.AfterFunc(ctx, func() { _ = w.Close() })
	defer stop()
	defer func() { _ = w.Close() }()
	g.Go(func() error { return a.report(ctx, w) })
	g.Go(func() error { return a.d.Identity.Watch(ctx, conn.(*tls.Conn).ConnectionState()) })
	g.Go(func() error {
		for {
			m := &pb.AgentDown{}
			if err := w.Receive(m); err != nil {
				return fmt.Errorf("hear control: %w", err)
			}
			if !heard {
				a.d.Log.Info("control heard", "peer", addr)
				a.m.connected.Set(1)
				heard = true
			}
			if err := a.take(m, saves); err != nil {
				return err
			}
		}
	})
	err = g.Wait()
	a.m.connected.Set(0)
	return heard, err
}

// take does what one message of control says.
func (a *Agent) take(m *pb.AgentDown, saves chan<- struct{}) error {
	switch b := m.Body.(type) {
	case *pb.AgentDown_Snapshot:
		a.d.State.replace(b.Snapshot)
	case *pb.AgentDown_Delta:
		if err := a.d.State.change(b.Delta); err != nil {
			return err
		}
	default:
		return nil // an acknowledgement, or a message of a newer control
	}
	a.m.streams.Set(float64(a.d.State.size()))
	select {
	case saves <- struct{}{}:
	default: // one is due already and will write the newest
	}
	return nil
}

// report sends the hello, then facts each second and soon after a change.
func (a *Agent) report(ctx context.Context, w *Wire) error {
	hello := &pb.AgentHello{
		Node: a.cfg.Node, Role: a.cfg.Role, Region: a.cfg.Region, Software: a.cfg.Software, Version: a.d.State.Version(),
		Position: a.cfg.Position,
	}
	if err := w.Send(&pb.AgentUp{Body: &pb.AgentUp_Hello{Hello: hello}}); err != nil {
		return fmt.Errorf("greet control: %w", err)
	}
	tick := time.NewTicker(factsEvery)
	defer tick.Stop()
	for seq := uint64(1); ; seq++ {
		changed := a.d.Changed()
		f := a.d.Facts(time.Now())
		f.Sequence = seq
		if err := w.Send(&pb.AgentUp{Body: &pb.AgentUp_Facts{Facts: f}}); err != nil {
			return fmt.Errorf("tell control: %w", err)
		}
		if !sleep(ctx, factsGap) {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-tick.C:
		}
	}
}

// keep writes the state to disk after it changed, at most once in saveEvery, and once more at the end.
func (a *Agent) keep(ctx context.Context, saves <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			select {
			case <-saves:
				a.save()
			default:
			}
			return
		case <-saves:
			a.save()
		}
		sleep(ctx, saveEvery)
	}
}

func (a *Agent) save() {
	if a.cfg.Cache == "" {
		return
	}
	if err := save(a.cfg.Cache, a.d.State.snapshot()); err != nil {
		a.m.cacheErrors.Inc()
		a.d.Log.Error("snapshot not kept on disk", "err", err)
	}
}

// sleep waits for d and returns false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
