package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"

	"freshet/cluster/shim"
)

const (
	idleTimeout      = 2 * time.Second // QUIC's own; a broom, not how a dead upstream is noticed
	handshakeTimeout = 5 * time.Second // QUIC handshake and hello
	// Streams a peer may have open towards us at once: a group for each flow of a burst of joins.
	maxUniStreams = 1024
)

// listen binds the node's one UDP socket and puts the repair layer around it.
func listen(addr string, reg prometheus.Registerer) (*shim.Conn, error) {
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("relay address %q: %w", addr, err)
	}
	sock, err := net.ListenUDP("udp", udp)
	if err != nil {
		return nil, err
	}
	c, err := shim.New(sock, reg)
	if err != nil {
		return nil, errors.Join(err, sock.Close())
	}
	return c, nil
}

// resolve returns the UDP address that addr, host:port, names.
func resolve(ctx context.Context, addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(n)), nil
}

// quicConfig is the same for the side that dials and the side that listens.
func quicConfig() *quic.Config {
	return &quic.Config{
		EnableDatagrams:       true,
		HandshakeIdleTimeout:  handshakeTimeout,
		MaxIdleTimeout:        idleTimeout,
		KeepAlivePeriod:       idleTimeout / 4,
		MaxIncomingStreams:    1, // the control stream
		MaxIncomingUniStreams: maxUniStreams,
	}
}
