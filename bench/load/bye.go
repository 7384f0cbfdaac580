package load

import (
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// A goodbye is closed at the first RTCP BYE of a server.
type goodbye struct {
	said chan struct{}
	once sync.Once
}

func newGoodbye() *goodbye { return &goodbye{said: make(chan struct{})} }

// await reads what receiver's track brings of RTCP until the connection is closed.
func (g *goodbye) await(receiver *webrtc.RTPReceiver) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, ok := packet.(*rtcp.Goodbye); ok {
				g.once.Do(func() { close(g.said) })
			}
		}
	}
}
