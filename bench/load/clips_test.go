package load

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// clip draws two seconds of picture, sound or both with ffmpeg, and skips the test where there is none.
func clip(t testing.TB, name string, arguments ...string) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed; it draws the clips of this test")
	}
	out := filepath.Join(t.TempDir(), name)
	arguments = append([]string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y"}, append(arguments, out)...)
	if said, err := exec.CommandContext(t.Context(), path, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, said)
	}
	return out
}

var (
	picture = []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2"}
	sound   = []string{"-f", "lavfi", "-i", "sine=440:r=48000:d=2"}
	asVP8   = []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "25"}
	asVP9   = []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "25", "-pix_fmt", "yuv420p"}
	asAV1   = []string{"-c:v", "libsvtav1", "-preset", "12", "-g", "25", "-svtav1-params", "pred-struct=1:lp=1"}
	asH264  = []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "25", "-pix_fmt", "yuv420p"}
	asOpus  = []string{"-c:a", "libopus", "-ac", "2"}
)

func join(parts ...[]string) []string {
	var all []string
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// drain reads s to its end and returns the frames of each track.
func drain(t testing.TB, s source) [][]frame {
	t.Helper()
	frames := make([][]frame, len(s.tracks()))
	for {
		f, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(f.data) == 0 {
			t.Errorf("empty frame at %v", f.at)
		}
		frames[f.track] = append(frames[f.track], f)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	return frames
}

func TestSources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file      string
		arguments []string
		codecs    []string
		video     int // frames
	}{
		{"a.ivf", join(picture, asVP8), []string{"VP8"}, 50},
		{"b.ivf", join(picture, asVP9), []string{"VP9"}, 50},
		{"c.ivf", join(picture, asAV1), []string{"AV1"}, 50},
		{"d.ogg", join(sound, asOpus), []string{"opus"}, 0},
		{"e.opus", join(sound, asOpus, []string{"-frame_duration", "60"}), []string{"opus"}, 0},
		{"f.h264", join(picture, asH264), []string{"H264"}, 50},
		{"g.webm", join(picture, sound, asVP8, asOpus), []string{"VP8", "opus"}, 50},
		{"h.webm", join(picture, sound, asVP9, asOpus), []string{"VP9", "opus"}, 50},
		{"i.webm", join(picture, sound, asAV1, asOpus), []string{"AV1", "opus"}, 50},
		{"j.webm", join(picture, asVP8, []string{"-live", "1", "-cluster_time_limit", "200"}), []string{"VP8"}, 50},
		{"k.mkv", join(picture, sound, asH264, asOpus), []string{"H264", "opus"}, 50},
		{"l.mp4", join(picture, sound, asH264, []string{"-c:a", "aac"}), []string{"H264", "opus"}, 50},
		{"m.mp4", join(picture, sound, asH264, []string{"-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"}), []string{"H264", "opus"}, 50},
		{"n.mp4", join(picture, asVP9), []string{"VP9"}, 50},
		{"o.ts", join(picture, sound, asH264, []string{"-c:a", "aac"}), []string{"H264", "opus"}, 50},
		{"p.wav", sound, []string{"opus"}, 0},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			name := clip(t, c.file, c.arguments...)
			s, err := openAll(t.Context(), PublishConfig{Input: name})
			if err != nil {
				t.Fatal(err)
			}
			var codecs []string
			for _, tr := range s.tracks() {
				codecs = append(codecs, tr.codec.Name)
			}
			if len(codecs) != len(c.codecs) {
				t.Fatalf("codecs %v, want %v", codecs, c.codecs)
			}
			frames := drain(t, s)
			for i, want := range c.codecs {
				if codecs[i] != want {
					t.Errorf("codec %s, want %s", codecs[i], want)
				}
				all := frames[i]
				if want == "opus" && (len(all) < 30 || len(all) > 110) || want != "opus" && len(all) != c.video {
					t.Fatalf("%s: %d frames", want, len(all))
				}
				step := (all[len(all)-1].at - all[0].at) / time.Duration(len(all)-1)
				if want != "opus" && (step < 39*time.Millisecond || step > 41*time.Millisecond) {
					t.Errorf("%s: a frame each %v, want 40 ms", want, step)
				}
				if last := all[len(all)-1].at; last < 1900*time.Millisecond || last > 2100*time.Millisecond {
					t.Errorf("%s: the last frame is at %v, want about 2 s", want, last)
				}
				cut, err := payloader(want)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range all {
					parts := cut(f.data)
					if len(parts) == 0 {
						t.Fatalf("%s: a frame of %d bytes became no packet", want, len(f.data))
					}
					for _, p := range parts {
						if len(p) > payloadSize && want != "opus" { // an Opus packet is never cut
							t.Fatalf("%s: a payload of %d bytes", want, len(p))
						}
					}
				}
			}
		})
	}
}

func TestSourcesThatCannotBeSent(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a video "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reordered := clip(t, "bf.h264", join(picture, []string{"-c:v", "libx264", "-preset", "fast", "-bf", "2", "-pix_fmt", "yuv420p"})...)
	both := clip(t, "both.webm", join(picture, sound, asVP8, asOpus)...)
	for _, c := range []struct {
		name string
		cfg  PublishConfig
		want string
	}{
		{"text", PublishConfig{Input: text}, "text: ffmpeg: "},
		{"text, no ffmpeg", PublishConfig{Input: text, FFmpeg: "no-such-ffmpeg"}, "other kinds need ffmpeg, which is not installed"},
		{"empty", PublishConfig{Input: empty}, "is empty"},
		{"folder", PublishConfig{Input: t.TempDir()}, "is a folder"},
		{"not there", PublishConfig{Input: text + "x"}, "no such file"},
		{"B-frames", PublishConfig{Input: reordered}, "-bf 0"},
		{"two sounds", PublishConfig{Input: both, Audio: both}, "more than one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := openAll(t.Context(), c.cfg)
			if err == nil {
				for err == nil {
					_, err = s.next()
				}
				_ = s.close()
			}
			if !bytes.Contains([]byte(err.Error()), []byte(c.want)) {
				t.Errorf("got %q, want …%s…", err, c.want)
			}
		})
	}
}

func TestLoopOfTheSample(t *testing.T) {
	s, err := newLoop(openSample)
	if err != nil {
		t.Fatal(err)
	}
	var last [2]time.Duration
	var seen [2]int
	for seen[0] < 4000 {
		f, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		if step := f.at - last[f.track]; seen[f.track] > 0 && f.track == 0 && (step < 33*time.Millisecond || step > 34*time.Millisecond) {
			t.Fatalf("picture %d comes %v after the one before", seen[0], step)
		} else if seen[f.track] > 0 && f.track == 1 && (step-20*time.Millisecond).Abs() > time.Microsecond {
			t.Fatalf("sound %d comes %v after the one before", seen[1], step)
		}
		last[f.track] = f.at
		seen[f.track]++
	}
	if d := last[0] - last[1]; d.Abs() > 40*time.Millisecond {
		t.Errorf("after %v picture and sound are %v apart", last[0], d)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestStandardInputEndsWithTheContext(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	name := clip(t, "a.ivf", join(picture, asVP8)...)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _, _ = w.Write(content) }() // ends with w
	s, err := openAll(ctx, PublishConfig{Input: "-", Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := s.next(); err != nil {
			t.Fatal(err)
		}
	}
	// Nothing more comes, and the pipe stays open.
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := s.next(); err == nil {
		t.Error("a frame out of nothing")
	}
	_ = s.close()
}
