package member

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/cluster/disk"
)

const (
	maxPeers    = 256            // kept for coming back: more than can all be gone at once
	maxPeerFile = 64 << 10       // bytes; maxPeers take 30 KiB at their longest
	forgetPeer  = 24 * time.Hour // of a failed peer, as long as others are alive
)

// peers is whom this node knew last, kept in a file: a line "started UNIXMS" with the start of the process that wrote it, and
// a line "NODE HOST:PORT" for each. It belongs to the goroutine that rejoins.
type peers struct {
	file  string
	known map[string]peer
	saved string // content of file
}

type peer struct {
	addr string
	seen time.Time // alive; zero where only the file knows it
}

// loadPeers reads file, where there is one, and returns the start of the process that wrote it.
func loadPeers(file string) (p *peers, started uint64, err error) {
	p = &peers{file: file, known: map[string]peer{}}
	if file == "" {
		return p, 0, nil
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, 0, nil
	}
	if err != nil {
		return p, 0, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(io.LimitReader(f, maxPeerFile))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		if key == "started" {
			if started, err = strconv.ParseUint(value, 10, 63); err != nil {
				return p, 0, fmt.Errorf("%s: start of the last process: %w", file, err)
			}
			continue
		}
		if _, err := netip.ParseAddrPort(value); err != nil || len(key) > maxNode || len(p.known) >= maxPeers {
			return p, started, fmt.Errorf("%s: no list of peers: %.80q", file, lines.Text())
		}
		p.known[key] = peer{addr: value}
	}
	return p, started, lines.Err()
}

// update notes who is alive and drops who left.
func (p *peers) update(seen map[string]sighting, now time.Time) {
	alive := false
	for node, s := range seen {
		switch {
		case s.status == Left:
			delete(p.known, node)
		case s.status != Failed:
			alive = true
			if _, has := p.known[node]; has || len(p.known) < maxPeers {
				p.known[node] = peer{s.addr, now}
			}
		}
	}
	for node, one := range p.known {
		if one.seen.IsZero() {
			p.known[node] = peer{one.addr, now}
		} else if alive && now.Sub(one.seen) > forgetPeer {
			delete(p.known, node)
		}
	}
}

// save writes the file where its content changed, in one step: a reader finds the old or the new.
func (p *peers) save(started uint64) error {
	if p.file == "" {
		return nil
	}
	lines := make([]string, 0, len(p.known)+1)
	for node, one := range p.known {
		lines = append(lines, node+" "+one.addr+"\n")
	}
	slices.Sort(lines)
	content := "started " + strconv.FormatUint(started, 10) + "\n" + strings.Join(lines, "")
	if content == p.saved {
		return nil
	}
	if err := disk.Replace(p.file, []byte(content)); err != nil {
		return err
	}
	p.saved = content
	return nil
}
