package impair

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
)

// Links are the proxies of a scenario.
type Links struct {
	scenario Scenario
	proxies  []proxy
	begun    time.Time
	last     Report
}

// A proxy is a Proxy or a TCPProxy.
type proxy interface {
	Run(context.Context) error
	Addr() netip.AddrPort
	Set(up, down Path)
	Paths() (up, down Path)
	Rebind()
	Stats() (up, down Stats)
	tell(*LinkReport) // of its clients
	discard()
}

// NewLinks binds the addresses of all links of s.
func NewLinks(s Scenario) (*Links, error) {
	l := &Links{scenario: s}
	for i, link := range s.Links {
		link.Seed += s.Seed + uint64(i)
		p, err := newProxy(link)
		if err != nil {
			for _, p := range l.proxies {
				p.discard()
			}
			return nil, fmt.Errorf("link %q: %w", link.Name, err)
		}
		l.proxies = append(l.proxies, p)
	}
	return l, nil
}

func newProxy(link Link) (proxy, error) {
	if link.Network == TCP {
		return NewTCP(link.Config)
	}
	return New(link.Config)
}

// Run passes packets and takes the steps, until ctx ends or a proxy fails. The time of steps runs from here.
func (l *Links) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, p := range l.proxies {
		g.Go(func() error {
			if err := p.Run(ctx); err != nil {
				return fmt.Errorf("link %q: %w", l.scenario.Links[i].Name, err)
			}
			return nil
		})
	}
	g.Go(func() error { l.walk(ctx); return nil })
	return g.Wait()
}

// walk takes the steps, each at its time.
func (l *Links) walk(ctx context.Context) {
	begun := time.Now()
	for _, s := range l.scenario.Steps {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.At - time.Since(begun)):
			l.take(s)
		}
	}
}

func (l *Links) take(s Step) {
	for i, p := range l.proxies {
		if s.Link != "" && s.Link != l.scenario.Links[i].Name {
			continue
		}
		up, down := p.Paths()
		p.Set(s.Up.Apply(up), s.Down.Apply(down))
		if s.Rebind {
			p.Rebind()
		}
	}
}

// Report says what happened so far, with rates of the time since the last Report; the first begins the count of
// time. One goroutine calls it and Total.
func (l *Links) Report(now time.Time) Report {
	if l.begun.IsZero() {
		l.begun = now
	}
	r := l.report(now, l.last)
	l.last = r
	return r
}

// Total is the last report, with rates of the whole run.
func (l *Links) Total(now time.Time) Report {
	r := l.report(now, Report{Links: make([]LinkReport, len(l.proxies))})
	r.Final = true
	return r
}

func (l *Links) report(now time.Time, before Report) Report {
	r := Report{Elapsed: now.Sub(l.begun)}
	for i, p := range l.proxies {
		link := l.scenario.Links[i]
		lr := LinkReport{Name: link.Name, Network: link.Network, Listen: p.Addr().String(), Target: link.Target}
		p.tell(&lr)
		lr.Up.Path, lr.Down.Path = p.Paths()
		lr.Up.Stats, lr.Down.Stats = p.Stats()
		if before.Links != nil {
			since, b := r.Elapsed-before.Elapsed, before.Links[i]
			lr.Up.Bitrate = bitrate(b.Up.Out, lr.Up.Out, since)
			lr.Down.Bitrate = bitrate(b.Down.Out, lr.Down.Out, since)
		}
		r.Links = append(r.Links, lr)
	}
	return r
}

func bitrate(before, now Count, since time.Duration) int64 {
	if since <= 0 {
		return 0
	}
	return int64(float64(now.Bytes-before.Bytes) * 8 / since.Seconds())
}
