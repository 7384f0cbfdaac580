package relay

// A Guide says from which nodes streams are taken. Its methods may be called from any goroutine, and do not block.
type Guide interface {
	// Upstreams returns the nodes to take stream from, the best first; none where it begins on this node. The relay
	// looks at the first 16, and does not change what it is given.
	Upstreams(stream string) []Upstream

	// Standby returns the node that publishes stream where its origin is gone; empty where none is known, and at that node
	// itself. It is one of Upstreams.
	Standby(stream string) string

	// Origin returns the origin of stream, which its standby listens to; false where none is known, and at the origin.
	Origin(stream string) (Upstream, bool)

	// Kept returns the nodes to which there is a link before anybody needs it; of them, too, the first 16 count.
	Kept() []Upstream

	// Changed returns a channel that is closed when the answers change; nil where they never do. Ask for it first.
	Changed() <-chan struct{}
}

// A fixed guide names the same upstreams for every stream, for ever.
type fixed []Upstream

func (f fixed) Upstreams(string) []Upstream { return f }
func (f fixed) Standby(string) string       { return "" }

func (f fixed) Origin(string) (Upstream, bool) { return Upstream{}, false }

func (f fixed) Kept() []Upstream         { return f }
func (f fixed) Changed() <-chan struct{} { return nil }
