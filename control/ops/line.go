package ops

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"freshet/cluster/identity"
	"freshet/control/enrol"
	"freshet/control/quorum"
	"freshet/control/roster"
	"freshet/proto/problem"
)

// ALPN names the line to the desk: HTTP/1.1 with JSON, between control nodes and whoever has the directory of one.
const ALPN = "freshet-ops/1"

const maxBody = 16 << 10

// Decision is what is asked of a node.
type Decision struct {
	State string `json:"state" enum:"in,cordoned,draining"`
}

// Invitation asks for a join token.
type Invitation struct {
	Role    string `json:"role" enum:"origin,edge,control"`
	Region  string `json:"region,omitempty" maxLength:"64" pattern:"^[a-z0-9.-]*$" patternDescription:"of a-z, 0-9, dot and -" doc:"Empty: as the machine says"`
	Seconds int    `json:"seconds,omitempty" minimum:"1" maximum:"86400" doc:"How long it is good; 600 where nothing is said"`
}

// Invited is one.
type Invited struct {
	Token   string    `json:"token" doc:"Shown this once"`
	Role    string    `json:"role"`
	Region  string    `json:"region,omitempty"`
	Expires time.Time `json:"expires"`
	Join    string    `json:"join" doc:"Where machines join: host:port of this control node"`
}

// Handler serves the line to whoever asks with the directory of a control node.
func (d *Desk) Handler(node string) http.Handler {
	who := Who{Node: node}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /mesh", func(w http.ResponseWriter, _ *http.Request) { answer(w, d.View(), nil) })
	mux.HandleFunc("POST /tokens", func(w http.ResponseWriter, r *http.Request) {
		var in Invitation
		if !read(w, r, &in) {
			return
		}
		out, err := d.Invite(r.Context(), who, in)
		answer(w, out, err)
	})
	mux.HandleFunc("PUT /nodes/{node}/state", func(w http.ResponseWriter, r *http.Request) {
		var in Decision
		if read(w, r, &in) {
			answer(w, struct{}{}, d.Decide(r.Context(), who, r.PathValue("node"), in.State))
		}
	})
	mux.HandleFunc("DELETE /nodes/{node}", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.Remove(r.Context(), who, r.PathValue("node")))
	})
	mux.HandleFunc("POST /gossip-keys", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.Rotate(r.Context(), who))
	})
	mux.HandleFunc("POST /signing-keys", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, d.Resign(r.Context(), who))
	})
	mux.HandleFunc("GET /sessions/{session}", func(w http.ResponseWriter, r *http.Request) {
		session, err := uuid.Parse(r.PathValue("session"))
		if err != nil {
			answer(w, nil, problem.New(http.StatusUnprocessableEntity, "session-malformed", "No session id", "A session id is a UUID."))
			return
		}
		if r.URL.Query().Get("own") == "1" { // another control node asks, of which all others are asked
			made, ok := d.Acts.Why(session)
			if !ok {
				err = sessionUnknown()
			}
			answer(w, made, err)
			return
		}
		made, err := d.recall(r.Context(), session)
		if err != nil {
			answer(w, nil, err)
			return
		}
		answer(w, Explanation{made, pathsOf(d.View(), made.Event, made.Choice)}, nil)
	})
	return mux
}

// Serve answers on one connection, whose handshake is done, until it ends.
func (d *Desk) Serve(ctx context.Context, c *tls.Conn) {
	node, _, err := identity.Peer(c.ConnectionState())
	if err != nil { // its handshake was none of ours
		_ = c.Close()
		return
	}
	one := &single{conn: struct{ net.Conn }{c}, done: make(chan struct{})} // to net/http no TLS, whose protocol it would not know
	s := &http.Server{Handler: d.Handler(node), ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: maxBody}
	s.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed || state == http.StateHijacked {
			one.end()
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	_ = s.Serve(one) // it ends with the connection
}

// A single listener has one connection.
type single struct {
	conn  net.Conn
	taken bool
	done  chan struct{}
}

func (s *single) Accept() (net.Conn, error) {
	if !s.taken {
		s.taken = true
		return s.conn, nil
	}
	<-s.done
	return nil, io.EOF
}

func (s *single) end()           { close(s.done) }
func (s *single) Close() error   { return nil }
func (s *single) Addr() net.Addr { return s.conn.LocalAddr() }

func read(w http.ResponseWriter, r *http.Request, in any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		problem.New(http.StatusBadRequest, "malformed", "Not understood", "The body is not what this control node knows.").Write(w)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, out any, err error) {
	if err != nil {
		Problem(err).Write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// Problem is what whoever asked is told of err.
func Problem(err error) *problem.Problem {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	for _, known := range []struct {
		err             error
		status          int
		id, title, text string
	}{
		{enrol.ErrUnregistered, http.StatusNotFound, "node-unknown", "Node unknown", "There is no node of this name in the cluster."},
		{quorum.ErrLastVoters, http.StatusConflict, "last-voters", "Needed for the quorum", "Without that control node those that answer would be no majority."},
		{roster.ErrRotating, http.StatusConflict, "rotating", "Changed already", "A key of this kind is being changed. The next change can begin once that is done."},
	} {
		if errors.Is(err, known.err) {
			return problem.New(known.status, known.id, known.title, known.text)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, quorum.ErrUnknown) {
		p := problem.New(http.StatusServiceUnavailable, "no-leader", "No leader", "No control node leads, so nothing was decided. Media goes on.")
		p.RetryAfter = time.Second
		return p
	}
	return problem.New(http.StatusUnprocessableEntity, "refused", "Refused", err.Error())
}
