package stream

import (
	"cmp"
	"slices"
	"sync"
)

// A Table is what a node carries: the newest epoch of each stream. All methods may be called from any goroutine.
type Table struct {
	mu      sync.Mutex
	streams map[string]*Stream
	changed chan struct{}
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{streams: map[string]*Stream{}, changed: make(chan struct{})}
}

// Put adds s and ends the older epoch of the same stream. It returns false, and changes nothing, where
// the table holds the same or a newer epoch that has not ended.
func (t *Table) Put(s *Stream) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.streams[s.ID]; old != nil {
		if old.Err() == nil && old.Epoch >= s.Epoch {
			return false
		}
		old.End(ErrNewEpoch)
	}
	t.streams[s.ID] = s
	t.tell()
	return true
}

// Remove takes s out, if it is still there. It does not end it.
func (t *Table) Remove(s *Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.streams[s.ID] == s {
		delete(t.streams, s.ID)
		t.tell()
	}
}

// Get returns the newest epoch of stream id, nil where the node does not carry it.
func (t *Table) Get(id string) *Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.streams[id]
}

// All returns what the node carries, by id.
func (t *Table) All() []*Stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*Stream
	for _, s := range t.streams {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Stream) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// Changed returns a channel that is closed at the next Put or Remove. Ask for it before looking.
func (t *Table) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

func (t *Table) tell() {
	close(t.changed)
	t.changed = make(chan struct{})
}
