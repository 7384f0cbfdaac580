package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
	"freshet/control/node"
	"freshet/control/route"
	pb "freshet/proto"
	"freshet/proto/problem"
)

// Stream is a stream as the API shows it.
type Stream struct {
	ID      string   `json:"id" doc:"1 to 64 of [a-z0-9-], unique in the cluster"`
	Event   string   `json:"event" doc:"Slug of its event; a stream without one is its own event"`
	State   string   `json:"state" enum:"ready,closed" doc:"ready: a publisher may come; closed: publishers are refused"`
	Live    bool     `json:"live" doc:"Media came in the last second"`
	Viewers int      `json:"viewers" doc:"Viewers now, over all edges"`
	Waiting int      `json:"waiting" doc:"Pages that wait for its event to begin, as this control node knows them; 0 while the event is live"`
	Origin  *Origin  `json:"origin,omitempty" doc:"Where it is published; absent while no origin is there"`
	Tracks  []Track  `json:"tracks" nullable:"false" doc:"What is on the air, one entry a layer; empty while nothing is"`
	Edges   []Serves `json:"edges" nullable:"false" doc:"Edges that carry it now"`
}

// Origin is where a stream is published.
type Origin struct {
	Node   string `json:"node"`
	Region string `json:"region"`
	WHIP   string `json:"whip" format:"uri" doc:"Base address; the WHIP endpoint is this, a slash and the stream's id"`
}

// Track is one layer of a video track, or an audio track.
type Track struct {
	Track      string `json:"track"`
	RID        string `json:"rid,omitempty" doc:"Name of the layer, where there are several"`
	Codec      string `json:"codec" doc:"As in SDP: H264, VP8, VP9, AV1, opus"`
	Width      int    `json:"width,omitempty"`
	Height     int    `json:"height,omitempty"`
	BitrateBPS int    `json:"bitrateBPS" doc:"Bits per second as they came in at the origin"`
}

// Serves is an edge that carries a stream.
type Serves struct {
	Node     string `json:"node"`
	Region   string `json:"region"`
	Viewers  int    `json:"viewers"`
	Upstream string `json:"upstream" doc:"Node from which it takes the stream"`
	Hops     int    `json:"hops" doc:"Hops from the origin"`
}

type streamsIn struct {
	Live bool `query:"live" doc:"Only streams that are on the air"`
}

type streamsOut struct {
	Body []Stream `nullable:"false"`
}

type streamIn struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[a-z0-9-]+$" patternDescription:"1 to 64 of a-z, 0-9 and -"`
}

type streamOut struct{ Body Stream }

func (a *API) routeStreams() {
	huma.Register(a.doc, access.Anyone(access.Op(http.MethodGet, "/streams", "list-streams", "Streams of the mesh that anybody may watch, by id")),
		func(_ context.Context, in *streamsIn) (*streamsOut, error) {
			s := a.survey(time.Now())
			out := &streamsOut{Body: []Stream{}}
			for _, r := range a.d.Records.All() {
				if !r.Open { // for whoever was told its id
					continue
				}
				if v := a.stream(s, r); v.Live || !in.Live {
					out.Body = append(out.Body, v)
				}
			}
			return out, nil
		})
	huma.Register(a.doc, access.Anyone(access.Op(http.MethodGet, "/streams/{id}", "get-stream", "One stream, for whoever knows its id", http.StatusNotFound)),
		func(_ context.Context, in *streamIn) (*streamOut, error) {
			r, ok := a.d.Records.Get(in.ID)
			if !ok {
				return nil, streamUnknown()
			}
			return &streamOut{a.stream(a.survey(time.Now()), r)}, nil
		})
}

func streamUnknown() *problem.Problem {
	return problem.New(http.StatusNotFound, "stream-unknown", "Stream unknown", "There is no stream with this id.")
}

// A survey is the mesh at one moment.
type survey struct {
	origins, edges []node.Node
	fleet          *node.Fleet
	now            time.Time
}

func (a *API) survey(now time.Time) survey {
	return survey{a.d.Fleet.Nodes("origin", now), a.d.Fleet.Nodes("edge", now), a.d.Fleet, now}
}

// stream is r as s has it, with those who wait for it here.
func (a *API) stream(s survey, r *pb.StreamRecord) Stream {
	v := s.stream(r)
	v.Waiting = a.d.Live.Waiting(r.Event)
	return v
}

func (s survey) stream(r *pb.StreamRecord) Stream {
	v := Stream{ID: r.Id, Event: r.Event, State: "ready", Tracks: []Track{}, Edges: []Serves{}}
	if r.State == pb.StreamState_STREAM_STATE_CLOSED {
		v.State = "closed"
	}
	if o, ok := s.origin(r); ok {
		v.Origin = &Origin{Node: o.Name, Region: o.Region, WHIP: o.Facts.Whip}
		if f := facts(o, r.Id); f != nil {
			v.Live = f.Live && !s.dead(o)
			for _, t := range f.Flows {
				v.Tracks = append(v.Tracks, Track{
					t.Track, t.Rid, t.Codec, int(t.Width), int(t.Height), int(t.BitrateBps),
				})
			}
		}
	}
	for _, e := range s.edges {
		if f := facts(e, r.Id); f != nil {
			v.Viewers += int(f.Viewers)
			v.Edges = append(v.Edges, Serves{e.Name, e.Region, int(f.Viewers), f.Upstream, int(f.Hops)})
		}
	}
	return v
}

// dead says whether n, which the fleet goes on naming, fell silent while an edge is heard: then it is not
// control that is cut off.
func (s survey) dead(n node.Node) bool {
	silent := func(n node.Node) bool { return n.Failed || s.now.Sub(n.Heard) > node.Expiry }
	return silent(n) && slices.ContainsFunc(s.edges, func(e node.Node) bool { return !silent(e) })
}

// origin returns where r is, or may be, published: where it is placed, and nowhere else.
func (s survey) origin(r *pb.StreamRecord) (node.Node, bool) {
	switch {
	case r.State == pb.StreamState_STREAM_STATE_WAITING:
		return node.Node{}, false
	case r.Epoch > 0:
		n, ok := s.fleet.Node(r.Origin, s.now)
		return n, ok && n.Facts != nil
	}
	var all []route.Origin
	for _, o := range s.origins {
		f := facts(o, r.Id)
		all = append(all, route.Origin{Node: o.Name, WHIP: o.Facts.Whip, Live: f != nil && f.Live})
	}
	best, ok := route.Pick(r.Id, r.Origin, all)
	if !ok {
		return node.Node{}, false
	}
	return s.origins[slices.IndexFunc(s.origins, func(n node.Node) bool { return n.Name == best.Node })], true
}

// facts returns what n says of stream id, nil where it does not carry it.
func facts(n node.Node, id string) *pb.StreamFacts {
	for _, f := range n.Facts.GetStreams() {
		if f.Id == id {
			return f
		}
	}
	return nil
}
