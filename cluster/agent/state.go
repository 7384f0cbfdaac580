// Package agent is a node's line to control: what the node must know comes down it, what the node
// carries goes up. The node keeps the last it heard on disk and goes on with that while control is away.
package agent

import (
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	pb "freshet/proto"
	"freshet/proto/problem"
	"freshet/proto/token"
)

// errGap says that a delta does not start where the state stands; the node then asks for a snapshot.
var errGap = errors.New("delta does not follow the version held")

// State is what control last said. All methods may be called from any goroutine. The records it hands
// out are shared and must not be changed.
type State struct {
	mu      sync.RWMutex
	known   bool // false until a first snapshot, a cached one included
	version uint64
	streams map[string]*pb.StreamRecord
	keys    token.Keys          // of viewer tokens
	revoked map[string]struct{} // sessions
	cluster *pb.Cluster         // nil: control has decided nothing of nodes
	changed chan struct{}
}

// NewState returns a state that knows records and nothing else; without any it knows nothing yet.
func NewState(records ...*pb.StreamRecord) *State {
	s := &State{streams: map[string]*pb.StreamRecord{}, revoked: map[string]struct{}{}, changed: make(chan struct{})}
	for _, r := range records {
		s.streams[r.Id], s.known = r, true
	}
	return s
}

// Known says whether control, or its copy on disk, has been heard at least once.
func (s *State) Known() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.known
}

// Version returns the version of what is held, 0 for nothing from control.
func (s *State) Version() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.version
}

// Changed returns a channel that is closed when control says something else. Who asks for it first misses nothing.
func (s *State) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// tellChanged says that the state is another; the caller holds mu.
func (s *State) tellChanged() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Cluster returns what control has decided of nodes, nil where it has said nothing of that.
func (s *State) Cluster() *pb.Cluster {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cluster
}

// Streams returns all records, by id.
func (s *State) Streams() []*pb.StreamRecord {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.streams), func(a, b *pb.StreamRecord) int { return cmp.Compare(a.Id, b.Id) })
}

// Stream returns the record of stream id.
func (s *State) Stream(id string) (*pb.StreamRecord, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.streams[id]
	return r, ok
}

// CheckKey says whether bearer is the key with which stream may be published. The error is a
// *problem.Problem: 401 without a key or with a wrong one, 403 where the stream is closed, 404 where it
// is unknown, 503 where control has not been heard yet, or has placed the stream nowhere.
func (s *State) CheckKey(stream, bearer string) error {
	if bearer == "" {
		return problem.New(http.StatusUnauthorized, "key-missing", "Stream key missing",
			"Send the stream key as a bearer token.")
	}
	sum := sha256.Sum256([]byte(bearer))
	return s.CheckHash(stream, sum[:])
}

// CheckHash is CheckKey for who shows the SHA-256 of the key, or how it begins, and has shown the key to control.
func (s *State) CheckHash(stream string, begins []byte) error {
	r, err := s.lookup(stream)
	if err != nil {
		return err
	}
	// Hashes of equal length are compared, so neither length nor prefix of the key shows in the time taken.
	n := len(begins)
	if n == 0 || n > len(r.KeySha256) || subtle.ConstantTimeCompare(begins, r.KeySha256[:n]) != 1 {
		return problem.New(http.StatusUnauthorized, "key-wrong", "Stream key wrong",
			"This key does not open this stream.")
	}
	switch r.State {
	case pb.StreamState_STREAM_STATE_CLOSED:
		return problem.New(http.StatusForbidden, "stream-closed", "Stream closed",
			"This stream takes no publisher any more.")
	case pb.StreamState_STREAM_STATE_WAITING:
		p := problem.New(http.StatusServiceUnavailable, "not-ready", "Not ready", "This stream has no origin yet.")
		p.RetryAfter = time.Second
		return p
	}
	return nil
}

// TokenKeys are those by which the signatures of control are checked. They are not to be changed.
func (s *State) TokenKeys() token.Keys {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys // replaced as a whole, never changed
}

