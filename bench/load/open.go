package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"freshet/bench/load/sample"
)

// A container is what a file is packed in.
type container int

const (
	containerOther container = iota // whatever ffmpeg may make of it
	containerIVF
	containerOgg
	containerWebM
	containerH264
)

// sniffLength is how many bytes detect wants.
const sniffLength = 64

// detect tells the container by the first bytes of a file.
func detect(b []byte) container {
	switch {
	case bytes.HasPrefix(b, []byte("DKIF")):
		return containerIVF
	case bytes.HasPrefix(b, []byte("OggS")) && bytes.Contains(b, []byte("OpusHead")):
		return containerOgg
	case bytes.HasPrefix(b, []byte{0x1a, 0x45, 0xdf, 0xa3}):
		return containerWebM
	}
	// Annex B: a start code, and a unit that may begin a stream. MPEG program streams have start codes too,
	// with ids that H.264 forbids.
	for _, start := range [][]byte{{0, 0, 0, 1}, {0, 0, 1}} {
		if rest, ok := bytes.CutPrefix(b, start); ok && len(rest) > 0 && rest[0]&0x80 == 0 {
			switch rest[0] & 0x1f {
			case 1, 5, 6, 7, 8, 9:
				return containerH264
			}
		}
	}
	return containerOther
}

// openAll opens what cfg names as one source: the sample, one input, or a picture and a sound.
func openAll(ctx context.Context, cfg PublishConfig) (source, error) {
	if cfg.Input == "" && cfg.Audio == "" {
		return openSample()
	}
	var parts []source
	for _, name := range []string{cfg.Input, cfg.Audio} {
		if name == "" {
			continue
		}
		s, err := openOne(ctx, name, cfg)
		if err == nil {
			parts = append(parts, s)
			continue
		}
		closeAll(parts)
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s, err := merge(parts...)
	if err != nil {
		closeAll(parts)
	}
	return s, err
}

func closeAll(parts []source) {
	for _, p := range parts {
		_ = p.close() // only read from
	}
}

func openSample() (source, error) {
	video, err := newAnnexB(io.NopCloser(bytes.NewReader(sample.Video)), sample.Rate)
	if err != nil {
		return nil, err
	}
	audio, err := newOgg(io.NopCloser(bytes.NewReader(sample.Audio)))
	if err != nil {
		return nil, err
	}
	return merge(video, audio)
}

func openOne(ctx context.Context, name string, cfg PublishConfig) (_ source, err error) {
	in := cfg.Stdin
	switch {
	case name != "-":
		if in, err = os.Open(name); err != nil {
			return nil, errors.Unwrap(err) // the caller says the name
		}
	case in == nil:
		if in, err = standardInput(); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			_ = in.Close()
		}
	}()
	if d, err := in.Stat(); err != nil {
		return nil, err
	} else if d.IsDir() {
		return nil, errors.New("is a folder")
	} else if d.Mode()&os.ModeCharDevice != 0 {
		return nil, errors.New("is a terminal: pipe a file into it")
	}
	if name == "-" {
		// Whoever writes to the pipe may be silent when we are told to stop.
		context.AfterFunc(ctx, func() { _ = in.Close() })
	}
	first := bufio.NewReaderSize(in, 64<<10)
	head, err := first.Peek(sniffLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) == 0 {
		return nil, errors.New("is empty")
	}
	r := struct {
		io.Reader
		io.Closer
	}{first, in}
	switch detect(head) {
	case containerIVF:
		return newIVF(r)
	case containerOgg:
		return newOgg(r)
	case containerWebM:
		return newMatroska(r)
	case containerH264:
		return newAnnexB(r, cfg.Rate)
	}
	return newFFmpeg(ctx, r, name, cfg.FFmpeg)
}

// standardInput returns standard input as a file whose Close ends a Read that waits; os.Stdin's does not.
func standardInput() (*os.File, error) {
	fd, err := syscall.Dup(int(os.Stdin.Fd()))
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "standard input"), nil
}
