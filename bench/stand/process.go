package stand

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"freshet/bench/report"
)

// How long a process may take to come up, and to go when it is told to.
const (
	readyWithin = 30 * time.Second
	endsWithin  = 15 * time.Second
)

// A Process is one node that runs the real binary. It belongs to the row's goroutine.
type Process struct {
	Name  string
	URL   string // of its HTTP server
	Relay string // host:port

	b      *Bench
	args   []string  // without where it listens
	file   string    // its log, of all its lives
	cmd    *exec.Cmd // nil while it is not running
	ended  chan error
	frozen bool
}

// Node starts a node of role, with a name of its own and args on top, and returns once it is ready. It is
// ended with the row; where the row has failed, the tail of its log is shown.
func (b *Bench) Node(dir, role, name string, args ...string) *Process {
	b.Helper()
	p := &Process{
		b: b, Name: name, file: filepath.Join(dir, name+".log"),
		args: append([]string{role, "--ca", filepath.Join(dir, "ca"), "--node", name, "--data", dir, "--media", "127.0.0.1:0"}, args...),
	}
	b.Cleanup(p.cleanup)
	p.Start()
	return p
}

// Start starts the process where it listened before, or on free ports, with args from now on added to those that
// it has, and waits until it is ready.
func (p *Process) Start(args ...string) {
	p.b.Helper()
	p.args = append(p.args, args...)
	http, relay := "127.0.0.1:0", "127.0.0.1:0"
	if p.URL != "" {
		http, relay = strings.TrimPrefix(p.URL, "http://"), p.Relay
	}
	log, err := os.OpenFile(p.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.b.Fatal(err)
	}
	begun, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		p.b.Fatal(err)
	}
	p.cmd = exec.Command(p.b.Config.Binary, append(p.args, "--http", http, "--relay", relay)...)
	p.cmd.Stderr = log
	p.cmd.Env = Environment()
	err = p.cmd.Start()
	_ = log.Close() // the process has its own
	if err != nil {
		p.cmd = nil
		p.b.Fatalf("start %s: %v", p.Name, err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	p.b.Until(p.Name+" ready", readyWithin, func() bool {
		select {
		case err := <-p.ended:
			p.cmd = nil
			p.b.Fatalf("%s ended at once: %v", p.Name, err)
		default:
		}
		return p.serving(begun) && p.ready()
	})
}

// Environment is this process's own without the settings of a freshet.
func Environment() []string {
	var all []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "FRESHET_") {
			all = append(all, v)
		}
	}
	return all
}

// serving reads where p listens from the line of its log that says so, past the byte from.
func (p *Process) serving(from int64) bool {
	b, err := os.ReadFile(p.file)
	if err != nil || int64(len(b)) < from {
		return false
	}
	for line := range bytes.Lines(b[from:]) {
		var l struct{ Msg, URL, Relay string }
		if json.Unmarshal(line, &l) != nil || l.Msg != "serving" {
			continue
		}
		p.URL, p.Relay = l.URL, l.Relay
		return true
	}
	return false
}

func (p *Process) ready() bool {
	c := http.Client{Timeout: time.Second}
	defer c.CloseIdleConnections()
	resp, err := c.Get(p.URL + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // unread
	return resp.StatusCode == http.StatusOK
}

// signal sends sig to the process, which must be running.
func (p *Process) signal(sig syscall.Signal) {
	p.b.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.b.Fatalf("%s: %v: %v", p.Name, sig, err)
	}
}

// Kill ends the process as a power cut does, and returns when it is gone.
func (p *Process) Kill() {
	p.b.Helper()
	p.signal(syscall.SIGKILL)
	err := <-p.ended
	p.cmd = nil
	if err == nil {
		p.b.Fatalf("%s had ended by itself", p.Name)
	}
}

// Freeze stops the process where it stands.
func (p *Process) Freeze() { p.b.Helper(); p.signal(syscall.SIGSTOP); p.frozen = true }

// Thaw has it go on.
func (p *Process) Thaw() { p.b.Helper(); p.signal(syscall.SIGCONT); p.frozen = false }

// PID is the process's id in this life.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// CPU returns the processor time it has used in this life.
func (p *Process) CPU() time.Duration {
	p.b.Helper()
	d, err := report.CPUOf(p.PID())
	if err != nil {
		p.b.Fatalf("%s: %v", p.Name, err)
	}
	return d
}

// WHIP is where stream id is published.
func (p *Process) WHIP(id string) string { return p.URL + "/whip/" + id }

// WHEP is where stream id is played.
func (p *Process) WHEP(id string) string { return p.URL + "/whep/" + id }

// Get returns what the process answers at path, up to limit bytes.
func (p *Process) Get(ctx context.Context, path string, query url.Values, limit int64) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	q.Close = true
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s of %s: %s", path, p.Name, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, limit))
}

// Stop ends the process in order, by force where it does not go. One that does not run is left alone.
func (p *Process) Stop() {
	if p.cmd == nil {
		return
	}
	select {
	case err := <-p.ended:
		p.cmd = nil
		p.b.Errorf("%s had ended by itself: %v", p.Name, err)
		return
	default:
	}
	if p.frozen {
		p.Thaw()
	}
	p.signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			p.b.Errorf("%s: %v", p.Name, err)
		}
		p.cmd = nil
	case <-time.After(endsWithin):
		p.b.Errorf("%s did not end within %v", p.Name, endsWithin)
		p.Kill()
	}
}

// cleanup ends the process; where the row has failed, it shows the end of the log.
func (p *Process) cleanup() {
	p.Stop()
	if !p.b.Failed() {
		return
	}
	if b, err := os.ReadFile(p.file); err == nil {
		p.b.Logf("--- %s\n%s", p.Name, lastLines(b, 20))
	}
}

// lastLines returns the last n lines of b.
func lastLines(b []byte, n int) []byte {
	i := len(b)
	for range n + 1 {
		if i = bytes.LastIndexByte(b[:i], '\n'); i < 0 {
			return b
		}
	}
	return b[i+1:]
}
