package main

import (
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
