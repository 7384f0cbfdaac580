// Package peers starts the servers that an edge is measured beside, each in a process of its own, and says of
// each what its figures leave out: the naive server of this binary, Janus where it is installed, and any other by its URLs and its pid.
package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Kind is a way to come by a peer.
type Kind string

const (
	Naive    Kind = "naive"     // `freshet bench serve-naive`: pion's usual way, ciphers in pion's order
	NaiveGCM Kind = "naive-gcm" // the same with AES_128_GCM alone, as Freshet prefers it
	Janus    Kind = "janus"     // Debian's package, behind a front of its own for WHIP and WHEP
	Other    Kind = "other"     // a server that runs already
)

// Config says which peer to start.
type Config struct {
	Kind   Kind
	Binary string // of the naive server: the program whose `bench serve-naive` it is

	// Of another server.
	Name string // empty: host and port of WHEP
	WHIP string // empty where somebody else publishes to it
	WHEP string
	PID  int // 0: not known, or on another machine
}

// Validate says what is wrong with cfg, by the name of the field.
func (cfg Config) Validate() error {
	switch cfg.Kind {
	case Naive, NaiveGCM:
		if cfg.Binary == "" {
			return errors.New("binary: want the program that serves")
		}
		return nil
	case Janus:
		return nil
	case Other:
	default:
		return fmt.Errorf("peer: want naive, naive-gcm, janus or other, not %q", cfg.Kind)
	}
	if err := checkURL(cfg.WHEP); err != nil {
		return fmt.Errorf("whep: %w", err)
	}
	if cfg.WHIP != "" {
		if err := checkURL(cfg.WHIP); err != nil {
			return fmt.Errorf("whip: %w", err)
		}
	}
	if cfg.PID < 0 {
		return fmt.Errorf("pid: want the number of a process, not %d", cfg.PID)
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("want http://… or https://…, not %q", text)
	}
	return nil
}

// A Peer is a server to measure. It belongs to whoever started it.
type Peer struct {
	Name    string
	Version string // empty: the server does not tell
	WHIP    string // empty: it cannot be published to
	WHEP    string
	PID     int      // 0: its processor time and memory cannot be read
	Cannot  []string // what it does not do or what cannot be measured of it, for whoever reads its figures

	// Stop ends a process that Start started, and returns an error where that had ended by itself or had to be
	// killed. It may be called again. A server that ran before goes on.
	Stop func() error
}

// What is said of peers.
const (
	cannotSimulcast = "takes no simulcast: one layer for all viewers, no bandwidth estimate"
	cannotPublishTo = "has no WHIP: what a publisher costs is not in its figures, and a new viewer waits for the next key frame"
	cannotOffer     = "takes no offers: a front crosses two, with Janus as ICE-lite, so that pion's clients join 200 ms later than they could"
	cannotLayers    = "takes VP8 and Opus alone, without simulcast, with the same payload types for all viewers"
	cannotStop      = "was running before: its memory holds what it did earlier"
	cannotMeasure   = "pid not given: no processor time and no memory"
	cannotPublish   = "no WHIP address: whoever published to it is not part of the bench"
)

// dialWithin is how long a server that is said to run may take to be connected to.
const dialWithin = 5 * time.Second

// Start starts a peer, and returns when it can be reached. One that it started ends with ctx, or by Stop.
func Start(ctx context.Context, cfg Config) (*Peer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	switch cfg.Kind {
	case Other:
		return other(ctx, cfg)
	case Janus:
		return startJanus(ctx)
	}
	return startNaive(ctx, cfg)
}

// other looks whether the server is there.
func other(ctx context.Context, cfg Config) (*Peer, error) {
	p := &Peer{
		Name: cfg.Name, WHIP: cfg.WHIP, WHEP: cfg.WHEP, PID: cfg.PID,
		Cannot: []string{cannotStop}, Stop: func() error { return nil },
	}
	for _, address := range []string{cfg.WHEP, cfg.WHIP} {
		if address == "" {
			p.Cannot = append(p.Cannot, cannotPublish)
			continue
		}
		host, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		if p.Name == "" {
			p.Name = host
		}
	}
	if cfg.PID == 0 {
		p.Cannot = append(p.Cannot, cannotMeasure)
	} else if err := runs(cfg.PID); err != nil {
		return nil, fmt.Errorf("pid %d: %w", cfg.PID, err)
	}
	return p, nil
}

// dial sees whether somebody listens where a URL points, and returns its host and port.
func dial(ctx context.Context, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), u.Scheme) // the services are named as the schemes are
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", host)
	if err != nil {
		return "", err
	}
	return u.Host, c.Close()
}

// runs says whether there is a process pid that lives: one that has ended, and that nobody has waited for, still
// has its number.
func runs(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Signal(syscall.Signal(0)); err != nil && !errors.Is(err, os.ErrPermission) {
		return err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil //nolint:nilerr // a system that does not say more
	}
	// The name of the process may hold anything; its state is the letter behind it (proc(5)).
	if s := string(b); strings.HasPrefix(s[strings.LastIndexByte(s, ')')+1:], " Z") {
		return os.ErrProcessDone
	}
	return nil
}
