package member

import (
	"time"

	"github.com/hashicorp/memberlist"
)

// packetBytes is a UDP payload that passes any path: IPv6's least MTU of 1,280 without its headers.
const packetBytes = 1232

// tuned returns memberlist.DefaultWANConfig with each number that differs, and why. WAN's own find a death after 30 s and
// more; it was made for a few servers in each of many data centres, where that is soon enough.
//
// A death is found in three steps: somebody probes the dead one (each member one other every ProbeInterval: 1.6 intervals
// on average until one of many does), the probe ends unanswered (an interval), and nobody refutes the suspicion (SuspicionMult
// intervals, times the decimal logarithm of the members where there are more than ten). That makes 5 to 8 s up to 20 nodes,
// and 14 s at 1,000.
func tuned() *memberlist.Config {
	c := memberlist.DefaultWANConfig()

	// The farthest regions are 250 to 300 ms apart, there and back; that, and a third for a path under load.
	c.ProbeTimeout = 400 * time.Millisecond
	// What is left after ProbeTimeout, 800 ms, is for three others to probe in our stead, and to say so when they get no
	// answer either: ProbeTimeout again and a round trip, 650 ms; and for TCP: two round trips, 500 ms.
	c.ProbeInterval = 1200 * time.Millisecond
	// With 5 % loss each way one direct probe in ten fails. All of one direct, three indirect, and TCP: once in 10,000.
	c.IndirectChecks = 3
	// 3.6 s in which the suspect hears of it and its answer comes back: each takes 3 or 4 rounds of gossip and a flight. One
	// more observer must confirm (SuspicionMult - 2); where none does, twice the time, so one bad path convinces nobody.
	c.SuspicionMult = 3
	c.SuspicionMaxTimeoutMult = 2
	// A node whose own probes fail doubts itself and waits up to four times as long, not eight: a region that is cut off
	// would else take 10 s a probe to see it.
	c.AwarenessMaxMultiplier = 4

	// 40 packets a second at most, 50 kB/s: a word reaches all of 20 nodes in two or three rounds, of 1,000 in five or six.
	c.GossipInterval = 100 * time.Millisecond
	c.GossipNodes = 4
	c.UDPBufferSize = packetBytes - 32 // memberlist's own header and a CRC come on top

	c.PushPullInterval = 30 * time.Second // what gossip has missed is there then, at the latest
	c.GossipToTheDeadTime = time.Minute   // a dead node that only was cut off hears of it, and refutes
	c.TCPTimeout = 5 * time.Second        // an exchange of 1,000 nodes' states is 1 MB

	c.GossipVerifyIncoming, c.GossipVerifyOutgoing = true, true
	c.EnableCompression = false // signatures and certificates do not shrink
	c.RequireNodeNames = false  // seeds are addresses
	c.DNSConfigPath = ""        // names are resolved before memberlist sees them
	return c
}
