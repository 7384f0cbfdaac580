package janus

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limits of what is exchanged with Janus.
const (
	callWithin = 10 * time.Second
	pollWithin = 45 * time.Second // Janus answers after 30 s where nothing happened
	mostReply  = 256 << 10        // bytes; as many events as one poll asks for
	pollEvents = 50
	eventsKept = 8 // of a viewer: fewer come while it joins
)

// plugin is what serves viewers.
const plugin = "janus.plugin.streaming"

// A gateway is one session of Janus' HTTP API, with a handle for each viewer.
type gateway struct {
	base    string // http://host:port/janus
	client  *http.Client
	session string // its address

	mu      sync.Mutex
	handles map[uint64]chan reply // where the events of each go; full: they are dropped
}

// A reply is an answer or an event, as far as it is looked at.
type reply struct {
	Janus  string `json:"janus"` // success, ack, error, event, webrtcup, hangup, …
	Sender uint64 `json:"sender"`
	Data   struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	Error struct {
		Reason string `json:"reason"`
	} `json:"error"`
	Plugin struct {
		Data json.RawMessage `json:"data"`
	} `json:"plugindata"`
	JSEP *jsep `json:"jsep"`
}

// A jsep is a session description.
type jsep struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

func newGateway(base string) *gateway {
	return &gateway{
		base: base, handles: map[uint64]chan reply{},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}},
	}
}

// open opens the session.
func (g *gateway) open(ctx context.Context) error {
	r, err := g.call(ctx, g.base, map[string]any{"janus": "create"})
	if err != nil {
		return err
	}
	g.session = g.base + "/" + strconv.FormatUint(r.Data.ID, 10)
	return nil
}

// call posts one request.
func (g *gateway) call(ctx context.Context, url string, body map[string]any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	body["transaction"] = rand.Text()
	b, err := json.Marshal(body)
	if err != nil {
		return reply{}, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return reply{}, err
	}
	q.Header.Set("Content-Type", "application/json")
	b, err = g.do(q)
	if err != nil {
		return reply{}, err
	}
	var r reply
	if err := json.Unmarshal(b, &r); err != nil {
		return reply{}, fmt.Errorf("janus: %w", err)
	}
	if r.Janus == "error" {
		return reply{}, fmt.Errorf("janus: %v: %s", body["janus"], r.Error.Reason)
	}
	return r, pluginError(r)
}

func (g *gateway) do(q *http.Request) ([]byte, error) {
	res, err := g.client.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or given up
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("janus: %s", res.Status)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, mostReply+1))
	if len(b) > mostReply {
		return nil, errors.New("janus: an answer that is too long")
	}
	return b, err
}

// pluginError returns what the plugin complains of.
func pluginError(r reply) error {
	var p struct {
		Error string `json:"error"`
	}
	if len(r.Plugin.Data) > 0 && json.Unmarshal(r.Plugin.Data, &p) == nil && p.Error != "" {
		return fmt.Errorf("janus: %s", p.Error)
	}
	return nil
}

// attach opens a handle.
func (g *gateway) attach(ctx context.Context) (uint64, <-chan reply, error) {
	r, err := g.call(ctx, g.session, map[string]any{"janus": "attach", "plugin": plugin})
	if err != nil {
		return 0, nil, err
	}
	events := make(chan reply, eventsKept)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handles[r.Data.ID] = events
	return r.Data.ID, events, nil
}

// detach closes a handle, and the connection of its viewer.
func (g *gateway) detach(ctx context.Context, id uint64) error {
	g.mu.Lock()
	delete(g.handles, id)
	g.mu.Unlock()
	_, err := g.call(ctx, g.handle(id), map[string]any{"janus": "detach"})
	return err
}

func (g *gateway) handle(id uint64) string { return g.session + "/" + strconv.FormatUint(id, 10) }

// message sends a request to the plugin.
func (g *gateway) message(ctx context.Context, id uint64, body any, description *jsep) (reply, error) {
	m := map[string]any{"janus": "message", "body": body}
	if description != nil {
		m["jsep"] = description
	}
	return g.call(ctx, g.handle(id), m)
}

// poll hands events to their handles until ctx ends, and calls hung for those that Janus has hung up on.
func (g *gateway) poll(ctx context.Context, hung func(handle uint64)) error {
	for {
		events, err := g.next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Janus == "hangup" {
				hung(e.Sender)
			}
			g.mu.Lock()
			c := g.handles[e.Sender]
			g.mu.Unlock()
			select {
			case c <- e:
			default: // of no interest any more
			}
		}
	}
}

func (g *gateway) next(ctx context.Context) ([]reply, error) {
	ctx, cancel := context.WithTimeout(ctx, pollWithin)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, g.session+"?maxev="+strconv.Itoa(pollEvents), nil)
	if err != nil {
		return nil, err
	}
	b, err := g.do(q)
	if err != nil {
		return nil, err
	}
	var events []reply
	if err := json.Unmarshal(b, &events); err != nil {
		return nil, fmt.Errorf("janus: events: %w", err)
	}
	return events, nil
}
