package peers_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"freshet/bench/load"
	"freshet/bench/peers"
	"freshet/bench/peers/naive"
	"freshet/bench/testmesh"
)

// TestMain is also the naive server, where it is called as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "bench" && os.Args[2] == "serve-naive" {
		if err := serveNaive(slices.Contains(os.Args, "--gcm")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func serveNaive(gcm bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := naive.New(naive.Config{HTTP: "127.0.0.1:0", GCM: gcm}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return s.Serve(ctx, os.Stdout)
}

func TestNaiveInAProcess(t *testing.T) {
	for _, kind := range []peers.Kind{peers.Naive, peers.NaiveGCM} {
		t.Run(string(kind), func(t *testing.T) {
			p, err := peers.Start(t.Context(), peers.Config{Kind: kind, Binary: self(t)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Stop() })
			if p.Name != string(kind) || !strings.HasPrefix(p.Version, "pion/webrtc") || p.PID == os.Getpid() || len(p.Cannot) == 0 {
				t.Errorf("got %+v", p)
			}
			throughPut(t, p)
			if err := p.Stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
			if err := p.Stop(); err != nil {
				t.Errorf("stop again: %v", err)
			}
			if err := syscall.Kill(p.PID, 0); err == nil {
				t.Errorf("process %d is still there", p.PID)
			}
		})
	}
}

func TestJanus(t *testing.T) {
	if _, err := exec.LookPath("janus"); err != nil {
		_, err := peers.Start(t.Context(), peers.Config{Kind: peers.Janus})
		if err == nil || !strings.Contains(err.Error(), "make peers") {
			t.Errorf("got %v, want to be told how to install it", err)
		}
		t.Skip("Janus is not installed: make peers")
	}
	p, err := peers.Start(t.Context(), peers.Config{Kind: peers.Janus})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	if !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(p.Version) {
		t.Errorf("version %q", p.Version)
	}
	throughPut(t, p)
	throughPut(t, p) // another publisher and another viewer
	if err := p.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	gone(t, p.PID)
}

// throughPut publishes to p and watches it: nothing may be lost.
func throughPut(t *testing.T, p *peers.Peer) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	raw, err := load.NewRaw(load.RawConfig{URL: p.WHIP, Audio: true}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	published := make(chan error, 1)
	go func() { published <- raw.Run(ctx) }()
	select {
	case <-raw.Connected():
	case err := <-published:
		t.Fatal(err)
	}
	var final load.Report
	var video int
	watch, enough := context.WithTimeout(t.Context(), 20*time.Second)
	defer enough()
	err = load.Play(watch, load.PlayConfig{URL: p.WHEP, Packet: func(kind, _ string, _ *rtp.Packet, _ time.Time) {
		if kind == "video" { // one goroutine a track
			if video++; video == 200 {
				enough()
			}
		}
	}}, func(r load.Report) { final = r }, log)
	stop()
	if err != nil || video < 200 || len(final.Tracks) != 2 {
		t.Errorf("%d packets of video, %v: %s", video, err, final)
	}
	for _, tr := range final.Tracks {
		if tr.Lost != 0 || tr.Stamps == nil || tr.Stamps.Missing != 0 {
			t.Errorf("%s: %s", tr.Kind, final)
		}
	}
	if err := <-published; err != nil {
		t.Error(err)
	}
}

func TestProcessesThatDoNotServe(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"ends at once", `echo "no room here" >&2; exit 3`, "exit status 3"},
		{"shows what it said", `echo "no room here" >&2; exit 3`, "no room here"},
		{"says something else", `echo hello; exec sleep 100`, `it said "hello\n"`},
		{"says where others are", `echo '{"whip":"x","whep":"y"}'; exec sleep 100`, "not where it listens"},
		{"never ends its line", `head -c 10000 /dev/zero; exec sleep 100`, "did not say where it listens"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := peers.Start(t.Context(), peers.Config{Kind: peers.Naive, Binary: script(t, c.script)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
	if _, err := peers.Start(t.Context(), peers.Config{Kind: peers.Naive, Binary: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a program that is not there was started")
	}
}

const says = `echo '{"whip":"http://127.0.0.1:1/whip","whep":"http://127.0.0.1:1/whep"}'; `

func TestStopTellsOfADeath(t *testing.T) {
	p, err := peers.Start(t.Context(), peers.Config{Kind: peers.Naive, Binary: script(t, says+`exec sleep 100`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, p.PID)
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("got %v", err)
	}
}

func TestStopTellsOfAnEnd(t *testing.T) {
	p, err := peers.Start(t.Context(), peers.Config{Kind: peers.Naive, Binary: script(t, says+`exit 0`)})
	if err != nil {
		t.Fatal(err)
	}
	gone(t, p.PID)
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "had ended by itself") {
		t.Errorf("got %v", err)
	}
}

func TestPeersEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := peers.Start(ctx, peers.Config{Kind: peers.Naive, Binary: self(t)})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	gone(t, p.PID)
	if err := p.Stop(); err != nil {
		t.Errorf("stop after the end: %v", err)
	}
}

func TestAnyOther(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	there := "http://" + l.Addr().String()
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer zombie.Wait()
	for _, c := range []struct {
		name   string
		cfg    peers.Config
		cannot int    // things that are said of it
		want   string // in the error; empty: none
	}{
		{"all is known", peers.Config{Name: "mine", WHIP: there + "/whip", WHEP: there + "/whep", PID: os.Getpid()}, 1, ""},
		{"no process", peers.Config{WHIP: there, WHEP: there}, 2, ""},
		{"no publisher", peers.Config{WHEP: there}, 3, ""},
		{"no address", peers.Config{WHIP: there}, 0, "whep: want http://"},
		{"another scheme", peers.Config{WHEP: "rtsp://127.0.0.1/a"}, 0, "whep: want http://"},
		{"a broken publisher's address", peers.Config{WHEP: there, WHIP: "http://"}, 0, "whip: want http://"},
		{"a process below zero", peers.Config{WHEP: there, PID: -1}, 0, "pid: want"},
		{"nobody there", peers.Config{WHEP: "http://127.0.0.1:1/whep"}, 0, "connection refused"},
		{"a process that has ended", peers.Config{WHEP: there, PID: ended.Process.Pid}, 0, "pid "},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Kind = peers.Other
			p, err := peers.Start(t.Context(), c.cfg)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want …%s…", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			name := c.cfg.Name
			if name == "" {
				name = l.Addr().String()
			}
			if p.Name != name || p.WHEP != c.cfg.WHEP || p.WHIP != c.cfg.WHIP || p.PID != c.cfg.PID || len(p.Cannot) != c.cannot {
				t.Errorf("got %+v, want %q and %d limits", p, name, c.cannot)
			}
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a process that nobody waits for", func(t *testing.T) {
		testmesh.Until(t, "its end", testmesh.Patience, func() bool {
			_, err := peers.Start(t.Context(), peers.Config{Kind: peers.Other, WHEP: there, PID: zombie.Process.Pid})
			return err != nil
		})
	})
	for _, kind := range []peers.Kind{"", "galene", peers.Naive} {
		if err := (peers.Config{Kind: kind}).Validate(); err == nil {
			t.Errorf("kind %q without anything else was taken", kind)
		}
	}
}

// self is this test's program: see TestMain.
func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exe
}

// script is a program of lines for sh.
func script(t *testing.T, lines string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "server")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// gone waits until there is no process pid: it has ended, and was waited for.
func gone(t *testing.T, pid int) {
	t.Helper()
	testmesh.Until(t, "the end of the process", testmesh.Patience, func() bool { return syscall.Kill(pid, 0) != nil })
}
