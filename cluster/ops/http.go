// Package ops is what every node shows of itself over HTTP: one server with the limits all our servers
// have, metrics, health, and profiles for whoever is on the machine.
package ops

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Limits of RELIABILITY, section 4.
const (
	// net/http reads 4 KiB past MaxHeaderBytes before it answers 431; in sum the limit is 16 KiB.
	maxHeader     = 16<<10 - 4<<10
	headerTimeout = 5 * time.Second
	bodyTimeout   = 15 * time.Second
	idleTimeout   = 60 * time.Second
)

// How a server stops: requests get finishTime to end by themselves, then their contexts end and they
// get until stopTime in all, then their connections are closed.
const (
	finishTime = 2 * time.Second
	stopTime   = 5 * time.Second
)

// HTTPConfig configures a server.
type HTTPConfig struct {
	Listen string      // host:port; port 0 takes a free one
	TLS    *tls.Config // nil: in the clear
}

// HTTP is a server with our limits. Responses may last as long as their reader keeps reading.
type HTTP struct {
	listener net.Listener
	server   *http.Server
	endAll   context.CancelFunc // ends the context of every request
}

// NewHTTP binds cfg.Listen at once; Run serves h.
func NewHTTP(cfg HTTPConfig, h http.Handler, log *slog.Logger) (*HTTP, error) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	requests, endAll := context.WithCancel(context.Background())
	accept := net.Listener(stallListener{l})
	if cfg.TLS != nil {
		accept = tls.NewListener(accept, cfg.TLS)
	}
	return &HTTP{
		listener: accept,
		endAll:   endAll,
		server: &http.Server{
			Handler:           limitBody(h),
			MaxHeaderBytes:    maxHeader,
			ReadHeaderTimeout: headerTimeout,
			IdleTimeout:       idleTimeout,
			ErrorLog:          errorLog(log),
			BaseContext:       func(net.Listener) context.Context { return requests },
			// No ReadTimeout and no WriteTimeout: they bound whole requests and would cut event
			// streams. limitBody and stallListener bound the body and each write instead.
		},
	}, nil
}

// Addr returns the address the server listens on.
func (s *HTTP) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, then lets requests finish for some seconds. It returns nil on an orderly
// stop, also where the last requests had to be cut. It may be called once.
func (s *HTTP) Run(ctx context.Context) error {
	defer s.endAll()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve HTTP on %s: %w", s.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return s.stop(context.WithoutCancel(ctx))
	})
	return g.Wait()
}

func (s *HTTP) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	// Event streams do not end by themselves; they end with their context, after the others had time.
	end := time.AfterFunc(finishTime, s.endAll)
	defer end.Stop()
	if err := s.server.Shutdown(ctx); err != nil {
		return s.server.Close()
	}
	return nil
}

// limitBody gives each body bodyTimeout from the end of its header. A body read to its end takes the
// limit off again, so that the connection's reader, which then waits for the peer to leave, waits for
// as long as the response lasts.
func limitBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			c := http.NewResponseController(w)
			// Not every ResponseWriter has deadlines (a recorder in a test); ours has.
			if c.SetReadDeadline(time.Now().Add(bodyTimeout)) == nil {
				r.Body = &timedBody{r.Body, c}
			}
		}
		h.ServeHTTP(w, r)
	})
}

type timedBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{}) // fails only on a connection that is closed
	}
	return n, err
}
