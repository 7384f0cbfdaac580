// Command withmesh starts a mesh, runs a command with the mesh's addresses in its environment, stops the
// mesh and ends as the command did:
//
//	withmesh [-sample] -freshet FILE COMMAND ARG…   a fresh `freshet up`; -sample lets it publish its sample
//	withmesh -mirror COMMAND ARG…                   a server that is not Freshet (package mirror)
//
// The line that `freshet up --output json` prints is put in FRESHET_UP, with -sample in FRESHET_UP_SAMPLE.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"freshet/bench/compat/mirror"
)

const (
	readyTimeout = 60 * time.Second // until the line is there
	stopTimeout  = 30 * time.Second // from SIGTERM to SIGKILL
)

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, log)
	stop()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(max(exit.ExitCode(), 1))
	} else if err != nil {
		log.Error("withmesh", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) (err error) {
	binary := flag.String("freshet", "", "the freshet `FILE` to start")
	sample := flag.Bool("sample", false, "let the mesh publish its sample")
	mirrored := flag.Bool("mirror", false, "start a server that is not Freshet instead")
	flag.Parse()
	if flag.NArg() == 0 || (*binary == "") == !*mirrored {
		return errors.New("want -mirror or -freshet FILE, and a command")
	}
	ctx, cancel := context.WithCancel(ctx)
	var line string
	var wait func() error
	if *mirrored {
		line, wait, err = startMirror(ctx, log)
	} else {
		line, wait, err = startFreshet(ctx, *binary, *sample)
	}
	defer func() {
		cancel()
		if wait != nil {
			err = errors.Join(err, wait())
		}
	}()
	if err != nil {
		return err
	}
	name := "FRESHET_UP"
	if *sample {
		name = "FRESHET_UP_SAMPLE"
	}
	c := exec.CommandContext(ctx, flag.Arg(0), flag.Args()[1:]...)
	c.Env = append(os.Environ(), name+"="+line)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}

func startMirror(ctx context.Context, log *slog.Logger) (line string, wait func() error, err error) {
	m, err := mirror.New(log)
	if err != nil {
		return "", nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	return m.Line(), func() error { return <-ended }, nil
}

// startFreshet starts a mesh with a data directory of its own and returns its line. wait, where it is not
// nil, must be called after ctx has ended, also after an error.
func startFreshet(ctx context.Context, binary string, sample bool) (line string, wait func() error, err error) {
	data, err := os.MkdirTemp("", "freshet-compat-")
	if err != nil {
		return "", nil, err
	}
	args := []string{"up", "--output", "json", "--http", "127.0.0.1:0", "--data", data}
	if !sample {
		args = append(args, "--no-sample")
	}
	c := exec.CommandContext(ctx, binary, args...)
	c.Stderr = os.Stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = stopTimeout
	out, err := c.StdoutPipe()
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(data))
	}
	if err := c.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(data))
	}
	first := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		r := bufio.NewReader(out)
		line, _ := r.ReadString('\n')
		first <- strings.TrimSpace(line)
		_, _ = io.Copy(io.Discard, r)
	}()
	wait = func() error {
		<-read
		err := c.Wait()
		if errors.Is(err, context.Canceled) {
			err = nil // it ended by itself, in order, after SIGTERM
		}
		if err != nil {
			err = fmt.Errorf("freshet up: %w", err)
		}
		return errors.Join(err, os.RemoveAll(data))
	}
	select {
	case line = <-first:
	case <-time.After(readyTimeout):
	case <-ctx.Done():
	}
	if line == "" {
		return "", wait, errors.New("freshet up printed no line")
	}
	return line, wait, nil
}
