package live

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/event"
)

func newHub() *Hub {
	return New(Config{}, slog.New(slog.DiscardHandler), nil, prometheus.NewRegistry())
}

func TestLimits(t *testing.T) {
	h := newHub()
	one, loop := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("127.0.0.1")
	var all []*topic
	follow := func(from netip.Addr, want error) {
		t.Helper()
		got, _, err := h.follow("e", from)
		if !errors.Is(err, want) || (got == nil) != (err != nil) {
			t.Fatalf("%v, want %v", err, want)
		}
		if err == nil {
			all = append(all, got)
		}
	}
	for range mostOfNetwork {
		follow(one, nil)
	}
	follow(one, errMany)
	for range most - mostOfNetwork {
		follow(loop, nil)
	}
	follow(loop, errFull)
	h.leave(all[0], one)
	follow(one, nil)
	if h.Waiting("e") != most || h.count() != most {
		t.Errorf("%d wait, %v streams", h.Waiting("e"), h.count())
	}
	for i := range all[1:] {
		from := loop
		if i < mostOfNetwork {
			from = one
		}
		h.leave(all[1+i], from)
	}
	if len(h.topics) != 0 || len(h.networks) != 0 || h.streams != 0 {
		t.Errorf("%d topics, %v, %d streams after all have left", len(h.topics), h.networks, h.streams)
	}
}

// What was read before is not told after what was read later, and the same is told once.
func TestOrder(t *testing.T) {
	h := newHub()
	of, _, err := h.follow("e", netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	e := event.Event{}
	told := func(version int64, title string) bool {
		_, changed := h.look(of)
		e.Version, e.Title = version, title
		h.set(of, &e)
		select {
		case <-changed:
			return true
		default:
			return false
		}
	}
	for _, c := range []struct {
		version int64
		title   string
		want    bool
	}{{1, "a", true}, {1, "a", false}, {3, "c", true}, {2, "b", false}, {4, "c", false}, {4, "d", true}} {
		if got := told(c.version, c.title); got != c.want {
			t.Errorf("%+v: told: %v", c, got)
		}
	}
	h.set(of, nil)
	if told(5, "e") {
		t.Error("told of an event that is gone")
	}
}

// A page that takes nothing is let go after writeTime, and one that reads is told for ever.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		of, _, err := h.follow("e", netip.Addr{})
		if err != nil {
			t.Fatal(err)
		}
		h.set(of, &event.Event{Line: event.Line{Version: 1}})
		serve := func() (near net.Conn, why chan end) {
			near, far := net.Pipe()
			why = make(chan end, 1)
			l := make(one, 1)
			l <- far
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				why <- h.serve(humago.NewContext(&huma.Operation{}, r, w), of, "")
			})}
			ended := make(chan error, 1)
			go func() { ended <- s.Serve(l) }()
			t.Cleanup(func() { near.Close(); s.Close(); <-ended })
			if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			return near, why
		}
		_, why := serve()
		began := time.Now()
		if got := <-why; got != endSlow || time.Since(began) != writeTime {
			t.Errorf("%s after %v", got, time.Since(began))
		}
		reads, why := serve()
		gone := make(chan error, 1)
		go func() { _, err := io.Copy(io.Discard, reads); gone <- err }()
		select {
		case got := <-why:
			t.Errorf("%s: it read all", got)
		case <-time.After(time.Hour):
		}
		reads.Close()
		if got := <-why; got != endLeft {
			t.Errorf("%s", got)
		}
		<-gone
	})
}

// One is a listener for one connection.
type one chan net.Conn

func (l one) Accept() (net.Conn, error) {
	c, ok := <-l
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (l one) Close() error   { close(l); return nil }
func (l one) Addr() net.Addr { return &net.TCPAddr{} }

func TestRun(t *testing.T) {
	h := newHub()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := h.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, _, err := h.follow("e", netip.Addr{}); !errors.Is(err, errStopping) {
		t.Error(err)
	}
}
