package ops

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"
)

// well is a mesh in which nothing is wrong.
func well() View {
	return View{
		Node: "control-1", Viewers: 5,
		Quorum: Quorum{Leader: "control-1", State: "leader", Peers: []Peer{{Node: "control-2", Voter: true, Answers: true}}},
		Nodes: []Node{
			{Node: "control-1", Role: "control", Status: "alive", Admin: "in"},
			{Node: "edge-1", Role: "edge", Status: "alive", Admin: "in", Viewers: 3, Load: 0.2},
			{Node: "edge-2", Role: "edge", Status: "alive", Admin: "in", Viewers: 2, Load: 0.1},
			{Node: "origin-1", Role: "origin", Status: "alive", Admin: "in"},
		},
		Streams: []Stream{
			{ID: "main", Live: true, Origin: "origin-1", Epoch: 3, Viewers: 5, Hops: []Hop{
				{Node: "origin-1", Live: true, Number: 3}, {Node: "edge-1", Upstream: "origin-1", Hops: 1, Live: true, Number: 3, Viewers: 5},
			}},
			{ID: "quiet", Origin: "origin-1", Epoch: 4}, // nobody publishes to it yet
		},
	}
}

func TestAlerts(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*View)
		want   []Alert
	}{
		"well":   {func(*View) {}, nil},
		"empty":  {func(v *View) { *v = View{Quorum: Quorum{Leader: "control-1"}} }, nil},
		"failed": {func(v *View) { v.Nodes[1].Status, v.Nodes[1].Since, v.Nodes[1].Viewers = "failed", 7, 0 }, []Alert{{Kind: NodeFailed, Severity: Red, Node: "edge-1", Since: 7}}},
		"a control node failed": {func(v *View) { v.Nodes[0].Status, v.Nodes[0].Since = "failed", 7 }, []Alert{
			{Kind: NodeFailed, Severity: Amber, Node: "control-1", Since: 7},
		}},
		"suspect": {func(v *View) { v.Nodes[1].Status, v.Nodes[1].Since = "suspect", 2 }, []Alert{{Kind: NodeSuspect, Severity: Amber, Node: "edge-1", Since: 2, Viewers: 3}}},
		"silent":  {func(v *View) { v.Nodes[1].Heard, v.Nodes[2].Heard = 3.2, 2.9 }, []Alert{{Kind: NodeSilent, Severity: Amber, Node: "edge-1", Since: 3, Viewers: 3}}},
		"silent, and held for dead": {func(v *View) { v.Nodes[1].Status, v.Nodes[1].Since, v.Nodes[1].Heard = "failed", 2, 8 }, []Alert{
			{Kind: NodeFailed, Severity: Red, Node: "edge-1", Since: 2, Viewers: 3},
		}},
		"unheard": {func(v *View) { v.Nodes[3].Status, v.Nodes[3].Heard = "unheard", -1 }, []Alert{{Kind: NodeUnheard, Severity: Amber, Node: "origin-1", Since: -1}}},
		"left":    {func(v *View) { v.Nodes[3].Status, v.Nodes[3].Since = "left", 90 }, []Alert{{Kind: NodeLeft, Severity: Amber, Node: "origin-1", Since: 90}}},
		"full":    {func(v *View) { v.Nodes[1].Load = 1 }, []Alert{{Kind: NodeFull, Severity: Amber, Node: "edge-1", Since: -1, Viewers: 3}}},
		"full, and no other has room": {func(v *View) { v.Nodes[1].Load, v.Nodes[2].Admin = 1.1, "cordoned" }, []Alert{
			{Kind: NodeFull, Severity: Red, Node: "edge-1", Since: -1, Viewers: 3}, {Kind: NodeCordoned, Severity: Amber, Node: "edge-2", Since: -1, Viewers: 2},
		}},
		"failed with a last load": {func(v *View) { v.Nodes[1].Status, v.Nodes[1].Load = "failed", 1 }, []Alert{{Kind: NodeFailed, Severity: Red, Node: "edge-1", Viewers: 3}}},
		"draining":                {func(v *View) { v.Nodes[2].Admin = "draining" }, []Alert{{Kind: NodeDraining, Severity: Amber, Node: "edge-2", Since: -1, Viewers: 2}}},
		"no leader":               {func(v *View) { v.Quorum.Leader = "" }, []Alert{{Kind: NoLeader, Severity: Amber, Since: -1}}},
		"a link loses": {func(v *View) {
			v.Links = []Link{{A: "origin-1", B: "edge-1", Loss: 3}, {A: "origin-1", B: "edge-2", Loss: 2.9}}
		}, []Alert{
			{Kind: LinkLossy, Severity: Amber, Node: "edge-1", Upstream: "origin-1", Since: -1, Viewers: 3, Percent: 3},
		}},
		"trouble": {func(v *View) { v.Quorum.Trouble = "disk full" }, []Alert{{Kind: OutOfPart, Severity: Amber, Node: "control-1", Since: -1, Detail: "disk full"}}},
		"a peer is silent": {func(v *View) { v.Quorum.Peers[0].Answers, v.Quorum.Peers[0].Trouble = false, "old" }, []Alert{
			{Kind: PeerSilent, Severity: Amber, Node: "control-2", Since: -1},
		}},
		"a peer is in trouble": {func(v *View) { v.Quorum.Peers[0].Trouble = "disk full" }, []Alert{
			{Kind: PeerTrouble, Severity: Amber, Node: "control-2", Since: -1, Detail: "disk full"},
		}},
		"no origin": {func(v *View) { v.Streams[0].Origin = "" }, []Alert{{Kind: NoOrigin, Severity: Red, Stream: "main", Since: -1, Viewers: 5}}},
		"placed elsewhere, published where it was": {func(v *View) { v.Streams[0].Origin, v.Streams[0].Epoch = "origin-2", 5 }, []Alert{
			{Kind: StaleEpoch, Severity: Red, Node: "origin-2", Stream: "main", Since: -1, Viewers: 5},
		}},
		"placed again where it is, as its standby is another": {func(v *View) { v.Streams[0].Epoch = 5 }, nil},
		"published nowhere, carried by an edge still":         {func(v *View) { v.Streams[0].Hops, v.Streams[0].Epoch = v.Streams[0].Hops[1:], 5 }, nil},
		"no database": {func(v *View) { v.DatabaseAway = true }, []Alert{{Kind: NoDatabase, Severity: Amber, Node: "control-1", Since: -1}}},
		"worst first": {func(v *View) {
			v.Quorum.Leader, v.Nodes[1].Admin, v.Nodes[2].Status, v.Streams[0].Origin = "", "draining", "failed", ""
		}, []Alert{
			{Kind: NoOrigin, Severity: Red, Stream: "main", Since: -1, Viewers: 5}, {Kind: NodeFailed, Severity: Red, Node: "edge-2", Viewers: 2},
			{Kind: NodeDraining, Severity: Amber, Node: "edge-1", Since: -1, Viewers: 3}, {Kind: NoLeader, Severity: Amber, Since: -1},
		}},
	} {
		v := well()
		c.change(&v)
		if d := cmp.Diff(append([]Alert{}, c.want...), Alerts(v)); d != "" {
			t.Errorf("%s: (-want +got)\n%s", name, d)
		}
	}
}

// The document names every kind that there is, since pages take their words from it.
func TestAlertKinds(t *testing.T) {
	registry := huma.NewMapRegistry("#/", huma.DefaultSchemaNamer)
	s := huma.SchemaFromType(registry, reflect.TypeFor[Alert]())
	var named []string
	for _, k := range s.Properties["kind"].Enum {
		named = append(named, k.(string))
	}
	var all []string
	for _, k := range Kinds {
		all = append(all, string(k))
	}
	if strings.Join(named, " ") != strings.Join(all, " ") {
		t.Errorf("the document names %v, want %v", named, all)
	}
}

// Terminals and pages say the same.
func TestAlertWords(t *testing.T) {
	b, err := os.ReadFile("../web/app/i18n/account/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var pages map[string]string
	if err := json.Unmarshal(b, &pages); err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds {
		if got, want := words[k], pages["alert."+string(k)]; got != want || got == "" {
			t.Errorf("%s is %q, and %q on pages", k, got, want)
		}
	}
	a := Alert{Kind: StaleEpoch, Node: "origin-2", Stream: "main"}
	if got := a.Text(); got != "Stream main is placed on origin-2, and published elsewhere" {
		t.Error(got)
	}
}
