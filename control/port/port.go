// Package port is the one TCP port of a control node for other nodes: which protocol a connection speaks, its TLS handshake
// says (ALPN, RFC 7301).
package port

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// unfinished bounds handshakes under way. What comes after one is bounded by whoever serves the protocol.
	unfinished    = 512
	handshakeWait = 5 * time.Second
)

// A Protocol is one that is spoken on the port.
type Protocol struct {
	ALPN  string
	TLS   *tls.Config                            // of its connections; NextProtos has ALPN
	Serve func(ctx context.Context, c *tls.Conn) // after the handshake; it closes c, by the end of ctx at the latest
}

// A Port listens. Its methods may be called from any goroutine.
type Port struct {
	log *slog.Logger
	m   *metrics
	ln  net.Listener
	all []Protocol
}

// New binds listen, a host:port.
func New(listen string, log *slog.Logger, reg prometheus.Registerer) (*Port, error) {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("listen for nodes: %w", err)
	}
	return &Port{log: log, m: newMetrics(reg), ln: ln}, nil
}

// Addr returns where the port listens.
func (p *Port) Addr() net.Addr { return p.ln.Addr() }

// Add has the port speak one protocol more. It must not be called once Run was.
func (p *Port) Add(one Protocol) { p.all = append(p.all, one) }

// Run serves until ctx ends and everybody who serves has returned.
func (p *Port) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = p.ln.Close() })
	defer stop()
	var conns sync.WaitGroup
	defer conns.Wait()
	slots := make(chan struct{}, unfinished)
	for {
		conn, err := p.ln.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept nodes: %w", err)
		case err != nil:
			// Out of descriptors, most likely; what frees them is other connections' end.
			p.m.refused.WithLabelValues(string(refusedAccept)).Inc()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return nil
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			p.m.refused.WithLabelValues(string(refusedFull)).Inc()
			_ = conn.Close()
			continue
		}
		conns.Go(func() {
			secure := tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: p.choose})
			one, ok := p.greet(ctx, secure)
			<-slots
			if !ok {
				_ = secure.Close()
				return
			}
			one.Serve(ctx, secure)
		})
	}
}

var errProtocol = errors.New("no protocol that is spoken here")

// choose returns the config of the protocol that a client offers, of several the first of ours.
func (p *Port) choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	for _, one := range p.all {
		if slices.Contains(hello.SupportedProtos, one.ALPN) {
			return one.TLS, nil
		}
	}
	return nil, errProtocol
}

// greet shakes hands. It says what is spoken from there on.
func (p *Port) greet(ctx context.Context, c *tls.Conn) (Protocol, bool) {
	ctx, cancel := context.WithTimeout(ctx, handshakeWait)
	defer cancel()
	err := c.HandshakeContext(ctx)
	if err == nil {
		chosen := c.ConnectionState().NegotiatedProtocol
		if i := slices.IndexFunc(p.all, func(one Protocol) bool { return one.ALPN == chosen }); i >= 0 {
			return p.all[i], true
		}
		err = errProtocol
	}
	why := refusedHandshake
	if errors.Is(err, errProtocol) {
		why = refusedProtocol
	}
	p.m.refused.WithLabelValues(string(why)).Inc()
	p.log.Debug("node refused", "remote", c.RemoteAddr().String(), "err", err)
	return Protocol{}, false
}
