package pion_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"freshet/bench/compat/mirror"
	"freshet/bench/compat/pion"
)

const clipDir = "../../load/sample"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mesh returns the mesh of the variable name. CI must have it; a laptop may not.
func mesh(t *testing.T, name string) *pion.Mesh {
	t.Helper()
	line := os.Getenv(name)
	if line == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not set: it holds the line that `freshet up --output json` prints", name)
		}
		t.Skipf("%s is not set; `make -C bench/compat pion` starts a mesh and sets it", name)
	}
	m, err := pion.ParseMesh(line)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func clip(t *testing.T) *pion.Clip {
	t.Helper()
	c, err := pion.ReadClip(clipDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// publish puts the clip on the air until the test ends.
func publish(ctx context.Context, t *testing.T, m *pion.Mesh, c *pion.Clip) *pion.Publisher {
	t.Helper()
	p, err := pion.Publish(ctx, m.Ingest(), m.Key, c)
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(run) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, p.Close(context.Background())); err != nil {
			t.Errorf("publisher: %v", err)
		}
	})
	return p
}

// play waits until the stream is on the air and opens a player at the last edge.
func play(ctx context.Context, t *testing.T, m *pion.Mesh, c *pion.Clip) *pion.Player {
	t.Helper()
	if err := m.OnAir(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := pion.Play(ctx, m.Farthest(), "", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("player: %v", err)
		}
	})
	return p
}

// watch waits for four seconds of picture and sound, and holds them against the clip. The sound may have
// breaks gaps; the picture, which is repaired, none.
func watch(ctx context.Context, t *testing.T, p *pion.Player, breaks int) {
	t.Helper()
	got, err := p.Wait(ctx, func(c pion.Counts) bool { return c.Frames >= 120 && c.Audio >= 200 })
	if err != nil {
		t.Fatalf("after %+v: %v", got, err)
	}
	t.Logf("first frame %s after the offer: %+v", got.FirstAt.Round(time.Millisecond), got)
	if !got.KeyFirst {
		t.Error("the first frame was no key frame")
	}
	if got.KeyFrames < 2 {
		t.Errorf("%d key frames in 4 s, want one each 2 s", got.KeyFrames)
	}
	if got.Foreign > 0 || got.AudioBad > 0 {
		t.Errorf("%d frames and %d audio packets are not of the clip, byte for byte", got.Foreign, got.AudioBad)
	}
	if got.Gaps > 0 || got.AudioGaps > breaks {
		t.Errorf("%d gaps in the picture and %d in the sound, want 0 and at most %d", got.Gaps, got.AudioGaps, breaks)
	}
}

// The clients against each other, through a server that is neither Freshet nor of its pion.
func TestMirror(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, err := mirror.New(slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(run) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("mirror: %v", err)
		}
	})
	m, err := pion.ParseMesh(server.Line())
	if err != nil {
		t.Fatal(err)
	}
	c := clip(t)
	publish(ctx, t, m, c)
	got, err := play(ctx, t, m, c).Wait(ctx, func(c pion.Counts) bool { return c.KeyFrames >= 2 && c.Audio >= 100 })
	if err != nil {
		t.Fatalf("after %+v: %v", got, err)
	}
	if got.Foreign > 0 || got.Gaps > 0 || got.AudioBad > 0 || got.AudioGaps > 0 {
		t.Errorf("got %+v, want each frame and packet of the clip in order", got)
	}
}

// pion v4 publishes, Freshet carries it over all its hops, pion v4 plays it.
func TestPublishAndPlay(t *testing.T) {
	m := mesh(t, "FRESHET_UP")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	c := clip(t)
	publish(ctx, t, m, c)
	watch(ctx, t, play(ctx, t, m, c), 0)
}

// Both ends restart ICE while media flows (RFC 9725, section 4.3.3) and go on. pion forgets its pair of
// candidates as it restarts and takes its next look after up to 200 ms, in which it neither sends nor takes
// media: each restart may break the sound once, while the picture is repaired from both ends' memory.
func TestRestart(t *testing.T) {
	m := mesh(t, "FRESHET_UP")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	c := clip(t)
	pub := publish(ctx, t, m, c)
	p := play(ctx, t, m, c)
	if got, err := p.Wait(ctx, func(c pion.Counts) bool { return c.Frames >= 30 }); err != nil {
		t.Fatalf("before the restart, after %+v: %v", got, err)
	}
	for name, peer := range map[string]*pion.Peer{"viewer": p.Peer, "publisher": pub.Peer} {
		if err := peer.Restart(ctx); err != nil {
			t.Errorf("%s: restart: %v", name, err)
		}
	}
	watch(ctx, t, p, 2)
}

// pion v4 plays what `freshet up` publishes by itself.
func TestPlaySample(t *testing.T) {
	m := mesh(t, "FRESHET_UP_SAMPLE")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	watch(ctx, t, play(ctx, t, m, clip(t)), 0)
}

// A wrong key is refused as such, and the session that never was leaves nothing behind.
func TestWrongKey(t *testing.T) {
	m := mesh(t, "FRESHET_UP")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := pion.Publish(ctx, m.Ingest(), "not the key", clip(t))
	if s := (*pion.Status)(nil); !errors.As(err, &s) || s.Code != http.StatusUnauthorized {
		t.Errorf("publish with a wrong key: %v, want 401", err)
	}
}
