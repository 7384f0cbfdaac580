package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"freshet/cluster/identity"
)

// TestTakenPort starts each part on a port that somebody has: one line that names flag and address, exit 78.
func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = u.Close() }()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tcp, udp, free := l.Addr().String(), u.LocalAddr().String(), "127.0.0.1:0"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"up":      {[]string{"up", "--http", tcp}, `^freshet: http: .*` + tcp + `: .*--ports moves the mesh\)\n$`},
		"control": {[]string{"control", "--http", free, "--ca", "CA", "--agents", tcp}, `^freshet: agents: .*` + tcp + `.*\n$`},
		"origin": {[]string{"origin", "--ca", "CA", "--http", free, "--relay", free, "--media", udp, "--stream", "a=b"},
			`^freshet: media: .*` + udp + `.*\n$`},
		"edge": {[]string{"edge", "--ca", "CA", "--http", free, "--relay", udp, "--media", free, "--upstream", "a=127.0.0.1:1"},
			`^freshet: relay: .*` + udp + `.*\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			// A process of its own: what it bound before goes with it.
			var log bytes.Buffer
			dir := t.TempDir()
			for i, arg := range c.args {
				if arg == "CA" {
					c.args[i] = dir
				}
			}
			cmd := exec.CommandContext(t.Context(), exe, append(c.args, "--data", dir, "--log", "error")...)
			cmd.Args[0], cmd.Stderr = "freshet", &log // which makes it main: see TestMain
			_ = cmd.Run()                             // the exit says more
			code := cmd.ProcessState.ExitCode()
			if code != exitConfig || !regexp.MustCompile(c.want).Match(log.Bytes()) {
				t.Errorf("exit %d: %q, want %d and %s", code, log.String(), exitConfig, c.want)
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "https://live.example.org": "https://live.example.org", "http://10.0.0.1:8080/": "http://10.0.0.1:8080",
	} {
		if got, err := publicURL(text); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"live.example.org", "ftp://a", "https://", "https://a/b", "https://a?b", "https://u:p@a"} {
		if got, err := publicURL(text); err == nil {
			t.Errorf("%q is taken as %q", text, got)
		}
	}
}

func TestStreamsGivenTwice(t *testing.T) {
	if _, err := streamRecords([]string{"a=1", "b=1", "a=2"}); err == nil || !strings.Contains(err.Error(), "a is given twice") {
		t.Errorf("got %v", err)
	}
}

// An origin on all addresses of its machine tells publishers all of them; only given ones replace them, of
// which pion takes one a family.
func TestOriginOnAllAddresses(t *testing.T) {
	ca, err := identity.OpenCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := ca.Issue("origin-1", roleOrigin)
	if err != nil {
		t.Fatal(err)
	}
	n, err := newMediaNode(nodeConfig{
		Node: "origin-1", Role: roleOrigin, HTTP: "127.0.0.1:0", Media: "0.0.0.0:0", Relay: "127.0.0.1:0",
	}, id, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(n.cfg.Advertise) != 0 {
		t.Errorf("ICE is told to use %v alone", n.cfg.Advertise)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := n.stage().run(stopped); err != nil {
		t.Error(err)
	}
}

func TestPoint(t *testing.T) {
	for text, want := range map[string]point{"45.51,-73.55": {45.51, -73.55}, " -90 , 180 ": {-90, 180}, "0,0": {}} {
		var p point
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want {
			t.Errorf("%q: %v, %v; want %v", text, p, err, want)
		}
	}
	for _, text := range []string{"", "45", "45,", "91,0", "0,181", "NaN,0", "0,Inf", "north,west", "1,2,3"} {
		var p point
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q became %v", text, p)
		}
	}
	if (*point)(nil).position() != nil {
		t.Error("nothing said is somewhere")
	}
}
