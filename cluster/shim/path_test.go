package shim

import (
	"container/heap"
	"math/rand/v2"
	"net"
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

// A sky is a UDP proxy with weather, between a client and the address behind it.
type sky struct {
	front *net.UDPConn
	mu    sync.Mutex
	drop  func(b []byte) bool // of the client's packets; nil drops none
	lost  int
}

// under puts a sky before target.
func under(t testing.TB, target *net.UDPAddr, w weather) *sky {
	s := &sky{front: socket(t, net.JoinHostPort(target.IP.String(), "0"))}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = s.front.Close(); wg.Wait() })
	wg.Go(func() {
		backs := map[string]*lane{}
		var sockets []*net.UDPConn
		buf := make([]byte, 1<<16)
		for {
			n, from, err := s.front.ReadFromUDP(buf)
			if err != nil {
				for _, b := range sockets {
					_ = b.Close()
				}
				for _, l := range backs {
					close(l.in)
				}
				return
			}
			up := backs[from.String()]
			if up == nil {
				back := socket(t, net.JoinHostPort(target.IP.String(), "0"))
				sockets = append(sockets, back)
				seed := uint64(len(backs))
				up = s.lane(&wg, w, seed, func(b []byte) { _, _ = back.WriteToUDP(b, target) })
				down := s.lane(&wg, w, seed+100, func(b []byte) { _, _ = s.front.WriteToUDP(b, from) })
				backs[from.String()] = up
				wg.Go(func() {
					buf := make([]byte, 1<<16)
					for {
						n, err := back.Read(buf)
						if err != nil {
							close(down.in)
							return
						}
						down.put(buf[:n])
					}
				})
			}
			s.mu.Lock()
			drop := s.drop != nil && s.drop(buf[:n])
			s.mu.Unlock()
			if !drop {
				up.put(buf[:n])
			}
		}
	})
	return s
}

func (s *sky) addr() net.Addr { return s.front.LocalAddr() }

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

type lane struct {
	in   chan flight
	w    weather
	rnd  *rand.Rand
	run  int
	last time.Time
	sky  *sky
}

func (s *sky) lane(wg *sync.WaitGroup, w weather, seed uint64, out func([]byte)) *lane {
	l := &lane{in: make(chan flight, 4096), w: w, rnd: rand.New(rand.NewPCG(seed, 7)), sky: s}
	wg.Go(func() {
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
