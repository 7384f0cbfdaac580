package peers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"freshet/bench/peers/janus"
)

// janusLoops are the event loops that viewers share. Debian's configuration has a thread a viewer, which costs more
// than twice as much: Janus is shown as somebody would run it for a crowd.
const janusLoops = 2

// janusModules are where Debian has the plugins and transports; of each one is used.
const janusModules = "/usr/lib/*/janus"

// startJanus starts Debian's Janus with a configuration of its own, and a front for it in this process.
func startJanus(ctx context.Context) (_ *Peer, err error) {
	binary, err := exec.LookPath("janus")
	if err != nil {
		return nil, fmt.Errorf("%w: make peers installs it on Debian", err)
	}
	dir, err := os.MkdirTemp("", "janus-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	if err := configureJanus(dir, port); err != nil {
		return nil, err
	}
	p, err := launch(ctx, nil, binary, "--configs-folder="+dir, "--disable-colors")
	if err != nil {
		return nil, err
	}
	base := fmt.Sprintf("http://127.0.0.1:%d/janus", port)
	front, err := openFront(ctx, p, base)
	if err != nil {
		return nil, p.giveUp(err)
	}
	running, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- front.Run(running) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return errors.Join(<-served, p.stop(), os.RemoveAll(dir))
	})
	return &Peer{
		Name: string(Janus), Version: janusVersion(ctx, binary), WHIP: front.WHIP(), WHEP: front.WHEP(), PID: p.cmd.Process.Pid,
		Cannot: []string{cannotPublishTo, cannotOffer, cannotLayers}, Stop: stop,
	}, nil
}

// openFront waits until Janus takes requests.
func openFront(ctx context.Context, p *process, base string) (*janus.Front, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		front, err := janus.New(ctx, base, slog.New(slog.DiscardHandler))
		if err == nil {
			return front, nil
		}
		select {
		case <-p.ended:
			return nil, errors.New("janus ended at once")
		case <-ctx.Done():
			return nil, fmt.Errorf("janus takes no requests: %w", err)
		case <-tick.C:
		}
	}
}

// freePort returns a TCP port that was free a moment ago: Janus takes no port 0.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// configureJanus writes what Janus reads into dir. Of its modules it sees the ones that are needed.
func configureJanus(dir string, port int) error {
	for _, m := range []struct{ kind, file string }{
		{"plugins", "libjanus_streaming.so"}, {"transports", "libjanus_http.so"},
		{"events", ""}, {"loggers", ""},
	} {
		folder := filepath.Join(dir, m.kind)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return err
		}
		if m.file == "" {
			continue
		}
		found, err := filepath.Glob(filepath.Join(janusModules, m.kind, m.file))
		if err != nil || len(found) == 0 {
			return fmt.Errorf("janus has no %s in %s", m.file, janusModules)
		}
		if err := os.Symlink(found[0], filepath.Join(folder, m.file)); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"janus.jcfg": fmt.Sprintf(`
general: {
	plugins_folder = "%[1]s/plugins"
	transports_folder = "%[1]s/transports"
	events_folder = "%[1]s/events"
	loggers_folder = "%[1]s/loggers"
	debug_level = 3
	event_loops = %[2]d
	session_timeout = 0
}
nat: {
	ice_lite = true
}
`, dir, janusLoops),
		"janus.transport.http.jcfg": fmt.Sprintf(`
general: {
	json = "compact"
	base_path = "/janus"
	http = true
	port = %d
	ip = "127.0.0.1"
	https = false
}
admin: {
	admin_http = false
}
`, port),
		"janus.plugin.streaming.jcfg": "general: {\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// janusVersion is what Janus says of itself; empty where it does not.
func janusVersion(ctx context.Context, binary string) string {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	// 1.1.2 tells its version, then complains of the option, and exits with 1.
	out, _ := exec.CommandContext(ctx, binary, "--version").CombinedOutput() // no version says enough
	if m := regexp.MustCompile(`\(([0-9]+\.[0-9]+\.[0-9]+)\)`).FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return ""
}
