package stream

import (
	"errors"
	"testing"
)

func TestTableKeepsTheNewestEpoch(t *testing.T) {
	table := NewTable()
	changed := table.Changed()
	first := New("a", 1, nil, nil, nil)
	if !table.Put(first) {
		t.Fatal("the first epoch was refused")
	}
	<-changed
	if table.Put(New("a", 1, nil, nil, nil)) {
		t.Error("the same epoch was taken while it goes on")
	}
	second := New("a", 2, nil, nil, nil)
	if !table.Put(second) {
		t.Fatal("a newer epoch was refused")
	}
	<-first.Done()
	if !errors.Is(first.Err(), ErrNewEpoch) {
		t.Errorf("older epoch ended with %v, want %v", first.Err(), ErrNewEpoch)
	}
	if table.Put(New("a", 1, nil, nil, nil)) {
		t.Error("an older epoch was taken")
	}
	table.Remove(first)
	if table.Get("a") != second {
		t.Error("removing the older epoch removed the newer")
	}
	second.End(ErrEnded)
	if !table.Put(New("a", 2, nil, nil, nil)) {
		t.Error("a stream that ended could not come back")
	}
	table.Put(New("b", 1, nil, nil, nil))
	if all := table.All(); len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Errorf("all: got %v", all)
	}
}

func TestEndCountsOnce(t *testing.T) {
	s := New("a", 1, nil, nil, nil)
	if s.Err() != nil {
		t.Fatalf("a stream that goes on has the error %v", s.Err())
	}
	s.End(ErrLost)
	s.End(ErrEnded)
	<-s.Done()
	if !errors.Is(s.Err(), ErrLost) {
		t.Errorf("got %v, want the first reason", s.Err())
	}
}
