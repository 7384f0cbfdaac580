package agent

import (
	"math"
	"os"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/cluster/stream"
	pb "freshet/proto"
)

const (
	maxStreams = 256 // RELIABILITY: streams a node carries
	maxLoad    = 10  // what is told of an edge that is over its load
	lossStep   = 5   // permille: finer changes are not news
)

// Self is where a node is reached: what of its facts never changes.
type Self struct {
	WHIP, WHEP string // base URLs, empty where the node has none
	RTT        string // URL that answers at once, empty where the node has none
	Relay      string // host:port
	Metrics    string // URL
	Mbps       int64  // what the node can send; 0: not known
}

// An Audience is whom an edge serves.
type Audience interface {
	Viewers() map[string]int // by stream
	Load() float64           // share of what the edge may do; from 1 on it takes nobody
}

// A Reporter gathers the facts of a node. It is used by one goroutine.
type Reporter struct {
	self     Self
	table    *stream.Table
	audience Audience

	rates map[*stream.Flow]rate
}

type rate struct {
	bytes int64
	at    time.Time
	bps   uint64
}

// NewReporter returns a reporter of what table carries. audience is nil at an origin.
func NewReporter(self Self, table *stream.Table, audience Audience) *Reporter {
	return &Reporter{self: self, table: table, audience: audience, rates: map[*stream.Flow]rate{}}
}

// Facts returns the node's facts at now. Bitrates are means since the last call that was at least half
// a second earlier.
func (r *Reporter) Facts(now time.Time) *pb.NodeFacts {
	f := &pb.NodeFacts{
		Whip: r.self.WHIP, Whep: r.self.WHEP, Relay: r.self.Relay, Metrics: r.self.Metrics,
		Rtt: r.self.RTT, Pid: uint32(os.Getpid()), CapacityMbps: uint32(min(r.self.Mbps, 1<<20)),
	}
	var viewers map[string]int
	if r.audience != nil {
		viewers = r.audience.Viewers()
		f.LoadPermille = uint32(1000 * min(max(r.audience.Load(), 0), maxLoad))
	}
	for _, n := range viewers {
		f.Viewers += uint32(n)
	}
	rates := map[*stream.Flow]rate{} // made anew, so that flows which are gone leave nothing behind
	for _, s := range r.table.All() {
		if len(f.Streams) == maxStreams {
			break
		}
		hops := s.Hops()
		sf := &pb.StreamFacts{
			Id: s.ID, Epoch: s.Epoch, Live: s.Err() == nil && s.Live(now),
			Viewers: uint32(viewers[s.ID]), Hops: uint32(len(hops)),
		}
		if n := len(hops); n > 0 {
			sf.Upstream = hops[n-1]
			sf.LossPermille = uint32(lossStep * math.Round(1000*s.Loss()/lossStep))
		}
		for _, fl := range s.Flows {
			rates[fl] = r.rates[fl].next(fl.Bytes(), now)
			sf.Flows = append(sf.Flows, &pb.FlowFacts{
				Track: fl.Format.Track, Rid: fl.Format.RID, Codec: fl.Format.Codec.Name,
				Width: uint32(fl.Format.Width), Height: uint32(fl.Format.Height), BitrateBps: rates[fl].bps,
			})
		}
		f.Streams = append(f.Streams, sf)
	}
	r.rates = rates
	trim(f)
	return f
}

// next returns the rate after bytes in all at now.
func (r rate) next(bytes int64, now time.Time) rate {
	if r.at.IsZero() {
		return rate{bytes, now, 0}
	}
	took := now.Sub(r.at)
	if took < 500*time.Millisecond {
		return r // too short a time to say anything
	}
	return rate{bytes, now, uint64(float64(bytes-r.bytes) * 8 / took.Seconds())}
}

// trim drops the flows, which only the pages show, where the message would be over its bound.
func trim(f *pb.NodeFacts) {
	if proto.Size(f) <= MaxUp-1024 {
		return
	}
	for _, s := range f.Streams {
		s.Flows = nil
	}
}
