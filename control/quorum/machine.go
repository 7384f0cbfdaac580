package quorum

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/hashicorp/raft"

	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// A machine is the ledger as Raft feeds it. Raft's goroutine writes; everybody reads.
//
// An entry that this release cannot read stops it: the ledger stays as it is, no further entry is taken, and no snapshot
// is made. So the log keeps the entry, and a newer release that is started on the same directory takes it and all that
// came after.
type machine struct {
	log *slog.Logger

	mu      sync.Mutex
	l       *ledger.Ledger
	stopped error         // why no entry is taken any more
	changed chan struct{} // closed and replaced with each change
}

func newMachine(log *slog.Logger) *machine {
	return &machine{log: log, l: ledger.New(), changed: make(chan struct{})}
}

func (m *machine) view() *ledger.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.l.View()
}

func (m *machine) changes() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

func (m *machine) index() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.l.Index()
}

// trouble returns why the machine has stopped, nil while it has not.
func (m *machine) trouble() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stopped
}

// Apply implements raft.FSM.
func (m *machine) Apply(l *raft.Log) any { return m.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch takes entries that were committed. Of each there is a *pb.Outcome or an error.
func (m *machine) ApplyBatch(logs []*raft.Log) []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	out, before := make([]any, len(logs)), m.l.Index()
	for i, e := range logs {
		if e.Type != raft.LogCommand {
			continue
		}
		if m.stopped != nil {
			out[i] = m.stopped
			continue
		}
		o, err := m.l.Apply(e.Index, e.Data)
		if err != nil {
			m.stop(fmt.Errorf("entry %d of the log: %w", e.Index, err))
			out[i] = m.stopped
			continue
		}
		out[i] = o
	}
	if m.l.Index() != before {
		m.tell()
	}
	return out
}

// stop has the machine take nothing more. The lock is held.
func (m *machine) stop(why error) {
	m.stopped = why
	m.log.Error("what control nodes agree on is followed no further: start a newer release here", "err", why)
	m.tell() // whoever waits for an index waits in vain
}

func (m *machine) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Snapshot implements raft.FSM.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped != nil {
		return nil, m.stopped // it would hide the entries that were not taken
	}
	return snapshot{m.l.Snapshot()}, nil
}

// Restore implements raft.FSM: it takes another node's ledger, or that of before the start, as a whole or not at all.
func (m *machine) Restore(from io.ReadCloser) error {
	b, err := io.ReadAll(io.LimitReader(from, ledger.MaxSnapshot+1))
	if err == nil && len(b) > ledger.MaxSnapshot {
		err = fmt.Errorf("snapshot: %w: over %d bytes", ledger.ErrMalformed, ledger.MaxSnapshot)
	}
	var l *ledger.Ledger
	if err == nil {
		l, err = ledger.Open(b)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case errors.Is(err, ledger.ErrTooNew):
		m.stop(err)
		return err
	case err != nil:
		m.log.Error("snapshot refused", "err", err)
		return err
	}
	m.l, m.stopped = l, nil
	m.tell()
	return nil
}

// A snapshot is written while the machine goes on.
type snapshot struct{ of *ledger.Snapshot }

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	b, err := s.of.Append(nil)
	if err == nil {
		_, err = sink.Write(b)
	}
	if err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

func (snapshot) Release() {}

// outcome returns what ApplyBatch said of an entry.
func outcome(said any) (*pb.Outcome, error) {
	switch o := said.(type) {
	case *pb.Outcome:
		return o, nil
	case error:
		return nil, o
	}
	return nil, fmt.Errorf("no outcome: %v", said)
}
