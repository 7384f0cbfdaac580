package main

import (
	"encoding/json"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

// TestPion holds the only set of pion modules under which pion's own tests pass: newer leaves compile,
// and then hang or crash at run time.
func TestPion(t *testing.T) {
	want := map[string]string{
		"github.com/pion/webrtc/v3":    "v3.3.6",
		"github.com/pion/ice/v2":       "v2.3.38",
		"github.com/pion/dtls/v2":      "v2.2.12",
		"github.com/pion/srtp/v2":      "v2.0.20",
		"github.com/pion/stun":         "v0.6.1",
		"github.com/pion/turn/v2":      "v2.1.6",
		"github.com/pion/interceptor":  "v0.1.29",
		"github.com/pion/rtp":          "v1.8.7",
		"github.com/pion/rtcp":         "v1.2.14",
		"github.com/pion/sdp/v3":       "v3.0.9",
		"github.com/pion/transport/v2": "v2.2.10",
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build info")
	}
	for _, m := range info.Deps {
		if v, ok := want[m.Path]; ok {
			if m.Replace != nil || m.Version != v {
				t.Errorf("%s is %s (replaced: %v), want %s", m.Path, m.Version, m.Replace != nil, v)
			}
			delete(want, m.Path)
		}
	}
	for m := range want {
		t.Errorf("%s is not in the build", m)
	}
}

// TestExceptions sees that no known fault is excused for more than 90 days. That none has run out is
// checked where govulncheck runs, so that a test does not begin to fail by the calendar.
func TestExceptions(t *testing.T) {
	b, err := os.ReadFile("deploy/security/exceptions.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Exceptions []struct{ ID, Module, Reason, Owner, Decided, Until string }
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Exceptions) == 0 {
		t.Fatal("no exceptions: remove the file and this test")
	}
	for _, e := range list.Exceptions {
		decided, err1 := time.Parse(time.DateOnly, e.Decided)
		until, err2 := time.Parse(time.DateOnly, e.Until)
		switch {
		case e.ID == "" || e.Module == "" || e.Reason == "" || e.Owner == "":
			t.Errorf("%+v: id, module, reason and owner must be told", e)
		case err1 != nil || err2 != nil:
			t.Errorf("%s: decided %q, until %q: want two dates", e.ID, e.Decided, e.Until)
		case until.Sub(decided) > 90*24*time.Hour:
			t.Errorf("%s: excused for more than 90 days", e.ID)
		}
	}
}
