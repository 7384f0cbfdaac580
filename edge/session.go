package edge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/cluster/trace"
	"freshet/edge/admit"
	"freshet/edge/egress"
	"freshet/edge/pull"
	"freshet/edge/whep"
	"freshet/proto/problem"
	"freshet/proto/sdpfrag"
)

const (
	// pullFor is how long a viewer's POST waits for a stream that is not on this node yet.
	pullFor = 3 * time.Second
	// shardTimeout bounds what a shard's loop is asked; it answers within a few milliseconds.
	shardTimeout = 2 * time.Second
	// notLiveRetry is when a viewer of a stream that is not on the air should try again.
	notLiveRetry = 2 * time.Second
	// maxSelection bounds the body of a layer selection.
	maxSelection = 4 << 10
)

// negotiator implements rtc.Negotiator.
type negotiator struct{ e *Edge }

// Open answers the offer of a viewer and seats the viewer at a shard.
func (n negotiator) Open(ctx context.Context, o rtc.Offer) (rtc.Session, string, error) {
	e := n.e
	began := time.Now()
	place, err := e.enter(o)
	if err != nil {
		return nil, "", err
	}
	s, answer, err := e.open(ctx, o, place)
	if err != nil {
		place.Leave()
		return nil, "", err
	}
	e.m.open.Observe(time.Since(began).Seconds())
	return s, answer, nil
}

// open serves a viewer for whom there is place.
func (e *Edge) open(ctx context.Context, o rtc.Offer, place *admit.Place) (*session, string, error) {
	share, err := e.check(o)
	if err != nil {
		return nil, "", err
	}
	hold, err := e.pull(ctx, o.Stream)
	if err != nil {
		share.Leave()
		return nil, "", err
	}
	s, answer, err := e.seat(ctx, o, hold, place, share)
	if err != nil {
		hold.Release()
		share.Leave()
	}
	return s, answer, err
}

// pull gets a hold on a stream, or says why viewers cannot have it.
func (e *Edge) pull(ctx context.Context, id string) (*pull.Hold, error) {
	ctx, cancel := context.WithTimeout(ctx, pullFor)
	defer cancel()
	ctx, span := trace.Start(ctx, "pull")
	span.Set("freshet.stream", id)
	hold, err := e.pool.Get(ctx, id)
	span.End(err)
	refuse := func(why refusal, p *problem.Problem) (*pull.Hold, error) {
		e.m.refused.WithLabelValues(string(why)).Inc()
		return nil, p
	}
	switch {
	case err == nil && hold.Stream().Err() == nil:
		return hold, nil
	case err == nil:
		hold.Release()
		return refuse(refusedNotLive, notLive())
	case errors.Is(err, ErrUnknownStream):
		return refuse(refusedUnknown, problem.New(http.StatusNotFound, "stream-unknown", "Unknown stream", "no stream has this id"))
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(refusedNotLive, notLive())
	case errors.Is(err, ErrNoUpstream), errors.Is(err, net.ErrClosed):
		p := problem.New(http.StatusServiceUnavailable, "no-upstream", "Stream not reachable", "this edge reaches no node that has the stream")
		p.RetryAfter = notLiveRetry
		return refuse(refusedNoUpstream, p)
	}
	return nil, err
}

func notLive() *problem.Problem {
	p := problem.New(http.StatusConflict, "not-live", "Not on the air", "the stream is not on the air now")
	p.RetryAfter = notLiveRetry
	return p
}

// seat answers o and hands the viewer to a shard.
func (e *Edge) seat(ctx context.Context, o rtc.Offer, hold *pull.Hold, place *admit.Place, share *admit.Seat) (*session, string, error) {
	shard := e.egress.Pick()
	local := newCredentials()
	r, err := whep.Answer(o.SDP, hold.Stream(), whep.Node{
		Local: local, Fingerprint: e.print, Addresses: e.addresses, Port: shard.Port(), CName: e.cname,
	})
	if err != nil {
		if _, ok := errors.AsType[*problem.Problem](err); ok {
			e.m.refused.WithLabelValues(string(refusedCodec)).Inc()
		}
		return nil, "", err
	}
	s := &session{
		edge: e, id: o.Session, stream: o.Stream, shard: shard, hold: hold, place: place, share: share, began: time.Now(),
		connected: make(chan struct{}), done: make(chan struct{}), video: r.Video, audio: r.Audio,
		turn: make(chan struct{}, 1), plays: o.Standby == "",
	}
	err = shard.Join(ctx, egress.Join{
		Session: o.Session, StreamID: o.Stream, Source: hold, Local: local, Peer: r.Peer, Fingerprint: r.Fingerprint,
		CName: e.cname, Video: r.Video, Audio: r.Audio, Standby: o.Standby != "",
		Log:   e.deps.Log.With("stream", o.Stream, "session", o.Session, "remote", o.Remote.String()),
		Ready: s.ready, Turned: s.turned, Ended: s.ended,
	})
	if errors.Is(err, net.ErrClosed) {
		p := problem.New(http.StatusServiceUnavailable, "stopping", "Node stops", "this edge is stopping")
		p.RetryAfter = notLiveRetry
		return nil, "", p
	}
	if err == nil && hold.Over() { // since it was pulled; nobody would tell the viewer
		s.Close("stream over")
		e.m.refused.WithLabelValues(string(refusedNotLive)).Inc()
		return nil, "", notLive()
	}
	return s, r.SDP, err
}

