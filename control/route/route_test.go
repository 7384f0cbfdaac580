package route

import "testing"

func TestPick(t *testing.T) {
	if _, ok := Pick("s", "", nil); ok {
		t.Error("picked one of none")
	}
	origins := []Origin{{Node: "o1"}, {Node: "o2"}, {Node: "o3"}}
	first, _ := Pick("s", "", origins)
	again, _ := Pick("s", "", []Origin{origins[2], origins[0], origins[1]})
	if first != again {
		t.Errorf("picked %s, then %s", first.Node, again.Node)
	}
	for i := range origins {
		with := append([]Origin{}, origins...)
		with[i].Live = true
		if got, _ := Pick("s", "", with); got.Node != with[i].Node {
			t.Errorf("picked %s, not the live %s", got.Node, with[i].Node)
		}
		if got, _ := Pick("s", "o1", with); got.Node != "o1" {
			t.Errorf("picked %s, not the assigned o1", got.Node)
		}
		if got, _ := Pick("s", "gone", with); got.Node != with[i].Node {
			t.Errorf("picked %s where the assigned is gone, not the live %s", got.Node, with[i].Node)
		}
	}
}
