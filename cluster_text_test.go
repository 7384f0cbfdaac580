package main

import (
	"io"
	"strings"
	"testing"

	"freshet/control/ops"
)

// A terminal tells the alerts of the console, in their order.
func TestStatusAlerts(t *testing.T) {
	var b strings.Builder
	v := ops.View{Alerts: []ops.Alert{
		{Kind: ops.NodeFailed, Node: "edge-2", Since: 7, Viewers: 12}, {Kind: ops.OutOfPart, Node: "control-1", Since: -1, Detail: "disk full"},
	}}
	writeStatus(&b, v)
	want := "leader\tnone, term 0, commit 0, applied 0\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("%q, want %q in it", b.String(), want)
	}
	if want = "wrong\tedge-2 has failed, for 7 s, viewers: 12\n\tcontrol-1 cannot do its part: disk full\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("%q, want %q at its end", b.String(), want)
	}
	b.Reset()
	if writeStatus(&b, ops.View{}); !strings.HasSuffix(b.String(), "wrong\tnothing\n") {
		t.Errorf("%q", b.String())
	}
}

// Whoever asks why reads the way by hop: its round trip, what is lost on it, and where media stops.
func TestWhyByHop(t *testing.T) {
	var b strings.Builder
	ms, none, lost := 40.5, 0.0, 8.5
	e := ops.Explanation{Paths: []ops.Path{
		{Stream: "main", Whole: true, Steps: []ops.Step{
			{Node: "origin-1", Live: true}, {Node: "edge-1", RTT: &ms, Loss: &lost, Live: true}, {Node: "edge-2", Loss: &none, Live: true},
		}},
		{Stream: "fr", Steps: []ops.Step{{Node: "edge-2"}}},
	}}
	if err := (outputFlag{}).print(&b, e, func(w io.Writer) { writeWhy(w, e) }); err != nil {
		t.Fatal(err)
	}
	want := `
WAY OF main NOW  RTT      LOST
origin-1         -        -
edge-1           40.5 ms  8.5 %
edge-2           -        0.0 %

WAY OF fr NOW  RTT  LOST
...            -    -
edge-2         -    -  no media
`
	if got := b.String(); !strings.HasSuffix(got, want) {
		t.Errorf("%s\nwant at its end%s", got, want)
	}
}
