package member

import (
	"fmt"
	"net"
)

// Reached returns where other nodes reach what listens at addr, a host:port: at host, if that is given. The error says what is
// missing where addr is all of the machine's.
func Reached(host, addr string) (string, error) {
	at, number, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if host != "" {
		at = host
	}
	if ip := net.ParseIP(at); at == "" || ip != nil && ip.IsUnspecified() {
		return "", fmt.Errorf("advertise: other nodes cannot reach %s: say which address is this machine's", addr)
	}
	return net.JoinHostPort(at, number), nil
}
