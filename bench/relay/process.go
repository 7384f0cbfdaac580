package relay

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

// A process is one node that runs the real binary. It belongs to the row's goroutine.
type process struct {
	b     *bench
	name  string
	args  []string // without where it listens
	url   string   // of its HTTP server
	relay string   // host:port
	file  string   // its log, of all its lives

	cmd    *exec.Cmd // nil while it is not running
	ended  chan error
	frozen bool
}

// node starts a node of role, with a name of its own and args on top, and returns once it is ready. It is
// ended with the row; where the row has failed, the tail of its log is shown.
func (b *bench) node(dir, role, name string, args ...string) *process {
	b.Helper()
	p := &process{
		b: b, name: name, file: filepath.Join(dir, name+".log"),
		args: append([]string{role, "--node", name, "--data", dir, "--media", "127.0.0.1:0"}, args...),
	}
	b.Cleanup(p.cleanup)
	p.start()
	return p
}

// start starts the process where it listened before, or on free ports, and waits until it is ready.
func (p *process) start() {
	p.b.Helper()
	http, relay := "127.0.0.1:0", "127.0.0.1:0"
	if p.url != "" {
		http, relay = strings.TrimPrefix(p.url, "http://"), p.relay
	}
	log, err := os.OpenFile(p.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.b.Fatal(err)
	}
	begun, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		p.b.Fatal(err)
	}
	p.cmd = exec.Command(p.b.cfg.Binary, append(p.args, "--http", http, "--relay", relay)...)
	p.cmd.Stderr = log
	p.cmd.Env = environment()
	err = p.cmd.Start()
	_ = log.Close() // the process has its own
	if err != nil {
		p.cmd = nil
		p.b.Fatalf("start %s: %v", p.name, err)
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	p.b.until(p.name+" ready", readyWithin, func() bool {
		select {
		case err := <-p.ended:
			p.cmd = nil
			p.b.Fatalf("%s ended at once: %v", p.name, err)
		default:
		}
		return p.serving(begun) && p.ready()
	})
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

// serving reads where p listens from the line of its log that says so, past the byte from.
func (p *process) serving(from int64) bool {
	b, err := os.ReadFile(p.file)
	if err != nil || int64(len(b)) < from {
		return false
	}
	for line := range bytes.Lines(b[from:]) {
		var l struct{ Msg, URL, Relay string }
		if json.Unmarshal(line, &l) != nil || l.Msg != "serving" {
			continue
		}
		p.url, p.relay = l.URL, l.Relay
		return true
	}
	return false
}

func (p *process) ready() bool {
	c := http.Client{Timeout: time.Second}
	defer c.CloseIdleConnections()
	resp, err := c.Get(p.url + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // unread
	return resp.StatusCode == http.StatusOK
}

// signal sends sig to the process, which must be running.
func (p *process) signal(sig syscall.Signal) {
	p.b.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.b.Fatalf("%s: %v: %v", p.name, sig, err)
	}
}

// kill ends the process as a power cut does, and returns when it is gone.
func (p *process) kill() {
	p.b.Helper()
	p.signal(syscall.SIGKILL)
	err := <-p.ended
	p.cmd = nil
	if err == nil {
		p.b.Fatalf("%s had ended by itself", p.name)
	}
}

// freeze stops the process where it stands; thaw has it go on.
func (p *process) freeze() { p.b.Helper(); p.signal(syscall.SIGSTOP); p.frozen = true }
func (p *process) thaw()   { p.b.Helper(); p.signal(syscall.SIGCONT); p.frozen = false }

// cpu returns the processor time it has used in this life.
func (p *process) cpu() time.Duration {
	p.b.Helper()
	d, err := report.CPUOf(p.cmd.Process.Pid)
	if err != nil {
		p.b.Fatalf("%s: %v", p.name, err)
	}
	return d
}

// whip and whep are where stream id is published and played.
func (p *process) whip(id string) string { return p.url + "/whip/" + id }
func (p *process) whep(id string) string { return p.url + "/whep/" + id }

// get returns what the process answers at path, up to limit bytes.
func (p *process) get(ctx context.Context, path string, query url.Values, limit int64) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+query.Encode(), nil)
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
		return nil, fmt.Errorf("%s of %s: %s", path, p.name, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, limit))
}

// stop ends the process in order, by force where it does not go. One that does not run is left alone.
func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	if p.frozen {
		p.thaw()
	}
	p.signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			p.b.Errorf("%s: %v", p.name, err)
		}
		p.cmd = nil
	case <-time.After(endsWithin):
		p.b.Errorf("%s did not end within %v", p.name, endsWithin)
		p.kill()
	}
}

// cleanup ends the process; where the row has failed, it shows the end of the log.
func (p *process) cleanup() {
	p.stop()
	if !p.b.Failed() {
		return
	}
	if b, err := os.ReadFile(p.file); err == nil {
		p.b.Logf("--- %s\n%s", p.name, lastLines(b, 20))
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
