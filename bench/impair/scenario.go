package impair

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// A Scenario is links, and what happens to them while they run.
type Scenario struct {
	Seed  uint64 // added to that of each link, whose place in the list is added too: no two have the same luck
	Links []Link
	Steps []Step // by time
}

// A Link is a proxy with a name: a Proxy, or with Network TCP a TCPProxy.
type Link struct {
	Name    string
	Network Network
	Config
}

// A Network is what a link carries.
type Network string

const (
	UDP Network = "" // what a link carries that does not say
	TCP Network = "tcp"
)

// UnmarshalText reads udp or tcp.
func (n *Network) UnmarshalText(b []byte) error {
	switch string(b) {
	case "udp":
		*n = UDP
	case "tcp":
		*n = TCP
	default:
		return fmt.Errorf("want udp or tcp, not %.40q", b)
	}
	return nil
}

// A Step changes one link, or all, at a time after the start.
type Step struct {
	At       time.Duration
	Link     string // empty: all
	Up, Down Change
	Rebind   bool
}

// Bounds of a scenario file.
const (
	MaxScenario = 1 << 20 // bytes; more is refused
	maxLinks    = 64
	maxSteps    = 10_000
	maxName     = 64
)

// scenarioFile is the file's form. Where people may write text or a number, either is taken and read later.
type scenarioFile struct {
	Seed uint64     `toml:"seed"`
	Link []linkFile `toml:"link"`
	Step []stepFile `toml:"step"`
}

type linkFile struct {
	Name    string     `toml:"name"`
	Network any        `toml:"network"`
	Listen  string     `toml:"listen"`
	Target  string     `toml:"target"`
	Up      changeFile `toml:"up"`
	Down    changeFile `toml:"down"`
}

type stepFile struct {
	At     any        `toml:"at"`
	Link   string     `toml:"link"`
	Up     changeFile `toml:"up"`
	Down   changeFile `toml:"down"`
	Rebind bool       `toml:"rebind"`
}

type changeFile struct {
	Delay   any   `toml:"delay"`
	Jitter  any   `toml:"jitter"`
	Reorder *bool `toml:"reorder"`
	Loss    any   `toml:"loss"`
	Burst   *int  `toml:"burst"`
	Rate    any   `toml:"rate"`
	Buffer  any   `toml:"buffer"`
	Cut     *bool `toml:"cut"`
}

// ParseScenario reads a scenario file (bench/README.md). An error names the line, where the file is not TOML or
// has a key that is unknown, else the link or step.
func ParseScenario(b []byte) (*Scenario, error) {
	if len(b) > MaxScenario {
		return nil, fmt.Errorf("%d bytes are too many, at most %d", len(b), MaxScenario)
	}
	var f scenarioFile
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, located(err)
	}
	s := &Scenario{Seed: f.Seed}
	if err := s.takeLinks(f); err != nil {
		return nil, err
	}
	if err := s.takeSteps(f); err != nil {
		return nil, err
	}
	return s, nil
}

// located puts the line before what the decoder says.
func located(err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := &unknown.Errors[0]
		line, _ := first.Position()
		key := first.Key()
		return fmt.Errorf("line %d: %s: unknown key", line, key[len(key)-1])
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ := at.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(at.Error(), "toml: "))
	}
	return err
}

func (s *Scenario) takeLinks(f scenarioFile) error {
	if len(f.Link) == 0 || len(f.Link) > maxLinks {
		return fmt.Errorf("want 1 to %d links, [[link]], not %d", maxLinks, len(f.Link))
	}
	for i, l := range f.Link {
		if l.Name == "" || len(l.Name) > maxName || s.has(l.Name) {
			return fmt.Errorf("link %d: want a name of its own, of 1 to %d bytes, not %.*q", i+1, maxName, maxName, l.Name)
		}
		up, err := l.Up.read("up")
		down, err2 := l.Down.read("down")
		network := new(Network)
		err3 := readUnit("network", l.Network, &network)
		err = errors.Join(err3, addressed("listen", l.Listen), addressed("target", l.Target), err, err2)
		if err != nil {
			return fmt.Errorf("link %q: %w", l.Name, err)
		}
		s.Links = append(s.Links, Link{Name: l.Name, Network: *network, Config: Config{
			Listen: l.Listen, Target: l.Target, Up: up.Apply(Path{}), Down: down.Apply(Path{}),
		}})
	}
	return nil
}

func (s *Scenario) has(link string) bool {
	for _, l := range s.Links {
		if l.Name == link {
			return true
		}
	}
	return false
}

func addressed(key, addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%s: want HOST:PORT, not %q", key, addr)
	}
	return nil
}

func (s *Scenario) takeSteps(f scenarioFile) error {
	if len(f.Step) > maxSteps {
		return fmt.Errorf("want at most %d steps, not %d", maxSteps, len(f.Step))
	}
	var last time.Duration
	for i, st := range f.Step {
		var at *Duration
		atErr := readUnit("at", st.At, &at)
		up, err := st.Up.read("up")
		down, err2 := st.Down.read("down")
		if err = errors.Join(atErr, err, err2); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		step := Step{Link: st.Link, Up: up, Down: down, Rebind: st.Rebind}
		switch {
		case at == nil:
			return fmt.Errorf("step %d: at: want a time after the start, as 10s", i+1)
		case time.Duration(*at) < last:
			return fmt.Errorf("step %d: at: %v comes after %v: want steps in order, from 0s on", i+1, *at, last)
		case st.Link != "" && !s.has(st.Link):
			return fmt.Errorf("step %d: link: there is no %q", i+1, st.Link)
		case up == Change{} && down == Change{} && !st.Rebind:
			return fmt.Errorf("step %d: changes nothing: want up, down or rebind", i+1)
		}
		last = time.Duration(*at)
		step.At = last
		s.Steps = append(s.Steps, step)
	}
	return nil
}

// read returns the change that f says, if no path could be refused for it.
func (f changeFile) read(way string) (Change, error) {
	c := Change{Reorder: f.Reorder, Burst: f.Burst, Cut: f.Cut}
	err := errors.Join(
		readUnit("delay", f.Delay, &c.Delay), readUnit("jitter", f.Jitter, &c.Jitter), readUnit("loss", f.Loss, &c.Loss),
		readUnit("rate", f.Rate, &c.Rate), readUnit("buffer", f.Buffer, &c.Buffer),
	)
	if err == nil {
		err = c.Apply(Path{}).Validate()
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", way, err)
	}
	return c, nil
}

// readUnit reads the value of a key, text or a number, into *to; nil leaves that nil.
func readUnit[T any, P interface {
	*T
	UnmarshalText([]byte) error
}](key string, v any, to *P) error {
	var text string
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Errorf("%s: want text or a number", key)
	}
	p := P(new(T))
	if err := p.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	*to = p
	return nil
}
