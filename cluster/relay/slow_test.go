package relay

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A bucket lets so many bytes a second pass.
type bucket struct {
	mu   sync.Mutex
	rate float64
	left float64
	at   time.Time
}

// over says whether b does not pass.
func (k *bucket) over(b []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.left = min(k.left+k.rate*now.Sub(k.at).Seconds(), 4*1500)
	k.at = now
	if k.left < float64(len(b)) {
		return true
	}
	k.left -= float64(len(b))
	return false
}

// A downstream node behind a path far too narrow loses video up to a key frame. Nobody else notices.
func TestSlowDownstream(t *testing.T) {
	m := newMesh(t)
	origin := m.node("origin", nodeConfig{behind: maxBehind})
	narrow := &bucket{rate: 60e3}
	slow := m.node("slow", nodeConfig{wrap: func(c net.PacketConn) net.PacketConn { return &lossy{c, narrow.over} }}, origin.up())
	fast := m.node("fast", nodeConfig{}, origin.up())
	p := publish(origin, "a", 1, audioFormat, videoFormat)
	write(p.Flows[1], 0, 1, 1)
	lf := pullNow(t, fast, "a")
	defer lf.Release()
	ls := pullNow(t, slow, "a")
	defer ls.Release()
	video, audio := record(lf.Stream().Flows[1]), record(lf.Stream().Flows[0])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	const frames = 200
	for i := range frames { // 500 kB a second for two seconds
		<-tick.C
		write(p.Flows[1], 1+5*i, 6+5*i, 100)
		if i%2 == 0 {
			write(p.Flows[0], i/2, i/2+1, 0)
		}
	}
	// What a busy machine makes late for the fast one too may be left out, but no more than that.
	eventually(t, "nearly complete at the fast one", func() bool { return video.len() > 4*frames && audio.len() > frames/2*4/5 })
	eventually(t, "skipped for the slow one", func() bool { return origin.metric("dropped_packets_total") > 100 })
	t.Logf("the slow one got %d of %d packets of video", ls.Stream().Flows[1].Ring.Head(), 5*frames+1)
}
