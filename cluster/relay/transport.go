package relay

import (
	"fmt"
	"net"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	idleTimeout      = 2 * time.Second // QUIC's own; a broom, not how a dead upstream is noticed
	handshakeTimeout = 5 * time.Second // QUIC handshake and hello
	// Streams a peer may have open towards us at once: a group for each flow of a burst of joins.
	maxUniStreams = 1024
)

// listen binds the node's one UDP socket. What repairs loss below QUIC goes around it here.
func listen(addr string) (net.PacketConn, error) {
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("relay address %q: %w", addr, err)
	}
	return net.ListenUDP("udp", udp)
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