// newCredentials makes ICE credentials of the edge's side: RFC 8445 asks for 24 and 128 bits.
func newCredentials() egress.Credentials {
	return egress.Credentials{Ufrag: rand.Text()[:8], Pwd: rand.Text()}
}

// A session is the HTTP side of one viewer. It implements rtc.Connecter and, for what lies under its
// own address, http.Handler.
type session struct {
	edge         *Edge
	id, stream   string
	shard        *egress.Shard
	hold         *pull.Hold
	place        *admit.Place
	share        *admit.Seat // nil where the stream asks for no token
	began        time.Time
	video, audio egress.Media
	turn         chan struct{} // held by who tells it to play or to pause

	plays     bool // it is a viewer, and no standby; the shard's loop's own
	once      sync.Once
	connected chan struct{}
	done      chan struct{}
}

// ready, turned and ended are called by the shard's loop.
func (s *session) ready() {
	close(s.connected)
	s.place.Live()
	s.count(1)
	s.edge.mu.Lock()
	s.edge.seated[s] = struct{}{}
	s.edge.mu.Unlock()
	if !s.share.Live() {
		s.edge.tooMany(s)
	}
}

func (s *session) turned(plays bool) {
	connected := isClosed(s.connected)
	if connected {
		s.count(-1)
	}
	s.plays = plays
	if connected {
		s.count(1)
		s.place.Live()
	}
}

// count counts s n times, as what it is.
func (s *session) count(n int) {
	if s.plays {
		s.edge.count(s.stream, n)
	} else {
		s.edge.m.standbys.Add(float64(n))
	}
}

