package load

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// A goodbye is closed at the first RTCP BYE of a server, and knows when that was heard last.
type goodbye struct {
	said chan struct{}
	once sync.Once
	last atomic.Int64 // Unix time in nanoseconds
}

func newGoodbye() *goodbye { return &goodbye{said: make(chan struct{})} }

// await reads what receiver's track brings of RTCP until the connection is closed.
func (g *goodbye) await(receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		g.hear(time.Now())
		for _, packet := range packets {
			if _, ok := packet.(*rtcp.Goodbye); ok {
				g.once.Do(func() { close(g.said) })
			}
		}
	}
}

// hear notes that a packet of any kind came.
func (g *goodbye) hear(now time.Time) { g.last.Store(now.UnixNano()) }

func (g *goodbye) heard() time.Time { return time.Unix(0, g.last.Load()) }
