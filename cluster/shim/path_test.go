package shim

import (
	"container/heap"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// A weather is what one direction of a path does to packets.
type weather struct {
	delay  time.Duration
	jitter time.Duration // up to so much more, each packet by itself: it reorders
	loss   float64
	run    int // packets lost at once; 0 is 1
}

// A sky is a UDP proxy with weather, between clients and the address behind it.
type sky struct {
	front  *net.UDPConn
	target *net.UDPAddr
	w      weather
	wg     sync.WaitGroup
	mu     sync.Mutex
	routes map[netip.AddrPort]*route
	made   uint64
	lost   int
}

// A route is the way of one client.
type route struct {
	back *net.UDPConn // what the target sees
	up   *lane
}

// under puts a sky before target.
func under(t testing.TB, target *net.UDPAddr, w weather) *sky {
	s := &sky{front: socket(t, net.JoinHostPort(target.IP.String(), "0")), target: target, w: w, routes: map[netip.AddrPort]*route{}}
	s.wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, from, err := s.front.ReadFromUDPAddrPort(buf)
			if err != nil {
				s.rebind()
				return
			}
			if r := s.route(t, from); r != nil {
				r.up.put(buf[:n])
			}
		}
	})
	t.Cleanup(func() { _ = s.front.Close(); s.wg.Wait() })
	return s
}

func (s *sky) route(t testing.TB, from netip.AddrPort) *route {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.routes[from]; r != nil {
		return r
	}
	r := &route{back: socket(t, net.JoinHostPort(s.target.IP.String(), "0"))}
	r.up = s.lane(func(b []byte) { _, _ = r.back.WriteToUDP(b, s.target) })
	down := s.lane(func(b []byte) { _, _ = s.front.WriteToUDPAddrPort(b, from) })
	s.wg.Go(func() {
		defer close(down.in)
		buf := make([]byte, 1<<16)
		for {
			n, err := r.back.Read(buf)
			if err != nil {
				return
			}
			down.put(buf[:n])
		}
	})
	s.routes[from] = r
	return r
}

// rebind gives every client another address, as a NAT does that has forgotten them.
func (s *sky) rebind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for from, r := range s.routes {
		_ = r.back.Close()
		r.up.end()
		delete(s.routes, from)
	}
}

func (s *sky) addr() net.Addr { return s.front.LocalAddr() }

func (s *sky) losses() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

type flight struct {
	due time.Time
	b   []byte
}

type flights []flight

func (f flights) Len() int           { return len(f) }
func (f flights) Less(i, j int) bool { return f[i].due.Before(f[j].due) }
func (f flights) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)        { *f = append(*f, x.(flight)) }
func (f *flights) Pop() any {
	x := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return x
}

// A lane is one direction of a route.
type lane struct {
	in     chan flight
	w      weather
	rnd    *rand.Rand
	run    int
	last   time.Time
	sky    *sky
	mu     sync.Mutex // between put and end
	closed bool
}

func (l *lane) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	close(l.in)
}

// lane is called with mu held.
func (s *sky) lane(out func([]byte)) *lane {
	s.made++
	l := &lane{in: make(chan flight, 4096), w: s.w, rnd: rand.New(rand.NewPCG(s.made, 7)), sky: s}
	s.wg.Go(func() {
		var f flights
		timer := time.NewTimer(time.Hour)
		defer timer.Stop()
		for {
			for len(f) > 0 && !f[0].due.After(time.Now()) {
				out(heap.Pop(&f).(flight).b)
			}
			if len(f) > 0 {
				timer.Reset(time.Until(f[0].due))
			} else {
				timer.Reset(time.Hour)
			}
			select {
			case x, ok := <-l.in:
				if !ok {
					return
				}
				heap.Push(&f, x)
			case <-timer.C:
			}
		}
	})
	return l
}

// put is called by one goroutine.
func (l *lane) put(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	run := max(l.w.run, 1)
	if l.run == 0 && l.rnd.Float64() < l.w.loss/float64(run) {
		l.run = run
	}
	if l.run > 0 {
		l.run--
		l.sky.mu.Lock()
		l.sky.lost++
		l.sky.mu.Unlock()
		return
	}
	due := time.Now().Add(l.w.delay)
	if l.w.jitter > 0 {
		due = due.Add(time.Duration(l.rnd.Int64N(int64(l.w.jitter))))
	} else if due.Before(l.last) {
		due = l.last
	}
	l.last = due
	l.in <- flight{due, append([]byte(nil), b...)}
}
