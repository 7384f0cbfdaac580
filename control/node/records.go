// Package node is control's end of the agents: it keeps the stream records every node must know, sends
// them down as a snapshot and then as deltas, and keeps the facts the nodes send up.
package node

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// maxChanges is how many changes are remembered for nodes that come back; who missed more gets a snapshot.
const maxChanges = 1024

// maxRevoked bounds the sessions that are revoked at a time, so that a snapshot stays below agent.MaxDown: 36 bytes each.
const maxRevoked = 50_000

// Records are what nodes must know: the streams of the cluster, the keys of viewer tokens, and which tokens do not count.
// Their version grows by one with each change. All methods may be called from any goroutine. Records handed in or out are
// shared and never changed.
type Records struct {
	mu      sync.Mutex
	version uint64
	known   map[string]*pb.StreamRecord // as whoever knows of the stream says
	streams map[string]*pb.StreamRecord // and with its place, as nodes are told
	places  map[string]*pb.Placement
	trees   map[string]*pb.Tree
	placed  bool // streams are placed: who has no origin waits for one
	keys    []*pb.PublicKey
	cluster *pb.Cluster          // nil: nobody decides of nodes
	revoked map[string]time.Time // by session: until when its tokens would have counted
	changes []change             // the last of them leads to version
	changed chan struct{}
}

type change struct {
	what noun
	id   string // empty for keys, which change together
}

type noun uint8

const (
	ofStream noun = iota
	ofKeys
	ofSession
	ofCluster
)

// NewRecords returns records that hold streams.
func NewRecords(streams ...*pb.StreamRecord) *Records {
	// Versions of one control process start where those of another hardly ever are, so that a node
	// which comes with a version of an earlier process gets a snapshot and not a wrong delta.
	var b [8]byte
	_, _ = rand.Read(b[:4]) // never fails
	r := &Records{
		version: binary.BigEndian.Uint64(b[:]) | 1,
		known:   map[string]*pb.StreamRecord{}, streams: map[string]*pb.StreamRecord{}, revoked: map[string]time.Time{}, changed: make(chan struct{}),
	}
	for _, s := range streams {
		r.known[s.Id], r.streams[s.Id] = s, s
	}
	return r
}

// Set adds s or replaces the record with its id. s must not be changed afterwards.
func (r *Records) Set(s *pb.StreamRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[s.Id] = s
	r.show(s.Id)
}

// Remove takes the record with id away.
func (r *Records) Remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.known[id]; ok {
		delete(r.known, id)
		r.show(id)
	}
}

// Place replaces where streams are. From then on a stream that has no origin takes no publisher. What is in the maps is
// replaced by others' and never changed, so who is the same is as it was.
func (r *Records) Place(places map[string]*pb.Placement, trees map[string]*pb.Tree) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, was, stood := !r.placed, r.places, r.trees
	r.placed, r.places, r.trees = true, places, trees
	for id := range r.known {
		if first || was[id] != places[id] || stood[id] != trees[id] {
			r.show(id)
		}
	}
}

// show tells of a stream as it is now; the caller holds mu.
func (r *Records) show(id string) {
	s := r.known[id]
	if s == nil {
		delete(r.streams, id)
	} else {
		r.streams[id] = r.withPlace(s)
	}
	r.note(change{ofStream, id})
}

func (r *Records) withPlace(s *pb.StreamRecord) *pb.StreamRecord {
	if !r.placed {
		return s
	}
	c := proto.CloneOf(s)
	p := r.places[s.Id]
	if p == nil {
		if c.State == pb.StreamState_STREAM_STATE_READY {
			c.State = pb.StreamState_STREAM_STATE_WAITING
		}
		return c
	}
	c.Origin, c.Standby, c.Epoch = p.Origin, p.Standby, p.Epoch
	if t := r.trees[s.Id]; t.GetEpoch() == p.Epoch {
		c.Hubs = t.GetHubs()
	}
	return c
}

// SetCluster replaces what was decided of nodes. c must not be changed afterwards.
func (r *Records) SetCluster(c *pb.Cluster) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !proto.Equal(r.cluster, c) {
		r.cluster = c
		r.note(change{ofCluster, ""})
	}
}

// SetKeys has viewer tokens count that one of keys has signed.
func (r *Records) SetKeys(keys ...*pb.PublicKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
	r.note(change{ofKeys, ""})
}

// Revoke has the tokens of a session not count any more; until is when they will have run out. It returns false where so
// many are revoked that this one is not.
func (r *Records) Revoke(session string, until time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.revoked[session]; !ok {
		if len(r.revoked) == maxRevoked {
			return false
		}
		r.note(change{ofSession, session})
	}
	r.revoked[session] = until
	return true
}

// Revoked says whether the tokens of a session do not count any more.
func (r *Records) Revoked(session string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.revoked[session]
	return ok
}

// Forget drops the revoked sessions whose tokens have run out by now.
func (r *Records) Forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, until := range r.revoked {
		if until.Before(now) {
			delete(r.revoked, id)
			r.note(change{ofSession, id})
		}
	}
}

func (r *Records) note(c change) {
	r.version++
	if len(r.changes) == maxChanges {
		r.changes = slices.Delete(r.changes, 0, maxChanges/2)
	}
	r.changes = append(r.changes, c)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Get returns the record of stream id.
func (r *Records) Get(id string) (*pb.StreamRecord, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.streams[id]
	return s, ok
}

// All returns the records, by id.
func (r *Records) All() []*pb.StreamRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all()
}

func (r *Records) all() []*pb.StreamRecord {
	return slices.SortedFunc(maps.Values(r.streams), func(a, b *pb.StreamRecord) int { return cmp.Compare(a.Id, b.Id) })
}

// Changed returns a channel that is closed at the next change. Ask for it before Since.
func (r *Records) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// Since returns what brings a node from version to the newest one, and that version: nil where it is
// there already, else a delta, or a snapshot where the changes since then are not all remembered.
func (r *Records) Since(version uint64) (*pb.AgentDown, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if version == r.version {
		return nil, version
	}
	first := r.version - uint64(len(r.changes)) // the version before the oldest change
	if version < first || version > r.version {
		n := &pb.Snapshot{Version: r.version, Streams: r.all(), TokenKeys: r.keys, Revoked: slices.Sorted(maps.Keys(r.revoked)), Cluster: r.cluster}
		return &pb.AgentDown{Body: &pb.AgentDown_Snapshot{Snapshot: n}}, r.version
	}
	d := &pb.Delta{From: version, To: r.version}
	told := map[change]bool{}
	for _, c := range r.changes[version-first:] {
		if !told[c] { // what was told is the newest already
			told[c] = true
			r.tell(c, d)
		}
	}
	return &pb.AgentDown{Body: &pb.AgentDown_Delta{Delta: d}}, r.version
}

// tell writes into d what c has led to by now. The lock is held.
func (r *Records) tell(c change, d *pb.Delta) {
	switch c.what {
	case ofKeys:
		d.TokenKeys = &pb.TokenKeys{Keys: r.keys}
	case ofCluster:
		d.Cluster = r.cluster
	case ofSession:
		if _, revoked := r.revoked[c.id]; revoked {
			d.Revoked = append(d.Revoked, c.id)
		} else {
			d.Over = append(d.Over, c.id)
		}
	default:
		if s := r.streams[c.id]; s != nil {
			d.Streams = append(d.Streams, s)
		} else {
			d.Gone = append(d.Gone, c.id)
		}
	}
}
