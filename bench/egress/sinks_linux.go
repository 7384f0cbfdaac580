package egress

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	sinkTick     = 10 * time.Millisecond
	nackThousand = packetsASecond // of a thousand reports, so many ask for a packet again: 0.1 % of what a viewer gets
)

// A sinksOrder is what the sinks' process is told to do first.
type sinksOrder struct {
	Viewers int  `json:"viewers"`
	Shards  int  `json:"shards"`
	Every   int  `json:"every"` // one in so many of each shard's viewers is watched; 0: none
	CM      bool `json:"cm"`    // viewers know only AES-CM
	Tell    bool `json:"tell"`  // they give transport-wide feedback, of a load that is even
}

type sinksReady struct {
	Ports []uint16 `json:"ports"`
}

// A sinksAsk is what it is told later: that viewer n is to report to port n modulo their number, or, without ports, to
// stop that and say what was found.
type sinksAsk struct {
	Ports []uint16 `json:"ports"`
}

// A sinksFound is what the sinks did and saw since they were asked last.
type sinksFound struct {
	Reports int       `json:"reports"`
	Nacks   int       `json:"nacks"`
	Cores   float64   `json:"cores"` // of the sinks
	Keys    []arrival `json:"keys"`  // large key frames at watched viewers, whole
	Sound   []arrival `json:"sound"` // packets of sound at watched viewers
}

// runSinks opens a socket for each fake viewer and says where. Told where the edge is, it has each send what a viewer sends in
// a second: a receiver report, REMB, transport-wide feedback, and now and then a NACK. It ends when nobody asks any more.
func runSinks(ctx context.Context, p *pipe) (err error) {
	var order sinksOrder
	if err := p.hear(&order); err != nil {
		return err
	}
	if err := allowFiles(order.Viewers + 1000); err != nil {
		return err
	}
	if order.Every > 0 {
		if err := giveWay(); err != nil {
			return err
		}
	}
	s := sinks{begun: time.Now(), drain: newDrain()}
	defer func() { err = errors.Join(err, s.close()) }()
	var ready sinksReady
	for n := range order.Viewers {
		one, err := newSink(n, order.CM)
		if err != nil {
			return err
		}
		one.tells = order.Tell
		s.all = append(s.all, one)
		ready.Ports = append(ready.Ports, one.port)
		if watched(n, order.Shards, order.Every) {
			if err := one.watch(order.CM); err != nil {
				return err
			}
			s.watched = append(s.watched, one)
		}
	}
	if err := p.say(ready); err != nil {
		return err
	}
	asks := make(chan sinksAsk)
	go func() { // ends with the other end of p
		defer close(asks)
		for {
			var ask sinksAsk
			if p.hear(&ask) != nil {
				return
			}
			select {
			case asks <- ask:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.run(ctx, p, asks)
}

// allowFiles raises how many files this process may open.
func allowFiles(n int) error {
	var have unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &have); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if want := uint64(n); have.Cur < want {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: want, Max: max(want, have.Max)}); err != nil {
			return fmt.Errorf("%d open files: %w", n, err)
		}
	}
	return nil
}

// giveWay lets other processes have the processors first: those who watch stand for machines elsewhere, and what they read can wait.
func giveWay() error {
	const nice = 10
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads { // new ones take after them
		n, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, n, nice); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("give way: %w", err)
		}
	}
	return nil
}

// sinks are all fake viewers. They are owned by the goroutine that runs.
type sinks struct {
	all, watched []*sink
	begun        time.Time // arrival times count from it
	looked       time.Time // at watched viewers
	drain        *drain

	ports []uint16 // of the edge; nil: nobody reports
	from  time.Time
	cpu   time.Duration
	done  int // reports since from
	found sinksFound
}

func (s *sinks) close() (err error) {
	for _, one := range s.all {
		err = errors.Join(err, unix.Close(one.fd))
	}
	return err
}

// run reads and reports until ctx ends or nobody asks any more.
func (s *sinks) run(ctx context.Context, p *pipe, asks <-chan sinksAsk) error {
	tick := time.NewTicker(sinkTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case ask, ok := <-asks:
			if !ok {
				return nil
			}
			if err := s.asked(p, ask); err != nil {
				return err
			}
		case <-tick.C:
			now := time.Now()
			if now.Sub(s.looked) >= watchEvery {
				if err := s.read(now); err != nil {
					return err
				}
			}
			if err := s.report(now); err != nil {
				return err
			}
		}
	}
}

func (s *sinks) asked(p *pipe, ask sinksAsk) error {
	cpu, err := used()
	if err != nil {
		return err
	}
	if ask.Ports != nil {
		s.ports, s.from, s.cpu, s.done, s.found = ask.Ports, time.Now(), cpu, 0, sinksFound{}
		return nil
	}
	if s.ports != nil {
		s.found.Cores = (cpu - s.cpu).Seconds() / time.Since(s.from).Seconds()
	}
	if err := s.read(time.Now()); err != nil {
		return err
	}
	found := s.found
	s.ports, s.found = nil, sinksFound{}
	return p.say(found)
}

// read notes what came to watched viewers.
func (s *sinks) read(now time.Time) error {
	s.looked = now
	for _, one := range s.watched {
		if err := one.read(now, &s.found); err != nil {
			return err
		}
	}
	return nil
}

// report has viewers report whose turn it is: each once a second, evenly spread.
func (s *sinks) report(now time.Time) error {
	if s.ports == nil {
		return nil
	}
	for due := int(now.Sub(s.from).Seconds() * float64(len(s.all))); s.done < due; s.done++ {
		one := s.all[s.done%len(s.all)]
		nack := (7*one.n+13*(s.done/len(s.all)))%1000 < nackThousand
		if err := one.report(s.ports[one.n%len(s.ports)], nack, s.drain, now, s.begun); err != nil {
			return err
		}
		s.found.Reports++
		if nack {
			s.found.Nacks++
		}
	}
	return nil
}
