package member

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// announcement returns the i-th of many, with names as long as they come.
func announcement(i int) *pb.Announcement {
	name := fmt.Sprintf("%05d", i)
	return &pb.Announcement{
		Stream: name + strings.Repeat("s", maxStream-len(name)), Upstream: strings.Repeat("u", maxNode),
		Epoch: 1<<63 + uint64(i), Live: true, Hops: 4, Viewers: 1 << 31,
	}
}

// Whatever comes and goes: each stream is in one part, no part is too long or beyond the last there may be, and a stream
// stays where it is.
func TestPack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	p := &packer{}
	var now []*pb.Announcement
	where := map[string]int{}
	for step := range 500 {
		for range r.IntN(20) {
			if a := announcement(r.IntN(400)); !slices.ContainsFunc(now, func(b *pb.Announcement) bool { return a.Stream == b.Stream }) && len(now) < maxStreams {
				now = append(now, a)
			}
		}
		now = slices.DeleteFunc(now, func(*pb.Announcement) bool { return r.IntN(20) == 0 })
		p.pack(now)
		seen := map[string]int{}
		for i, one := range p.parts {
			for _, a := range one.list {
				if old, ok := where[a.Stream]; ok && old != i {
					t.Fatalf("step %d: stream moved from part %d to %d", step, old+1, i+1)
				}
				if _, twice := seen[a.Stream]; twice {
					t.Fatalf("step %d: stream in two parts", step)
				}
				seen[a.Stream] = i
			}
			if n := proto.Size(&pb.NodeState{Announcements: one.list}); n > packBytes {
				t.Fatalf("step %d: part %d has %d bytes", step, i+1, n)
			}
		}
		if len(seen) != len(now) || len(p.parts) > maxParts {
			t.Fatalf("step %d: %d streams in %d parts, want %d", step, len(seen), len(p.parts), len(now))
		}
		where = seen
	}
}

// All streams of a node may get an upstream with a longer name at once.
func TestPackGrows(t *testing.T) {
	p := &packer{}
	var now []*pb.Announcement
	for i := range maxStreams {
		now = append(now, &pb.Announcement{Stream: fmt.Sprint(i)})
	}
	p.pack(now)
	for _, a := range now {
		a.Upstream = strings.Repeat("u", maxNode)
	}
	p.pack(now)
	n := 0
	for i, one := range p.parts {
		n += len(one.list)
		if got := proto.Size(&pb.NodeState{Announcements: one.list}); got > packBytes {
			t.Errorf("part %d has %d bytes", i+1, got)
		}
	}
	if n != maxStreams || len(p.parts) > maxParts {
		t.Errorf("%d streams in %d parts, want %d", n, len(p.parts), maxStreams)
	}
}

func TestPackTellsWhatChanged(t *testing.T) {
	p := &packer{}
	list := []*pb.Announcement{announcement(1), announcement(2)}
	if got := p.pack(list); !slices.Equal(got, []int{1}) {
		t.Errorf("new: got %v", got)
	}
	if got := p.pack(list); len(got) != 0 {
		t.Errorf("the same again: got %v", got)
	}
	list[1] = proto.CloneOf(list[1])
	list[1].Viewers = 3
	if got := p.pack(list); len(got) != 0 {
		t.Errorf("viewers alone: got %v, want them to wait for their turn", got)
	}
	if p.parts[0].list[1].Viewers != 3 {
		t.Error("the turn would bring old figures")
	}
	list[1] = proto.CloneOf(list[1])
	list[1].Live = false
	if got := p.pack(list); !slices.Equal(got, []int{1}) {
		t.Errorf("not live: got %v", got)
	}
	if got := p.pack(nil); !slices.Equal(got, []int(nil)) || len(p.parts) != 0 {
		t.Errorf("all gone: got %v, %d parts; want none, the facts say so", got, len(p.parts))
	}
}
