package load

// A Mischief is what each viewer of a swarm does to the server from its first picture on. It has joined as any
// other: its keys are good, and nothing that it sends can be told from feedback that is meant.
type Mischief string

// The mischiefs; none where it is empty.
const (
	MischiefDeaf Mischief = "deaf" // reads no packet any more and reports nothing, but keeps its consent fresh
	MischiefNACK Mischief = "nack" // asks for the newest 256 packets of the picture again, 100 times a second
	MischiefKeys Mischief = "keys" // asks for a key frame 1,000 times a second, by PLI and FIR in turn
)

const (
	nackFlood = 100 // datagrams a second
	nackEach  = 256 // numbers in one
	keyFlood  = 1000

	// mostMischief bounds what one tick sends after the loop was held up: what it could not send is not made up for.
	mostMischief = 64
)

// A flood says when the next of so many a second is due. It belongs to its viewer's loop.
type flood struct {
	perSecond float64
	passed    float64 // seconds since it began
	sent      int     // or let go
}

// due returns how many are due once more passes, mostMischief at most.
func (f *flood) due(more float64) int {
	f.passed += more
	n := int(f.passed*f.perSecond) - f.sent
	f.sent += n
	return min(n, mostMischief)
}
