package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"freshet/bench/peers/naive"
)

const (
	readyWithin = 15 * time.Second // a machine that is busy with compiling has taken 5
	endsWithin  = 10 * time.Second // after SIGTERM; then it is killed
	mostReady   = 4 << 10          // bytes of the line that says where a server is
	mostTail    = 4 << 10          // bytes of what a process said last
)

// startNaive starts the naive server on free ports of loopback.
func startNaive(ctx context.Context, cfg Config) (*Peer, error) {
	args := []string{"bench", "serve-naive", "--http", "127.0.0.1:0"}
	if cfg.Kind == NaiveGCM {
		args = append(args, "--gcm")
	}
	p, line, err := start(ctx, cfg.Binary, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Kind, err)
	}
	var r naive.Ready
	if err := json.Unmarshal(line, &r); err != nil || checkURL(r.WHIP) != nil || checkURL(r.WHEP) != nil {
		return nil, errors.Join(fmt.Errorf("%s: it said %q, not where it listens", cfg.Kind, line), p.stop())
	}
	return &Peer{
		Name: string(cfg.Kind), Version: r.Version, WHIP: r.WHIP, WHEP: r.WHEP, PID: p.cmd.Process.Pid,
		Cannot: []string{cannotSimulcast}, Stop: p.stop,
	}, nil
}

// A process is one that was started here.
type process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	tail   tail
	ended  chan struct{} // closed when it is gone
	err    error         // of its end; read after ended
}

// launch starts a program. It ends with ctx.
func launch(ctx context.Context, stdout *os.File, binary string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{cancel: cancel, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, binary, args...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = endsWithin
	p.cmd.Stderr = &p.tail
	if p.cmd.Stdout = &p.tail; stdout != nil {
		p.cmd.Stdout = stdout
	}
	p.cmd.Env = environment()
	if err := p.cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// start starts a program and returns the first line that it writes to standard output.
func start(ctx context.Context, binary string, args ...string) (*process, []byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = r.Close() }() // only read; it ends the goroutine below too. Whoever writes more gets SIGPIPE
	p, err := launch(ctx, w, binary, args...)
	_ = w.Close() // the process has its own
	if err != nil {
		return nil, nil, err
	}
	line := make(chan []byte, 1)
	go func() {
		b, err := bufio.NewReader(io.LimitReader(r, mostReady)).ReadBytes('\n')
		if err != nil {
			b = nil
		}
		line <- b
	}()
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	select {
	case b := <-line:
		if b != nil {
			return p, b, nil
		}
		err = errors.New("it did not say where it listens")
	case <-late.C:
		err = fmt.Errorf("it did not say where it listens within %v", readyWithin)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return nil, nil, p.giveUp(err)
}

// giveUp ends a process that is of no use, and adds to err what it said last.
func (p *process) giveUp(err error) error {
	err = errors.Join(err, p.stop())
	if said := p.tail.String(); said != "" {
		err = fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// stop ends the process in order, by force where it does not go, and waits until it is gone.
func (p *process) stop() error {
	p.cancel()
	<-p.ended
	var exit *exec.ExitError
	switch {
	case p.err == nil: // and not what Wait says where the signal came first
		return fmt.Errorf("process %d had ended by itself", p.cmd.Process.Pid)
	case errors.Is(p.err, context.Canceled), errors.Is(p.err, context.DeadlineExceeded):
		return nil
	case errors.As(p.err, &exit):
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() && w.Signal() == syscall.SIGTERM {
			return nil // a program that does not handle it
		}
	}
	return fmt.Errorf("process %d: %w", p.cmd.Process.Pid, p.err)
}

// environment is this process's own without the settings of a freshet.
func environment() []string {
	var all []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FRESHET_") {
			all = append(all, v)
		}
	}
	return all
}

// A tail keeps the last of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - mostTail; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}
