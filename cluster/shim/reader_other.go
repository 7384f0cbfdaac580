//go:build !linux

package shim

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
)

// A reader takes one packet a call from the socket, and copies it.
type reader struct {
	u    *net.UDPConn
	buf  [1 << 16]byte
	head [headerLen]byte
	last arrival
}

func (r *reader) open(u *net.UDPConn) error {
	r.u = u
	return nil
}

func (r *reader) read(ms []ipv4.Message, _ int) (int, error) {
	n, oob, flags, from, err := r.u.ReadMsgUDPAddrPort(r.buf[:], ms[0].OOB)
	if err != nil {
		return 0, err
	}
	copy(r.head[:], r.buf[:n])
	if n > headerLen {
		copy(ms[0].Buffers[0], r.buf[headerLen:n])
	}
	ip := from.Addr().Unmap()
	r.last = arrival{head: &r.head, n: n, oob: oob, flags: flags, zone: ip.Zone(), from: netip.AddrPortFrom(ip.WithZone(""), from.Port())}
	return 1, nil
}

func (r *reader) packet(int) arrival { return r.last }
