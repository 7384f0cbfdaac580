package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// pinned is an image with a version of at least two numbers.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:v?[0-9]+\.[0-9]+[a-z0-9.-]*$`)

// checkCompose loads the file at path as Compose does, and sees that what it takes for granted is there.
func checkCompose(path string) (string, error) {
	o, err := cli.NewProjectOptions([]string{path}, cli.WithResolvedPaths(true), cli.WithConsistency(true))
	if err != nil {
		return "", err
	}
	p, err := o.LoadProject(context.Background())
	if err != nil {
		return "", err
	}
	built := map[string]bool{}
	for _, s := range p.Services {
		built[s.Image] = built[s.Image] || s.Build != nil
	}
	taken := map[string]string{} // addresses and ports, by whom
	for name, s := range p.Services {
		wrong := func(bad error) {
			if bad != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", name, bad))
			}
		}
		take := func(at string) {
			if other := taken[at]; other != "" {
				wrong(fmt.Errorf("%s is that of %s, too", at, other))
			}
			taken[at] = name
		}
		if !built[s.Image] && !pinned.MatchString(s.Image) {
			wrong(fmt.Errorf("image %s has no version", s.Image))
		}
		wrong(checkService(s))
		for _, port := range s.Ports {
			take(port.HostIP + ":" + port.Published)
		}
		for network, n := range s.Networks {
			if n == nil {
				continue
			}
			take(n.Ipv4Address)
			wrong(inside(n.Ipv4Address, p.Networks[network]))
			if at := slices.Index(s.Command, "--advertise") + 1; at > 0 && s.Command[at] != n.Ipv4Address {
				wrong(fmt.Errorf("it advertises %s, and is at %s", s.Command[at], n.Ipv4Address))
			}
		}
	}
	return fmt.Sprintf("%d services", len(p.Services)), err
}

// checkService sees that s is published on loopback alone, and is made of files that are there.
func checkService(s types.ServiceConfig) (err error) {
	if s.Build != nil {
		err = exists(filepath.Join(s.Build.Context, s.Build.Dockerfile))
	}
	for _, port := range s.Ports {
		if port.HostIP != "127.0.0.1" {
			err = errors.Join(err, fmt.Errorf("port %s is open to other machines", port.Published))
		}
	}
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind {
			err = errors.Join(err, exists(v.Source))
		}
	}
	return err
}

func inside(addr string, n types.NetworkConfig) error {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return err
	}
	for _, c := range n.Ipam.Config {
		if net, err := netip.ParsePrefix(c.Subnet); err == nil && net.Contains(a) {
			return nil
		}
	}
	return fmt.Errorf("%s is not of its network", addr)
}
