package ops

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPaths(t *testing.T) {
	ms := 4.5
	v := View{
		Links: []Link{{A: "origin-1", B: "hub", RTT: &ms}},
		Streams: []Stream{
			{ID: "main", Event: "launch", Hops: []Hop{
				{Node: "origin-1", Live: true}, {Node: "hub", Upstream: "origin-1", Hops: 1, Live: true}, {Node: "edge-1", Upstream: "hub", Hops: 2},
				{Node: "edge-2", Upstream: "hub", Hops: 2, Live: true},
			}},
			{ID: "other", Event: "launch", Hops: []Hop{{Node: "edge-2", Upstream: "hub", Hops: 2}}},
			{ID: "elsewhere", Event: "talk", Hops: []Hop{{Node: "edge-1", Upstream: "origin-1", Hops: 1}}},
			{ID: "ring", Event: "launch", Hops: []Hop{{Node: "edge-1", Upstream: "edge-3", Hops: 3}, {Node: "edge-3", Upstream: "edge-1", Hops: 3}}},
		},
	}
	want := []Path{
		{"main", true, []Step{{"origin-1", nil, true}, {"hub", &ms, true}, {"edge-1", nil, false}}},
		{"ring", false, []Step{{"edge-3", nil, false}, {"edge-1", nil, false}}},
	}
	if d := cmp.Diff(want, pathsOf(v, "launch", "edge-1")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := pathsOf(v, "launch", ""); len(got) != 0 {
		t.Errorf("to no edge: %+v", got)
	}
}
