package relay

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"freshet/cluster/stream"
	pb "freshet/proto"
	"freshet/proto/rtpq"
)

const (
	maxLive   = 512 // arrivals waiting for their puller: 1 s of 5 Mbit/s
	maxSlow   = 64  // packets from streams; their readers wait
	maxEvents = 64
	maxBoard  = 512 // numbers remembered as never to come, for each stream
)

// A pull is one stream that this node takes from upstream, shared by all who want it here. Its puller
// writes it; the channels lead to the puller, what stands behind mu is for everybody.
type pull struct {
	r      *Relay
	id     string
	live   chan arrival
	slow   chan arrival
	events chan event
	asks   chan *stream.Flow // flows whose key frame is wanted
	nudge  chan struct{}     // leases came or went, or wants
	done   chan struct{}     // closed when the puller has ended

	mu      sync.Mutex
	leases  map[*Lease]struct{}
	stream  *stream.Stream         // newest epoch; nil before the first
	err     error                  // why there is none, or none any more
	last    error                  // why the last round of upstreams brought nothing
	path    []string               // from the origin to this node; nil while no upstream delivers
	also    []string               // the path of the second feed; nil without
	asking  string                 // node that was asked and has not answered
	changed chan struct{}          // closed when stream or err change
	moved   chan struct{}          // closed when path changes
	lives   map[*stream.Flow]int64 // where upstream's live packets begin, of the flows it told so
	hops    []*pb.HopStats         // see route
	board   [maxBoard]given
	boardAt int
}

// A given is a number that upstream will never send.
type given struct {
	flow *stream.Flow
	seq  int64
}

// eventKind tells what an event is.
type eventKind uint8

const (
	eventAccept eventKind = iota
	eventRefuse
	eventEnd
	eventGroup
	eventLost  // the link is gone
	eventSigns // the link is heard of no more, or again
	eventPause
	eventRoute
)

// An event is what a source has to say of one of its feeds, packets apart.
type event struct {
	kind   eventKind
	feed   *feed
	accept *pb.Accept
	group  *pb.GroupStart
	pause  *pb.Pause
	route  *pb.Route
	reason pb.EndReason
	err    error
}

func newPull(r *Relay, id string) *pull {
	return &pull{
		r: r, id: id, live: make(chan arrival, maxLive), slow: make(chan arrival, maxSlow), events: make(chan event, maxEvents),
		asks: make(chan *stream.Flow, 16), nudge: make(chan struct{}, 1), done: make(chan struct{}),
		leases: map[*Lease]struct{}{}, changed: make(chan struct{}), moved: make(chan struct{}),
	}
}

// Pull carries stream id on this node until the lease is released, and Config.Linger longer. It returns
// once the stream is here. The error wraps ErrUnknownStream, ErrNoUpstream (also where ctx ends first),
// ErrLoop, ErrTooManyHops or ErrFull.
func (r *Relay) Pull(ctx context.Context, id string) (*Lease, error) {
	if !rtpq.StreamID(id) {
		return nil, fmt.Errorf("pull %.64q: %w", id, ErrUnknownStream)
	}
	l, err := r.pull(ctx, id, nil)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", id, err)
	}
	return l, nil
}

// pull leases id for the nodes that hops names, the one below this node last.
func (r *Relay) pull(ctx context.Context, id string, hops []string) (*Lease, error) {
	if s := r.own(id); s != nil {
		p := newPull(r, id)
		p.stream, p.path = s, []string{r.cfg.Node}
		return &Lease{p: p}, nil
	}
	if !r.ways.any(id) {
		return nil, ErrUnknownStream // whatever streams there are begin here
	}
	l, fresh, err := r.lease(id, hops)
	if err != nil {
		return nil, err
	}
	if fresh {
		select {
		case r.starts <- l.p:
		case <-r.stopped:
			r.drop(l.p, ErrNoUpstream)
		case <-ctx.Done():
			r.drop(l.p, ErrNoUpstream)
		}
	}
	if err := l.wait(ctx); err != nil {
		l.Release()
		return nil, err
	}
	return l, nil
}

// own returns the stream id if it begins on this node.
func (r *Relay) own(id string) *stream.Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pulls[id] != nil {
		return nil
	}
	if s := r.table.Get(id); s != nil && s.Err() == nil {
		return s
	}
	return nil
}

