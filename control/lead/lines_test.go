package lead

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"freshet/control/node"
	"freshet/control/place"
	pb "freshet/proto"
)

// A line is lossy once it loses much for a while, on all hops of a direction, and is remembered when nobody takes it any more.
func TestLosses(t *testing.T) {
	w := newWorld(t)
	hop := func(n, region, upstream string, permille uint32) node.Node {
		f := &pb.StreamFacts{Id: "talk", Live: true, Hops: 1, Upstream: upstream, LossPermille: permille}
		return node.Node{Name: n, Region: region, Facts: &pb.NodeFacts{Streams: []*pb.StreamFacts{f}}}
	}
	origin := node.Node{Name: "o", Region: "yul"}
	back, within := hop("b", "yul", "1", 0), hop("3", "par", "1", 200)
	well := []node.Node{origin, hop("1", "par", "o", 0), back, within}
	much := []node.Node{origin, hop("1", "par", "o", 50), hop("2", "par", "o", 60), back, within}
	one := []node.Node{origin, hop("1", "par", "o", 0), hop("2", "par", "o", 60), back, within}
	bad := []place.Loss{{From: "par", To: "yul", Share: .05}}
	seconds := 0
	for _, c := range []struct {
		name  string
		says  []node.Node
		times int // seconds
		want  []place.Loss
	}{
		{"all is well", well, 60, nil},
		{"one node has losses of its own", one, 60, nil},
		{"an outburst", much, 5, nil},
		{"is over", well, 3, nil},
		{"and another", much, 5, nil},
		{"that lasts", much, 1, bad},
		{"nobody takes the line", []node.Node{origin}, 299, bad},
		{"for long", []node.Node{origin}, 1, nil},
		{"and is well", well, 60, nil},
	} {
		for range c.times {
			seconds++
			if got := w.l.losses(c.says, w.now.Add(time.Duration(seconds)*time.Second)); c.want != nil && !slices.Equal(got, c.want) || c.want == nil && len(got) > 0 {
				t.Fatalf("%s, after %d s: %v, want %v", c.name, seconds, got, c.want)
			}
		}
	}
	if len(w.l.lines) > 0 {
		t.Errorf("%d lines are remembered for ever", len(w.l.lines))
	}
}

// A region takes a stream another way once the line to it loses much, and stays there though the other is not heard of any more.
func TestAroundLosses(t *testing.T) {
	w := newWorld(t)
	far := "edge-sin-1"
	w.more = []string{far}
	w.put(&pb.Entry{Body: &pb.Entry_PutNode{PutNode: &pb.PutNode{Node: far, Role: "edge", Region: "sin", Key: fmt.Appendf(nil, "%032d", 9)}}})
	w.round()
	origin := w.placement().Origin
	w.streams[origin] = []*pb.StreamFacts{{Id: "talk", Live: true, LayerKbps: []uint32{500, 2000}}}
	for _, e := range w.names()[2:6] {
		w.streams[e] = []*pb.StreamFacts{{Id: "talk", Live: true, Hops: 1, Viewers: 10, Upstream: origin}}
	}
	parent := func() string {
		for _, h := range w.State().Trees["talk"].GetHubs() {
			if h.Node == far {
				return h.Parent
			}
		}
		return ""
	}
	says := func(upstream string, permille uint32) {
		w.streams[far] = []*pb.StreamFacts{{Id: "talk", Live: true, Hops: 1, Viewers: 10, Upstream: upstream, LossPermille: permille}}
	}
	says(origin, 0)
	w.round()
	first := parent()
	if first != origin {
		t.Fatalf("sin takes the stream from %q, want the straight way from %s", first, origin)
	}
	says(first, 80)
	for range 6 {
		w.round()
	}
	second := parent()
	if second == "" || regionOf(second) == regionOf(first) {
		t.Fatalf("though that line loses 8 %%, sin takes it from %q", second)
	}
	says(second, 0)
	for range 60 {
		w.round()
	}
	if got := parent(); got != second {
		t.Errorf("the next minute it takes it from %q, want %s", got, second)
	}
}
