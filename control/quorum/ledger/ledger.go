// Package ledger is what control nodes agree on: nodes, join tokens, who carries which stream, keys and settings, as the
// entries of the Raft log add up to it. Two ledgers that have taken the same entries are the same to the byte, whenever
// and wherever: there is no clock here, nothing random, no order of maps, no input or output. An entry brings its time.
package ledger

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "freshet/proto"
)

// Version is the newest version of entries and snapshots that is read here, and the one that is written. A release that
// adds a body, a field or a value to them raises it, and writes nothing of it before every control node reads it.
const Version = 1

// Bounds. What they leave room for is a snapshot of some 50 MiB, read and written in a second.
const (
	MaxEntry      = 64 << 10 // bytes; RELIABILITY: a control message
	MaxSnapshot   = 128 << 20
	maxNodes      = 4096
	maxRemoved    = 10_000
	maxTokens     = 1000
	maxPlacements = 4096   // streams with an origin
	maxUnplaced   = 10_000 // streams whose last epoch is known; the others share the floor
	maxHubs       = 64     // of a stream
	maxKeys       = 16     // of a kind
	maxSettings   = 256
	maxAnswered   = 10_000    // entries that can come again
	maxPlaceEpoch = 1<<24 - 1 // it stands above the 40 bits that an origin counts itself
)

// ErrTooNew is the error of an entry or a snapshot that was made by a newer release: this one must not guess.
var ErrTooNew = errors.New("made by a newer release than this")

// ErrMalformed is the error of bytes that no release has written.
var ErrMalformed = errors.New("malformed")

// A Ledger is one copy. It belongs to one goroutine.
type Ledger struct {
	s        State
	answered map[request]*pb.Outcome
	order    []request // of answered, oldest first
	view     *State    // what View returned last, nil after a change
}

type request [16]byte

// New returns an empty ledger.
func New() *Ledger {
	return &Ledger{s: empty(), answered: map[request]*pb.Outcome{}}
}

// Read returns the entry in b. The error wraps ErrTooNew or ErrMalformed.
func Read(b []byte) (*pb.Entry, error) {
	e := &pb.Entry{}
	if len(b) > MaxEntry {
		return nil, fmt.Errorf("%w: an entry of %d bytes", ErrMalformed, len(b))
	}
	if err := proto.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case e.Version > Version:
		return nil, fmt.Errorf("entry of version %d: %w (%d)", e.Version, ErrTooNew, Version)
	case e.Version == 0:
		return nil, fmt.Errorf("%w: an entry without version", ErrMalformed)
	case stranger(e.ProtoReflect()):
		return nil, fmt.Errorf("entry with unknown parts: %w", ErrTooNew)
	case e.Body == nil || len(e.Request) != len(request{}):
		return nil, fmt.Errorf("%w: an entry without body or request", ErrMalformed)
	}
	return e, nil
}

// stranger says whether m has a field or a value that its definition here lacks.
func stranger(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				found = found || stranger(v.List().Get(i).Message())
			}
		case f.IsList():
		case f.Message() != nil:
			found = found || stranger(v.Message())
		case f.Enum() != nil:
			found = found || f.Enum().Values().ByNumber(v.Enum()) == nil
		}
		return !found
	})
	return found
}

// Apply takes the entry in b, which has index in the log. After an error, which wraps ErrTooNew or ErrMalformed, the
// ledger is as it was, and must take no further entry: it would become another than the others'.
func (l *Ledger) Apply(index uint64, b []byte) (*pb.Outcome, error) {
	e, err := Read(b)
	if err != nil {
		return nil, err
	}
	l.view = nil
	l.s.Index = index
	id := request(e.Request)
	if was, ok := l.answered[id]; ok {
		return was, nil
	}
	o := l.s.take(e)
	o.Index = index
	l.answered[id] = o
	l.order = append(l.order, id)
	if len(l.order) > maxAnswered {
		delete(l.answered, l.order[0])
		l.order = l.order[1:]
	}
	return o, nil
}

// Index is that of the newest entry taken.
func (l *Ledger) Index() uint64 { return l.s.Index }

// View returns the state as it is now, which later entries leave alone. It shares memory with what View returned to
// others: nobody changes it.
func (l *Ledger) View() *State {
	if l.view == nil {
		l.view = l.s.clone()
	}
	return l.view
}