// CheckViewer says whether bearer lets a viewer watch stream at now, and returns the session of the token that does; an
// open stream takes any bearer or none, and the session is empty. The error is a *problem.Problem: 401 without a token or
// with one that does not count, 403 with one of another kind, 404 where the stream is unknown or of another event than the
// token, 503 where control has not been heard yet. A token is refused that control has revoked; who watches already goes on.
func (s *State) CheckViewer(stream, bearer string, now time.Time) (session string, err error) {
	r, err := s.lookup(stream)
	switch {
	case err != nil:
		return "", err
	case r.Hidden:
		return "", unknown()
	case r.Open:
		return "", nil
	case bearer == "":
		return "", token.Missing()
	}
	c, err := token.Check(s.TokenKeys(), bearer, now)
	switch {
	case err != nil:
		return "", token.Refusal(err)
	case c.Event != r.Event:
		return "", unknown()
	case c.Epoch < r.ViewerEpoch || s.isRevoked(c):
		return "", token.Wrong()
	}
	return c.Session, nil
}

func (s *State) isRevoked(c token.Claims) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, revoked := s.revoked[c.Session]
	return revoked
}

func (s *State) lookup(stream string) (*pb.StreamRecord, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.streams[stream]; r != nil {
		return r, nil
	}
	if !s.known {
		p := problem.New(http.StatusServiceUnavailable, "not-ready", "Not ready", "This node does not know the streams yet.")
		p.RetryAfter = time.Second
		return nil, p
	}
	return nil, unknown()
}

func unknown() *problem.Problem {
	return problem.New(http.StatusNotFound, "stream-unknown", "Stream unknown", "There is no stream with this id.")
}

// replace takes over all of n.
func (s *State) replace(n *pb.Snapshot) {
	streams := make(map[string]*pb.StreamRecord, len(n.Streams))
	for _, r := range n.Streams {
		streams[r.Id] = r
	}
	revoked := make(map[string]struct{}, len(n.Revoked))
	for _, id := range n.Revoked {
		revoked[id] = struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known, s.version, s.streams, s.keys, s.revoked, s.cluster = true, n.Version, streams, keysOf(n.TokenKeys), revoked, n.Cluster
	s.tellChanged()
}

// keysOf leaves out what is no key of Ed25519.
func keysOf(all []*pb.PublicKey) token.Keys {
	keys := make(token.Keys, len(all))
	for _, k := range all {
		if len(k.Ed25519) == ed25519.PublicKeySize {
			keys[k.Id] = k.Ed25519
		}
	}
	return keys
}

// change applies d, or returns errGap and changes nothing where d starts from another version.
func (s *State) change(d *pb.Delta) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.From != s.version || d.To <= d.From {
		return fmt.Errorf("%w: %d to %d on %d", errGap, d.From, d.To, s.version)
	}
	for _, r := range d.Streams {
		s.streams[r.Id] = r
	}
	for _, id := range d.Gone {
		delete(s.streams, id)
	}
	if d.TokenKeys != nil {
		s.keys = keysOf(d.TokenKeys.Keys)
	}
	for _, id := range d.Revoked {
		s.revoked[id] = struct{}{}
	}
	for _, id := range d.Over {
		delete(s.revoked, id)
	}
	if d.Cluster != nil {
		s.cluster = d.Cluster
	}
	s.version = d.To
	s.tellChanged()
	return nil
}

// snapshot returns all that is held, as it goes to disk.
func (s *State) snapshot() *pb.Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := &pb.Snapshot{Version: s.version, Cluster: s.cluster, Revoked: slices.Collect(maps.Keys(s.revoked))}
	for id, k := range s.keys {
		n.TokenKeys = append(n.TokenKeys, &pb.PublicKey{Id: id, Ed25519: k})
	}
	for _, r := range s.streams {
		n.Streams = append(n.Streams, r)
	}
	// The caller marshals outside the lock; records are never changed in place, so sharing them is safe.
	return n
}

// Record returns the record of an open stream that is ready for a publisher with key.
func Record(id, key string) *pb.StreamRecord {
	sum := sha256.Sum256([]byte(key))
	return &pb.StreamRecord{
		Id: id, Event: id, KeySha256: sum[:], State: pb.StreamState_STREAM_STATE_READY, Open: true,
	}
}

func (s *State) size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.streams)
}

// forget makes the next hello ask for a snapshot. What is held stays in use until it comes.
func (s *State) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version = 0
}
