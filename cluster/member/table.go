package member

import (
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/serf/coordinate"
	"google.golang.org/protobuf/proto"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

const (
	// stateLife is how long a state counts after its newest part was first heard here. Nodes speak each second, or in the
	// largest mesh each 16 s, so that is three of them lost, and two exchanges over TCP.
	stateLife = time.Minute

	// memory is how long a node that failed or left is shown as that.
	memory = 10 * time.Minute

	maxMembers = 2 * maxNodes // processes: each node may just have been restarted
)

// A table is what is known of others: what they have signed, and what memberlist says of their processes. Its lock is never
// held across a call to memberlist, which calls the table with locks of its own.
type table struct {
	self string
	id   *identity.Identity
	m    *metrics

	mu       sync.Mutex
	nodes    map[string]*held     // by node
	signers  map[string]*signer   // by short id of the certificate
	arrivals uint64               // of signers, so far
	members  map[string]*presence // by member name
	names    map[string]bool      // removed
	keys     map[string]bool      // removed
	outcasts map[string]bool      // member names of processes that were there when their node was removed
	changed  chan struct{}        // closed by the next change
	rival    uint64               // version of the newest state of a later process of this node
	replaced chan struct{}        // closed when that has proved to live
	own      boot
}

// held is what one node has said, by its newest process.
type held struct {
	boot    boot
	version uint64    // greatest of any part
	heard   time.Time // when that came
	parts   [maxParts + 1]*item
	whole   *pb.NodeState // facts and all announcements, never changed; nil when it is to be put together again
	place   *coordinate.Coordinate
}

type item struct {
	state  *pb.NodeState
	signed *pb.SignedState
}

type signer struct {
	*identity.Signer
	der     []byte
	arrival uint64
}

// presence is one process as memberlist sees it.
type presence struct {
	status Status
	since  time.Time
	addr   string
}

func newTable(self string, own boot, id *identity.Identity, m *metrics) *table {
	return &table{
		self: self, own: own, id: id, m: m,
		nodes: map[string]*held{}, signers: map[string]*signer{}, members: map[string]*presence{}, outcasts: map[string]bool{},
		changed: make(chan struct{}), replaced: make(chan struct{}),
	}
}

// notify wakes who waits for a change. The lock is held.
func (t *table) notify() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// learn takes a certificate. fresh is true for one that was not known.
func (t *table) learn(der []byte, now time.Time) (fresh bool, why reason) {
	if len(der) > identity.MaxCertificate {
		return false, oversize
	}
	id := certificateID(der)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.signers[id] != nil {
		return false, known
	}
	s, err := t.id.NewSigner(der, now)
	if err != nil {
		return false, whyNot(err)
	}
	if t.isRemoved(s) {
		return false, removedNode
	}
	return t.keep(id, &signer{Signer: s, der: slices.Clone(der)})
}

// keep holds two certificates of a node, the last two: one is renewed while states under the other are under way.
func (t *table) keep(id string, s *signer) (bool, reason) {
	var oldest string
	count := 0
	for other, o := range t.signers {
		if o.Node == s.Node {
			if count++; oldest == "" || o.before(t.signers[oldest]) {
				oldest = other
			}
		}
	}
	switch {
	case count == 0 && len(t.signers) >= maxMembers:
		return false, full
	case count >= 2 && s.Until().Before(t.signers[oldest].Until()):
		return false, older
	case count >= 2:
		delete(t.signers, oldest)
	}
	t.arrivals++
	s.arrival = t.arrivals
	t.signers[id] = s
	return true, taken
}

// before says whether s is older: certificates tell seconds alone, and of two of one second the first to come is.
func (s *signer) before(o *signer) bool {
	return s.Until().Before(o.Until()) || s.Until().Equal(o.Until()) && s.arrival < o.arrival
}

func (t *table) isRemoved(s *identity.Signer) bool {
	return t.names[s.Node] || t.keys[string(s.Key)]
}

// merge takes a state that somebody else held for age before it came here, by now, and returns what it says where it is
// news. It keeps signed.
func (t *table) merge(signed *pb.SignedState, age time.Duration, now time.Time) (*pb.NodeState, reason) {
	if len(signed.GetState())+len(signed.GetSignature())+len(signed.GetCertificate()) > maxSigned {
		return nil, oversize
	}
	if age > stateLife {
		return nil, expired
	}
	s, err := parseState(signed.GetState())
	if err != nil {
		return nil, malformed
	}
	by, why := t.judge(s, signed, now)
	if why != taken {
		return nil, why
	}
	// The dearest part, without the lock.
	if err := by.Check(domain, signed.State, signed.Signature, now); err != nil {
		return nil, whyNot(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.Node == t.self {
		return nil, t.meet(s)
	}
	return s, t.put(s, signed, now.Add(-age))
}

// judge tells whether s, if it is genuine, would be taken, and who must have signed it.
func (t *table) judge(s *pb.NodeState, signed *pb.SignedState, now time.Time) (*signer, reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names[s.Node] {
		return nil, removedNode
	}
	if s.Node == t.self && s.Boot == t.own.id {
		return nil, known // our own, come back
	}
	if h := t.nodes[s.Node]; h != nil {
		if why := h.order(s, now); why != taken {
			return nil, why
		}
	} else if len(t.nodes) >= maxNodes {
		return nil, full
	}
	by := t.signers[string(signed.Certificate)]
	switch {
	case by == nil:
		return nil, stranger
	case t.isRemoved(by.Signer):
		return nil, removedNode
	case by.Node != s.Node || s.Part == 0 && by.Role != s.Role:
		return nil, misnamed
	}
	return by, taken
}

// order tells whether s is news after what h holds. A process that was not heard for stateLife gives way to any other: its
// clock may have been ahead of what it is now.
func (h *held) order(s *pb.NodeState, now time.Time) reason {
	switch d := (boot{s.StartedMs, s.Boot}).compare(h.boot); {
	case d < 0 && now.Sub(h.heard) <= stateLife:
		return older
	case d != 0 || h.parts[s.Part] == nil:
		return taken
	}
	switch had := h.parts[s.Part].state.Version; {
	case s.Version == had:
		return known
	case s.Version < had:
		return older
	}
	return taken
}

// put keeps s. The lock is held; meanwhile another copy may have come.
func (t *table) put(s *pb.NodeState, signed *pb.SignedState, heard time.Time) reason {
	h := t.nodes[s.Node]
	switch {
	case h == nil && len(t.nodes) >= maxNodes:
		return full
	case h != nil:
		if why := h.order(s, heard); why != taken {
			return why
		}
	}
	if b := (boot{s.StartedMs, s.Boot}); h == nil || h.boot != b {
		h = &held{boot: b}
		t.nodes[s.Node] = h
	}
	h.parts[s.Part] = &item{s, signed}
	if s.Version > h.version {
		h.version, h.heard = s.Version, heard
	}
	if s.Part == 0 {
		h.place = nil
		if s.Coordinate != nil {
			h.place, _ = readCoordinate(s.Coordinate) // it was read before
		}
	}
	h.whole = nil
	// Whoever signs is up, whatever somebody suspects.
	if p := t.members[memberName(s.Node, s.Boot)]; p != nil && p.status == Suspect {
		p.status, p.since = Alive, heard
	}
	t.notify()
	return taken
}

// meet hears of another process under this node's name. One that started later has replaced this one, as soon as it says
// something new: what a dead process has said comes around for a while, too. The lock is held.
func (t *table) meet(s *pb.NodeState) reason {
	if (boot{s.StartedMs, s.Boot}).compare(t.own) < 0 {
		return older
	}
	switch {
	case t.rival == 0:
		t.rival = s.Version
	case s.Version > t.rival:
		select {
		case <-t.replaced:
		default:
			close(t.replaced)
		}
	}
	return superseded
}

// putOwn keeps what this node says, so that exchanges bring it to others.
func (t *table) putOwn(s *pb.NodeState, signed *pb.SignedState, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.put(s, signed, now)
}

// setRemoved forgets the removed nodes, lets none of their processes come back, and returns where those are.
func (t *table) setRemoved(all []identity.Removed) (addrs []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names, t.keys = map[string]bool{}, map[string]bool{}
	for _, one := range all {
		if len(one.Key) > 0 {
			t.keys[string(one.Key)] = true
		} else {
			t.names[one.Node] = true
		}
	}
	gone := map[string]bool{}
	for node := range t.names {
		gone[node] = true
	}
	for id, s := range t.signers {
		if t.isRemoved(s.Signer) {
			gone[s.Node] = true
			delete(t.signers, id)
		}
	}
	delete(gone, t.self) // others refuse it; it need not refuse itself
	for node := range gone {
		delete(t.nodes, node)
	}
	for name, p := range t.members {
		if node, _, ok := parseMember(name); ok && gone[node] {
			addrs = append(addrs, p.addr)
			t.outcasts[name] = true
		}
	}
	t.notify()
	return addrs
}

// sweep forgets what is over. It is called now and then.
func (t *table) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, p := range t.members {
		if (p.status == Failed || p.status == Left) && now.Sub(p.since) > memory {
			delete(t.members, name)
			delete(t.outcasts, name) // others have forgotten it as well
		}
	}
	for node, h := range t.nodes {
		if node != t.self && now.Sub(h.heard) > stateLife && t.members[memberName(node, h.boot.id)] == nil {
			delete(t.nodes, node)
			t.m.drop(expired)
		}
	}
	for id, s := range t.signers {
		if now.Add(-time.Minute).After(s.Until()) {
			delete(t.signers, id)
		}
	}
}

// signedState puts the pieces of a signed state together.
func signedState(state, sig, cert []byte) *pb.SignedState {
	return &pb.SignedState{State: state, Signature: sig, Certificate: []byte(certificateID(cert))}
}

func certificateID(der []byte) string {
	sum := sha256.Sum256(der)
	return string(sum[:shortID])
}

func whyNot(err error) reason {
	switch {
	case errors.Is(err, identity.ErrExpired):
		return expired
	case errors.Is(err, identity.ErrNotYet):
		return future
	case errors.Is(err, identity.ErrSignature):
		return forged
	}
	return foreign
}

// all puts together what is held, for an exchange: certificates and facts first, then announcements, as much as fits maxExchange.
func (t *table) all(now time.Time) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := &pb.MeshState{}
	room := maxExchange
	for _, s := range t.signers {
		out.Certificates = append(out.Certificates, s.der)
		room -= len(s.der) + 4
	}
	for part := range maxParts + 1 {
		for _, h := range t.nodes {
			it, age := h.parts[part], now.Sub(h.heard)
			if it == nil || age > stateLife || part > 0 && !h.counts(part) {
				continue
			}
			if room -= len(it.signed.State) + 128; room < 0 {
				break
			}
			out.States = append(out.States, &pb.HeardState{State: it.signed, AgeMs: uint32(max(0, age.Milliseconds()))})
		}
	}
	b, err := proto.Marshal(out)
	if err != nil {
		return nil // nothing in it can fail
	}
	return b
}

// counts tells whether part is one of those that the facts speak of.
func (h *held) counts(part int) bool {
	return h.parts[0] != nil && part <= int(h.parts[0].state.Parts)
}