func (s *session) ended(why egress.Reason) {
	s.once.Do(func() {
		if isClosed(s.connected) {
			s.count(-1)
			s.edge.mu.Lock()
			delete(s.edge.seated, s)
			s.edge.mu.Unlock()
		}
		s.hold.Release()
		s.place.Leave()
		s.share.Leave()
		close(s.done)
		s.edge.deps.Log.Info("viewer left", "stream", s.stream, "session", s.id, "reason", string(why), "took", time.Since(s.began))
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Connected implements rtc.Connecter.
func (s *session) Connected() <-chan struct{} { return s.connected }

// Done implements rtc.Session.
func (s *session) Done() <-chan struct{} { return s.done }

// Trickle implements rtc.Session. An ICE-lite agent learns where a viewer is from its checks, so
// candidates are counted and not used.
func (s *session) Trickle(_ context.Context, f sdpfrag.Fragment) error {
	if isClosed(s.done) {
		return net.ErrClosed
	}
	for _, m := range f.Media {
		s.edge.m.trickled.Add(float64(len(m.Candidates)))
	}
	return nil
}

// Restart implements rtc.Session.
func (s *session) Restart(ctx context.Context, f sdpfrag.Fragment) (sdpfrag.Fragment, error) {
	local := newCredentials()
	if err := s.shard.Restart(ctx, s.id, local, egress.Credentials{Ufrag: f.Ufrag, Pwd: f.Pwd}); err != nil {
		return sdpfrag.Fragment{}, err
	}
	answer := sdpfrag.Fragment{Ufrag: local.Ufrag, Pwd: local.Pwd}
	if len(f.Media) > 0 { // all m-lines are bundled with the first
		mine := sdpfrag.Media{Kind: f.Media[0].Kind, Mid: f.Media[0].Mid, End: true}
		for i, addr := range s.edge.addresses {
			mine.Candidates = append(mine.Candidates, whep.Candidate(i, addr, s.shard.Port()))
		}
		answer.Media = []sdpfrag.Media{mine}
	}
	return answer, nil
}

// Close implements rtc.Session.
func (s *session) Close(reason string) {
	ctx, cancel := context.WithTimeout(context.Background(), shardTimeout)
	defer cancel()
	err := s.shard.Leave(ctx, s.id)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		s.edge.deps.Log.Error("close session", "stream", s.stream, "session", s.id, "reason", reason, "err", err)
	}
}

// LayerLink is the relation under which a session announces its layer selection.
const LayerLink = "urn:ietf:params:whep:ext:core:layer"

// Links returns what the session offers under its own address, by relation. The resource turns it into
// Link headers of its 201.
func (s *session) Links() map[string]string {
	return map[string]string{LayerLink: "layer", StatsLink: "stats", PlayLink: "play", PauseLink: "pause"}
}

// ServeHTTP serves what lies under the session's address: GET and POST layer, GET stats, POST play and pause. q.URL.Path
// is the rest of the path, without a leading slash.
func (s *session) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var err error
	switch what := strings.Trim(q.URL.Path, "/"); {
	case what != "layer" && what != "stats" && what != "play" && what != "pause":
		err = problem.New(http.StatusNotFound, "not-found", "Not found", "a session has nothing but /layer, /stats, /play and /pause below it")
	case isClosed(s.done):
		err = net.ErrClosed
	case what == "layer" && q.Method == http.MethodGet:
		err = s.showLayers(w, q)
	case what == "layer" && q.Method == http.MethodPost:
		err = s.selectLayer(w, q)
	case what == "stats" && q.Method == http.MethodGet:
		s.showStats(w)
	case what == "stats":
		err = wrongMethod("GET")
	case what != "layer" && q.Method != http.MethodPost:
		err = wrongMethod("POST")
	case what == "play":
		err = s.play(w, q)
	case what == "pause":
		err = s.pause(w, q)
	default:
		err = wrongMethod("GET", "POST")
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		p.Write(w)
	} else if err != nil {
		problem.New(http.StatusNotFound, "not-found", "Not found", "the session is over").Write(w)
	}
}

func wrongMethod(takes ...string) *problem.Problem {
	p := problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "this address takes "+strings.Join(takes, " and "))
	p.Allow = strings.Join(append(takes, "OPTIONS"), ", ")
	return p
}

// A Selection is the body of POST layer: a rid to stay on, or null to let the edge choose.
type Selection struct {
	RID       *string `json:"rid"`
	AudioOnly bool    `json:"audioOnly"`
}

// selectLayer answers 204 once the shard knows; the picture follows at the layer's next key frame.
func (s *session) selectLayer(w http.ResponseWriter, q *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxSelection))
	if err != nil {
		return problem.New(http.StatusRequestEntityTooLarge, "too-large", "Body too large", "a selection has at most 4096 bytes")
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	var want Selection
	if err := d.Decode(&want); err != nil || d.More() {
		return problem.New(http.StatusBadRequest, "json-malformed", "Selection not readable", `the body is {"rid": string or null, "audioOnly": boolean}`)
	}
	sel := egress.Selection{AudioOnly: want.AudioOnly}
	if want.RID != nil {
		sel.Fixed, sel.RID = true, *want.RID
		if !s.hasLayer(*want.RID) {
			p := problem.New(http.StatusUnprocessableEntity, "layer-unknown", "Unknown layer", "the stream has no layer of this rid")
			p.Errors = []problem.Field{{Pointer: "/rid", Detail: "is none of the stream's"}}
			return p
		}
	}
	if err := s.shard.Select(q.Context(), s.id, sel); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *session) hasLayer(rid string) bool {
	for _, f := range s.hold.Stream().Flows {
		if f.Format.Kind == stream.Video && f.Format.RID == rid {
			return true
		}
	}
	return false
}

// Layers is the body of GET layer.
type Layers struct {
	Active *string `json:"active"` // rid of the layer that is sent, null while only audio is
	Layers []Layer `json:"layers"` // lowest first
}

// A Layer is one that can be selected.
type Layer struct {
	RID    string `json:"rid"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
}

func (s *session) showLayers(w http.ResponseWriter, q *http.Request) error {
	rid, video, err := s.shard.Shows(q.Context(), s.id)
	if err != nil {
		return err
	}
	out := Layers{Layers: []Layer{}}
	if video {
		out.Active = &rid
	}
	for _, f := range whep.Layers(s.hold.Stream()) {
		out.Layers = append(out.Layers, Layer{f.RID, f.Width, f.Height})
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out) // the viewer may be gone
	return nil
}
