package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/agent"
	"freshet/cluster/cert"
	"freshet/cluster/ops"
	"freshet/cluster/relay"
	"freshet/control/geo"
	pb "freshet/proto"
)

// A point is where a node stands, LAT,LON in degrees.
type point geo.Point

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *point) UnmarshalText(b []byte) error {
	lat, lon, ok := strings.Cut(string(b), ",")
	var err error
	if p.Lat, err = strconv.ParseFloat(strings.TrimSpace(lat), 64); err == nil {
		p.Lon, err = strconv.ParseFloat(strings.TrimSpace(lon), 64)
	}
	if !ok || err != nil || !geo.Point(*p).Valid() {
		return fmt.Errorf("want LAT,LON in degrees, such as 45.51,-73.55, not %q", b)
	}
	return nil
}

func (p point) String() string { return fmt.Sprintf("%g,%g", p.Lat, p.Lon) }

// position is p as nodes tell it, nil where nothing was said.
func (p *point) position() *pb.Position {
	if p == nil {
		return nil
	}
	return &pb.Position{Latitude: p.Lat, Longitude: p.Lon}
}

// reachable returns the addresses at which others reach what is bound to ip: those given, else ip itself,
// else, where ip stands for all addresses, those of the machine.
func reachable(ip net.IP, given []netip.Addr) ([]netip.Addr, error) {
	if len(given) > 0 {
		return given, nil
	}
	if a, ok := netip.AddrFromSlice(ip); ok && !a.IsUnspecified() {
		return []netip.Addr{a.Unmap()}, nil
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, o := range own {
		n, ok := o.(*net.IPNet)
		if !ok {
			continue
		}
		if a, ok := netip.AddrFromSlice(n.IP); ok && a.Unmap().IsGlobalUnicast() {
			given = append(given, a.Unmap())
		}
	}
	if len(given) == 0 { // a machine without a network serves itself
		given = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return given, nil
}

// baseURL returns the URL of s, at the first of the addresses given or where it listens.
func baseURL(s *ops.HTTP, given []netip.Addr) (string, error) {
	bound := s.Addr().(*net.TCPAddr)
	at, err := reachable(bound.IP, given)
	if err != nil {
		return "", err
	}
	return "http://" + net.JoinHostPort(at[0].String(), strconv.Itoa(bound.Port)), nil
}

// nodeURL returns where others reach what s serves: as a person gave it, else under the name of its certificate, which
// shows in reg then, else at the first of the addresses given or where it listens.
func nodeURL(given string, s *ops.HTTP, certs *cert.Holder, at []netip.Addr, reg prometheus.Registerer) (string, error) {
	if certs != nil {
		certs.Register(reg)
	}
	base, err := publicURL(given)
	switch {
	case err != nil || base != "":
		return base, err
	case certs != nil:
		return secureURL(s, certs), nil
	}
	return baseURL(s, at)
}

// publicURL checks what a person gave as the address of a node: scheme and host alone, since the addresses
// of sessions are told from the root of the host. It returns it without a slash at the end.
func publicURL(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", badConfig("url", "want http://HOST or https://HOST, with a port where it needs one and no path")
	}
	return u.Scheme + "://" + u.Host, nil
}

// upstreams parses NODE=HOST:PORT, best first.
func upstreams(list []string) ([]relay.Upstream, error) {
	var all []relay.Upstream
	for _, u := range list {
		node, addr, ok := strings.Cut(u, "=")
		if !ok || node == "" {
			return nil, badConfig("upstream", "want NODE=HOST:PORT, not %q", u)
		}
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return nil, badConfig("upstream", "%s: %w", node, err)
		}
		all = append(all, relay.Upstream{Node: node, Addr: addr})
	}
	return all, nil
}

var streamID = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// streamRecords parses ID=KEY, where KEY may be @FILE.
func streamRecords(list []string) ([]*pb.StreamRecord, error) {
	var all []*pb.StreamRecord
	seen := map[string]bool{}
	for _, s := range list {
		id, key, ok := strings.Cut(s, "=")
		if !streamID.MatchString(id) {
			return nil, badConfig("stream", "an id is 1 to 64 of a-z, 0-9 and -") // what stands there may be a key
		}
		key, err := secret("stream "+id, key)
		if err != nil {
			return nil, err
		}
		if !ok || key == "" {
			return nil, badConfig("stream", "%s has no key: want ID=KEY or ID=@FILE", id)
		}
		if seen[id] {
			return nil, badConfig("stream", "%s is given twice", id)
		}
		seen[id] = true
		all = append(all, agent.Record(id, key))
	}
	return all, nil
}

// streamKey returns the key in DIR/ID, which it makes on first use: 256 bits, for the owner's eyes only.
func streamKey(dir, id string) (string, error) {
	file := filepath.Join(dir, id)
	b, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	key := base64.RawURLEncoding.EncodeToString(random)
	return key, os.WriteFile(file, []byte(key+"\n"), 0o600)
}