func (r *Relay) lease(id string, hops []string) (l *Lease, fresh bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.pulls[id]
	if p == nil {
		if len(r.pulls) >= rtpq.MaxStreams {
			return nil, false, ErrFull
		}
		p = newPull(r, id)
		r.pulls[id] = p
		fresh = true
	}
	l = &Lease{p: p, hops: hops}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch waits := p.asking != "" && slices.Contains(hops, p.asking); {
	case waits && p.stream == nil:
		return nil, false, ErrLoop
	case p.path != nil && (waits || slices.ContainsFunc(hops, func(h string) bool { return slices.Contains(p.also, h) })):
		// Of two nodes that would each be the other's second upstream, neither would be fed. It may pass.
		return nil, false, ErrNoUpstream
	}
	p.leases[l] = struct{}{}
	return l, fresh, nil
}

// idle takes p out where nobody holds a lease, and says whether it did.
func (r *Relay) idle(p *pull, why error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.leases) > 0 {
		return false
	}
	r.out(p, why)
	return true
}

// drop takes p out, so that whoever wants the stream from now on begins anew.
func (r *Relay) drop(p *pull, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	r.out(p, why)
}

func (r *Relay) out(p *pull, why error) {
	if r.pulls[p.id] == p {
		delete(r.pulls, p.id)
	}
	if p.stream != nil {
		p.stream.End(why)
		r.table.Remove(p.stream)
	}
	p.err = why
	p.tell()
	p.move(nil)
}

// deliver hands a to the puller, or drops it where the puller is behind. It never blocks.
func (p *pull) deliver(a arrival) {
	select {
	case p.live <- a:
	default:
		p.r.m.dropped(dropPuller, 1)
	}
}

// deliverSlowly waits for the puller. It returns false where there is none any more.
func (p *pull) deliverSlowly(ctx context.Context, a arrival) bool {
	select {
	case p.slow <- a:
		return true
	case <-p.done:
	case <-ctx.Done():
	}
	return false
}

// post hands e to the puller, which takes events at once.
func (p *pull) post(e event) {
	select {
	case p.events <- e:
	case <-p.done:
	}
}

// poke has the puller look at who wants what.
func (p *pull) poke() {
	select {
	case p.nudge <- struct{}{}:
	default:
	}
}

// ask has the puller pass on a key-frame request; it is the stream's ask function.
func (p *pull) ask(f *stream.Flow) {
	select {
	case p.asks <- f:
	default: // more are waiting than a stream has layers; whoever needs one asks again
	}
}

// show says what is pulled now, and where its live packets begin.
func (p *pull) show(s *stream.Stream, lives map[*stream.Flow]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lives = lives
	if p.stream != s {
		p.stream = s
		p.tell()
	}
}

// liveOf returns the number at which upstream begins to send f live; below comes a group, or nothing. It
// returns false where that is not known, or past.
func (p *pull) liveOf(f *stream.Flow) (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, ok := p.lives[f]
	return uint16(n), ok && n > f.Ring.High()
}

func (p *pull) tell() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// move replaces the path; the caller holds mu.
func (p *pull) move(path []string) {
	p.path = path
	close(p.moved)
	p.moved = make(chan struct{})
}

// setWay says by which paths the stream comes, and who was asked for another.
func (p *pull) setWay(path, also []string, asking string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.also, p.asking = also, asking
	if !slices.Equal(p.path, path) {
		p.move(path)
	}
}

// setAsking says which node is asked, and returns which was.
func (p *pull) setAsking(node string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.asking = p.asking, node
	return before
}

func (p *pull) setLast(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = err
}

// where returns the path and a channel that is closed when it changes.
func (p *pull) where() ([]string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.path, p.moved
}

// below returns the longest way from this node down to a viewer's edge, without this node: what a
// subscribe must carry.
func (p *pull) below() (hops []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.leases {
		if len(l.hops) > len(hops) {
			hops = l.hops
		}
	}
	return hops
}

// shed sends away those whose way down is hops, for why, so that they do not cost the others the stream. It
// returns false, and does nothing, where there are no others.
func (p *pull) shed(hops []string, why error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var away []*Lease
	for l := range p.leases {
		if slices.Equal(l.hops, hops) {
			away = append(away, l)
		}
	}
	if len(away) == len(p.leases) {
		return false
	}
	for _, l := range away {
		l.refused = why
		delete(p.leases, l)
	}
	p.tell()
	return true
}

// wanted says whether anybody holds a lease.
func (p *pull) wanted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.leases) > 0
}

// give notes that upstream will never send seq of f.
func (p *pull) give(f *stream.Flow, seq int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.board[p.boardAt%maxBoard] = given{f, seq}
	p.boardAt++
}

// given says whether give was told of seq, not too many others ago.
func (p *pull) given(f *stream.Flow, seq int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.board[:], given{f, seq})
}
