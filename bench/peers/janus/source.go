package janus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtp"

	"freshet/bench/load"
	"freshet/proto/problem"
)

// mountpoint is the only one there is.
const mountpoint = 1

// carried is what goes through Janus: a mountpoint has one codec a track, and the bench sends these.
var carried = []format{{kind: "audio", codec: "opus"}, {kind: "video", codec: "vp8"}}

// A source is the publisher's stream on its way to Janus, from the first viewer to the publisher's end.
type source struct {
	formats []format      // with the first viewer's payload types: Janus sends the same to all
	ready   chan struct{} // closed when packets flow
	over    chan struct{} // closed when they do not flow any more
	ended   chan struct{} // closed when the mountpoint is gone, too, and another source may begin
	err     error         // why; read after ended
}

// sourceFor returns the source that there is, or begins one for the payload types of offer.
func (f *Front) sourceFor(offer string) (*source, error) {
	formats, err := wanted(offer, carried)
	if err != nil {
		return nil, unsupported(err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.source != nil:
		return f.source, nil
	case len(formats) < len(carried):
		return nil, unsupported("the first viewer must take VP8 and Opus")
	}
	s := &source{formats: formats, ready: make(chan struct{}), over: make(chan struct{}), ended: make(chan struct{})}
	begun := f.begin(func(ctx context.Context) {
		err := f.feed(ctx, s)
		f.mu.Lock()
		f.source = nil
		f.mu.Unlock()
		s.err = errors.Join(errors.New("the publisher left"), err)
		close(s.ended)
	})
	if !begun {
		return nil, problem.New(http.StatusServiceUnavailable, "busy", "Busy", "too many viewers have just left")
	}
	f.source = s
	return s, nil
}

// taken returns the tracks that who made offer takes: mids of the mountpoint are kinds.
func (s *source) taken(offer string) ([]string, error) {
	formats, err := wanted(offer, carried)
	if err != nil {
		return nil, unsupported(err.Error())
	}
	var kinds []string
	for _, f := range formats {
		if !slices.Contains(s.formats, f) {
			return nil, unsupported("Janus sends one payload type to all: that of the first viewer's offer")
		}
		kinds = append(kinds, f.kind)
	}
	return kinds, nil
}

func unsupported(detail string) error {
	return problem.New(http.StatusUnprocessableEntity, "sdp-unsupported", "SDP not supported", detail)
}

// feed makes the mountpoint and sends it what the publisher sends, until that ends.
func (f *Front) feed(ctx context.Context, s *source) (err error) {
	handle, _, err := f.gateway.attach(ctx)
	if err != nil {
		return err
	}
	last := context.WithoutCancel(ctx)
	defer func() { err = errors.Join(err, f.gateway.detach(last, handle)) }()
	ports, err := f.mount(ctx, handle, s.formats)
	if err != nil {
		return err
	}
	defer func() {
		_, destroyed := f.gateway.message(last, handle, map[string]any{"request": "destroy", "id": mountpoint}, nil)
		err = errors.Join(err, destroyed) // with it, its viewers
	}()
	outs := map[string]*out{} // read only once packets flow
	for _, m := range s.formats {
		c, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[m.kind])))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		outs[m.kind] = &out{conn: c, payload: m.payload, b: make([]byte, 1500)}
	}
	first := sync.OnceFunc(func() { close(s.ready) })
	cfg := load.PlayConfig{URL: f.publisher.Ready().WHEP, Codecs: []string{"VP8"}}
	cfg.Packet = func(kind, _ string, p *rtp.Packet, _ time.Time) {
		outs[kind].send(p)
		first()
	}
	defer close(s.over)
	return load.Play(ctx, cfg, nil, f.log)
}

// passed says whether the source is over, and then waits for its end, or ctx's.
func (s *source) passed(ctx context.Context) bool {
	select {
	case <-s.over:
	default:
		return false
	}
	select {
	case <-s.ended:
	case <-ctx.Done():
	}
	return true
}

// mount makes the mountpoint and returns the ports that it listens on, by kind.
func (f *Front) mount(ctx context.Context, handle uint64, formats []format) (map[string]int, error) {
	var media []map[string]any
	for _, m := range formats {
		media = append(media, map[string]any{
			"type": m.kind, "mid": m.kind, "port": 0, "pt": m.payload, "codec": m.codec, "iface": "127.0.0.1",
		})
	}
	r, err := f.gateway.message(ctx, handle, map[string]any{
		"request": "create", "type": "rtp", "id": mountpoint, "name": "bench", "media": media,
	}, nil)
	if err != nil {
		return nil, err
	}
	var made struct {
		Stream struct {
			Ports []struct {
				MID  string `json:"mid"`
				Port int    `json:"port"`
			} `json:"ports"`
		} `json:"stream"`
	}
	if err := json.Unmarshal(r.Plugin.Data, &made); err != nil {
		return nil, fmt.Errorf("janus: create: %w", err)
	}
	ports := map[string]int{}
	for _, p := range made.Stream.Ports {
		ports[p.MID] = p.Port
	}
	for _, m := range formats {
		if ports[m.kind] == 0 {
			return nil, fmt.Errorf("janus: no port for %s: %s", m.kind, r.Plugin.Data)
		}
	}
	return ports, nil
}

// An out sends one track. Its reader's goroutine owns it.
type out struct {
	conn    net.Conn
	payload uint8
	b       []byte
}

// send sends p without its extensions, which were agreed with the publisher alone. What the socket does not take is
// missing at the viewer, whose stamps tell.
func (o *out) send(p *rtp.Packet) {
	h := p.Header
	h.PayloadType, h.Padding, h.Extension, h.Extensions = o.payload, false, false, nil
	if n, err := h.MarshalTo(o.b); err == nil {
		n += copy(o.b[n:], p.Payload)
		_, _ = o.conn.Write(o.b[:n])
	}
}
