package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// ffmpeg reads everything that Freshet does not read by itself (MP4, MOV, MPEG-TS, …) through ffmpeg as a
// child process: the picture as it is, the sound as Opus, in Matroska, which keeps the times of both.
type ffmpeg struct {
	source
	in     io.Closer
	cmd    *exec.Cmd
	cancel context.CancelFunc
	stderr *firstLine
	ended  bool // the child was waited for
}

// ffmpegGrace is how long the child may take to end once its output is closed.
const ffmpegGrace = 2 * time.Second

// newFFmpeg starts program (ffmpeg of the PATH when empty) on in. name is what the file is called: a file
// is opened by the child itself, since MP4 often keeps its index at the end.
func newFFmpeg(ctx context.Context, in io.ReadCloser, name, program string) (_ source, err error) {
	if program == "" {
		program = "ffmpeg"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return nil, errors.New("is neither IVF, Ogg Opus, WebM nor H.264 Annex B; other kinds need ffmpeg, which is not installed")
	}
	arguments := []string{"-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file,pipe"}
	input := "file:" + name
	if name == "-" {
		input = "pipe:0"
	}
	arguments = append(arguments, "-i", input, "-map", "0:v:0?", "-map", "0:a:0?", "-c:v", "copy",
		"-c:a", "libopus", "-b:a", "96k", "-ac", "2", "-frame_duration", "20", "-f", "matroska", "-flush_packets", "1", "pipe:1")
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		if err != nil {
			cancel()
		}
	}()
	s := &ffmpeg{in: in, cancel: cancel, stderr: &firstLine{}}
	s.cmd = exec.CommandContext(ctx, path, arguments...)
	s.cmd.Stderr = s.stderr
	s.cmd.WaitDelay = ffmpegGrace
	if name == "-" {
		s.cmd.Stdin = in
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ffmpeg: %w", err)
	}
	if s.source, err = newMatroska(out); err != nil {
		cancel()
		_ = s.wait() // its own words are better than its exit status
		if said := s.stderr.String(); said != "" {
			return nil, fmt.Errorf("ffmpeg: %s", said)
		}
		return nil, err
	}
	return s, nil
}

func (s *ffmpeg) next() (frame, error) {
	f, err := s.source.next()
	if errors.Is(err, io.EOF) {
		// A child that stumbled half way must not look like the end of the file.
		if err := s.wait(); err != nil {
			return frame{}, err
		}
	}
	return f, err
}

// wait reaps the child; it is called after its output has ended, or to end it.
func (s *ffmpeg) wait() error {
	if s.ended {
		return nil
	}
	s.ended = true
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("ffmpeg: %s", cmp.Or(s.stderr.String(), err.Error()))
	}
	return nil
}

// close ends the child and returns once it is gone.
func (s *ffmpeg) close() error {
	s.cancel()
	err := s.in.Close() // ends the child's copier of standard input
	_ = s.source.close()
	_ = s.wait() // killed, or next has told already
	return err
}

// firstLine keeps the first line of what is written to it, up to a limit. Only the child's copier writes,
// and only after Wait is it read.
type firstLine struct{ text []byte }

const maxLine = 500

func (l *firstLine) Write(b []byte) (int, error) {
	if room := maxLine - len(l.text); room > 0 {
		l.text = append(l.text, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func (l *firstLine) String() string {
	line, _, _ := strings.Cut(string(l.text), "\n")
	return printable(strings.TrimSpace(line))
}
