package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// A Snapshot is a ledger at one index, to be written while the ledger goes on.
type Snapshot struct {
	s        *State
	answered []*pb.Answered
}

// Snapshot returns what Append needs.
func (l *Ledger) Snapshot() *Snapshot {
	n := &Snapshot{s: l.View(), answered: make([]*pb.Answered, 0, len(l.order))}
	for _, id := range l.order {
		n.answered = append(n.answered, &pb.Answered{Request: id[:], Outcome: l.answered[id]})
	}
	return n
}

// Append appends the bytes, which depend on nothing but the entries that were taken.
func (n *Snapshot) Append(b []byte) ([]byte, error) {
	s := n.s
	m := &pb.Ledger{
		Version: Version, Index: s.Index, Nodes: sorted(s.Nodes, strings.Compare), Removed: s.Removed,
		Tokens:     sorted(s.Tokens, func(a, b TokenHash) int { return slices.Compare(a[:], b[:]) }),
		Placements: sorted(s.Placements, strings.Compare), Trees: sorted(s.Trees, strings.Compare),
		Unplaced: s.unplaced, EpochFloor: s.floor,
		Keys: sorted(s.Keys, func(a, b KeyName) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
		}),
		Answered: n.answered,
	}
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		m.Settings = append(m.Settings, &pb.Setting{Name: name, Value: s.Settings[name]})
	}
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
}

func sorted[K comparable, V any](m map[K]V, by func(a, b K) int) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), by) {
		out = append(out, m[k])
	}
	return out
}

// Open returns the ledger whose snapshot is b. The error wraps ErrTooNew or ErrMalformed.
func Open(b []byte) (*Ledger, error) {
	m := &pb.Ledger{}
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("snapshot: %w: %w", ErrMalformed, err)
	}
	switch {
	case m.Version > Version:
		return nil, fmt.Errorf("snapshot of version %d: %w (%d)", m.Version, ErrTooNew, Version)
	case m.Version == 0:
		return nil, fmt.Errorf("snapshot: %w: no version", ErrMalformed)
	case stranger(m.ProtoReflect()):
		return nil, fmt.Errorf("snapshot with unknown parts: %w", ErrTooNew)
	}
	l := New()
	s := &l.s
	s.Index, s.Removed, s.unplaced, s.floor = m.Index, m.Removed, m.Unplaced, m.EpochFloor
	ok := fill(s.Nodes, m.Nodes, func(n *pb.NodeRecord) (string, bool) { return n.Node, true }) &&
		fill(s.Tokens, m.Tokens, func(t *pb.JoinToken) (TokenHash, bool) {
			if len(t.SecretSha256) != len(TokenHash{}) {
				return TokenHash{}, false
			}
			return TokenHash(t.SecretSha256), true
		}) &&
		fill(s.Placements, m.Placements, func(p *pb.Placement) (string, bool) { return p.Stream, true }) &&
		fill(s.Trees, m.Trees, func(t *pb.Tree) (string, bool) { return t.Stream, s.Placements[t.Stream] != nil }) &&
		fill(s.Keys, m.Keys, func(k *pb.KeyRecord) (KeyName, bool) { return KeyName{k.Kind, k.Id}, true }) &&
		l.remember(m.Answered)
	for _, p := range m.Settings {
		ok = ok && len(p.Value) > 0 && s.Settings[p.Name] == nil
		s.Settings[p.Name] = p.Value
	}
	if !ok {
		return nil, fmt.Errorf("snapshot: %w: parts that contradict each other", ErrMalformed)
	}
	return l, nil
}

// fill puts values into m by their keys, and says whether each was good and none came twice.
func fill[K comparable, V any](m map[K]V, values []V, key func(V) (K, bool)) bool {
	for _, v := range values {
		k, ok := key(v)
		if _, twice := m[k]; !ok || twice {
			return false
		}
		m[k] = v
	}
	return true
}

func (l *Ledger) remember(answered []*pb.Answered) bool {
	for _, a := range answered {
		if len(a.Request) != len(request{}) || a.Outcome == nil {
			return false
		}
		id := request(a.Request)
		if l.answered[id] != nil {
			return false
		}
		l.answered[id] = a.Outcome
		l.order = append(l.order, id)
	}
	return len(l.order) <= maxAnswered
}
