package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/cluster/identity"
)

// forwardALPN is of the forwarder's own connections, which no node takes.
const forwardALPN = "freshet-bench"

// ForwardConfig says where a forwarder stands.
type ForwardConfig struct {
	CA     string // directory of the cluster's CA
	Listen string // UDP host:port
	Target string // UDP host:port of who takes what comes
}

// Forward takes one QUIC connection and sends each datagram that comes on it to Target, by QUIC again: the
// least that a relay of packets over stock quic-go can be. It says where it listens as a line of JSON on w, and ends
// with ctx or its first connection.
func Forward(ctx context.Context, cfg ForwardConfig, w io.Writer) error {
	id, err := forwardIdentity(cfg.CA, "forwarder")
	if err != nil {
		return err
	}
	ln, err := quic.ListenAddr(cfg.Listen, id.ServerTLS([]string{forwardALPN}, identity.RoleEdge), forwardQUIC())
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // nothing is left to lose
	if err := json.NewEncoder(w).Encode(map[string]string{"listen": ln.Addr().String()}); err != nil {
		return err
	}
	out, err := dialForward(ctx, id, cfg.Target, "sink")
	if err != nil {
		return fmt.Errorf("dial %s: %w", cfg.Target, err)
	}
	defer func() { _ = out.CloseWithError(0, "") }()
	in, err := ln.Accept(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { _ = in.CloseWithError(0, "") }()
	for {
		b, err := in.ReceiveDatagram(ctx)
		if err != nil {
			return stopped(ctx, err)
		}
		if err := out.SendDatagram(b); err != nil {
			return stopped(ctx, err)
		}
	}
}

// stopped returns nil where err is how a connection ends in order.
func stopped(ctx context.Context, err error) error {
	var closed *quic.ApplicationError
	if ctx.Err() != nil || errors.As(err, &closed) && closed.ErrorCode == 0 || errors.Is(err, quic.ErrServerClosed) {
		return nil
	}
	return err
}

func forwardIdentity(dir, node string) (*identity.Identity, error) {
	ca, err := identity.OpenCA(dir)
	if err != nil {
		return nil, err
	}
	return ca.Issue(node, identity.RoleEdge)
}

func forwardQUIC() *quic.Config {
	return &quic.Config{EnableDatagrams: true, MaxIdleTimeout: 10 * time.Second, KeepAlivePeriod: time.Second}
}

func dialForward(ctx context.Context, id *identity.Identity, addr, node string) (*quic.Conn, error) {
	return quic.DialAddr(ctx, addr, id.ClientTLS([]string{forwardALPN}, node, identity.RoleEdge), forwardQUIC())
}

// drain counts the datagrams of the first connection to ln.
func drain(ctx context.Context, ln *quic.Listener, count func()) error {
	conn, err := ln.Accept(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	for {
		if _, err := conn.ReceiveDatagram(ctx); err != nil {
			return stopped(ctx, err)
		}
		count()
	}
}

// pour sends datagrams of size bytes to conn, burst of them each time, until ctx ends; those of a burst leave
// pace apart.
func pour(ctx context.Context, conn *quic.Conn, size, burst int, each, pace time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	b := make([]byte, size)
	begun := time.Now()
	for i := 0; ; i++ {
		at := time.Duration(i/burst)*each + time.Duration(i%burst)*pace
		if wait := time.Until(begun.Add(at)); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			}
		}
		if err := conn.SendDatagram(b); err != nil {
			return stopped(ctx, err)
		}
	}
}
