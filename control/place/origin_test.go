package place

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

var (
	montreal = Point{45.5, -73.6}
	paris    = Point{48.9, 2.4}
	tokyo    = Point{35.7, 139.7}
)

func origins() Mesh {
	return Mesh{Nodes: []Node{
		{Name: "yul-1", Region: "yul", Role: RoleOrigin, At: montreal, CapacityBPS: 1e9},
		{Name: "par-1", Region: "par", Role: RoleOrigin, At: paris, CapacityBPS: 1e9},
		{Name: "par-2", Region: "par", Role: RoleOrigin, At: paris, CapacityBPS: 1e9},
		{Name: "edge", Region: "nrt", Role: RoleEdge, At: tokyo, CapacityBPS: 1e9},
	}}
}

func TestOrigin(t *testing.T) {
	with := func(change func(nodes []Node)) Mesh {
		m := origins()
		change(m.Nodes)
		return m
	}
	for _, c := range []struct {
		name     string
		mesh     Mesh
		from     Point
		previous Placement
		want     Placement
	}{
		{"none", Mesh{}, paris, Placement{"a", "b"}, Placement{}},
		{"near the publisher, standby elsewhere", origins(), montreal, Placement{}, Placement{"yul-1", "par-?"}},
		{"what is stays", origins(), montreal, Placement{"par-1", "yul-1"}, Placement{"par-1", "yul-1"}},
		{"a standby of the same region does not", origins(), montreal, Placement{"par-1", "par-2"}, Placement{"par-1", "yul-1"}},
		{"the standby takes over", origins(), montreal, Placement{"gone", "par-2"}, Placement{"par-2", "yul-1"}},
		{"both gone", origins(), paris, Placement{"gone", "gone too"}, Placement{"par-?", "yul-1"}},
		{"draining", with(func(n []Node) { n[0].State = Draining }), montreal, Placement{"yul-1", "par-1"}, Placement{"par-1", "par-2"}},
		{"cordoned keeps", with(func(n []Node) { n[0].State = Cordoned }), montreal, Placement{"yul-1", "par-1"}, Placement{"yul-1", "par-1"}},
		{"cordoned takes nothing new", with(func(n []Node) { n[0].State = Cordoned }), montreal, Placement{}, Placement{"par-?", "par-?"}},
		{"full takes nothing new", with(func(n []Node) { n[0].LoadBPS = 950e6 }), montreal, Placement{}, Placement{"par-?", "yul-1"}},
		{"loaded is as good as further away", with(func(n []Node) { n[1].LoadBPS = 800e6 }), paris, Placement{}, Placement{"par-2", "yul-1"}},
		{"draining and alone", Mesh{Nodes: []Node{{Name: "a", Role: RoleOrigin, State: Draining}}}, paris, Placement{"a", ""}, Placement{"a", ""}},
		{"a draining standby does not take over", with(func(n []Node) { n[2].State = Draining }), montreal, Placement{"gone", "par-2"}, Placement{"yul-1", "par-1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Origin(c.mesh, Stream{ID: "s", Publisher: c.from}, c.previous)
			if !alike(got.Origin, c.want.Origin) || !alike(got.Standby, c.want.Standby) || got.Origin != "" && got.Origin == got.Standby {
				t.Errorf("got %+v, want %+v (par-? is either)", got, c.want)
			}
		})
	}
}

func alike(got, want string) bool {
	return got == want || want == "par-?" && (got == "par-1" || got == "par-2")
}

// TestOriginsShare: streams that are placed together spread over origins that are as good.
func TestOriginsShare(t *testing.T) {
	m := origins()
	got := map[string]int{}
	for i := range 400 {
		got[Origin(m, Stream{ID: fmt.Sprint(i), Publisher: paris}, Placement{}).Origin]++
	}
	if got["par-1"] < 150 || got["par-2"] < 150 {
		t.Errorf("%v, want about 200 of each of par", got)
	}
}

// TestOriginKeeps: whatever the mesh, a second decision changes nothing, an origin that may go on does, and a standby is another
// node, of another region where there is one that takes streams. It failed with previous.Origin left out, and with other() as 0.
func TestOriginKeeps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, false)
		st := s.streams[0]
		previous := Placement{st.Origin, st.Standby}
		for range 3 {
			s.disturb(t)
			is := Origin(s.mesh, st, previous)
			if again := Origin(s.mesh, st, is); again != is {
				t.Fatalf("%+v, then %+v", is, again)
			}
			if was := s.node(previous.Origin); was.Name != "" && was.State.keeps() && is.Origin != was.Name {
				t.Fatalf("%+v became %+v", previous, is)
			}
			if is.Origin == "" {
				return
			}
			origin, standby := s.node(is.Origin), s.node(is.Standby)
			for _, n := range s.mesh.Nodes {
				if n.Role != RoleOrigin || n.State != In {
					continue
				}
				if origin.State == Draining {
					t.Fatalf("%+v is draining, and %s is there", origin, n.Name)
				}
				if n.Name != origin.Name && standby.Name == "" || n.Region != origin.Region && standby.Region == origin.Region {
					t.Fatalf("%+v has the standby %+v, and %s is there", origin, standby, n.Name)
				}
			}
			if standby.Name == origin.Name || standby.State == Draining {
				t.Fatalf("%+v has the standby %+v", origin, standby)
			}
			previous = is
		}
	})
}
