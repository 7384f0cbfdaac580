package ops

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// serve runs h until the test ends and returns its address. stop ends it and waits.
func serve(t *testing.T, h http.Handler) (addr string, stop func()) {
	t.Helper()
	s, err := NewHTTP(HTTPConfig{Listen: "127.0.0.1:0"}, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s.Addr().String(), run(t, s)
}

func run(t *testing.T, s *HTTP) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var err error
	once := false
	stop = func() {
		cancel()
		if !once {
			once = true
			err = <-ended
		}
		if err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// piped serves one connection over a pipe, so that the test's time may be synctest's.
func piped(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	near, far := net.Pipe()
	l := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conns <- far
	s, err := NewHTTP(HTTPConfig{Listen: "127.0.0.1:0"}, h, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.listener.Close()
	s.listener = stallListener{l}
	run(t, s)
	t.Cleanup(func() { near.Close() })
	return near
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// closedAfter reads until the other end closes and returns how long that took.
func closedAfter(t *testing.T, c net.Conn, start time.Time) time.Duration {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	return time.Since(start)
}

func TestTakenPortIsAnErrorAtOnce(t *testing.T) {
	addr, _ := serve(t, http.NotFoundHandler())
	if _, err := NewHTTP(HTTPConfig{Listen: addr}, http.NotFoundHandler(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a taken port was bound again")
	}
}

func TestSlowHeaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, http.NotFoundHandler())
		start := time.Now()
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			for _, b := range []string{"GET / HTTP/1.1\r\n", "Host: a\r\n", "X: 1\r\n", "X: 2\r\n"} {
				if _, err := io.WriteString(c, b); err != nil {
					return
				}
				time.Sleep(2 * time.Second)
			}
		})
		if got := closedAfter(t, c, start); got != headerTimeout {
			t.Errorf("cut after %v, want %v", got, headerTimeout)
		}
	})
}

func TestSlowBodyIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read int
		var readErr error
		done := make(chan struct{})
		c := piped(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			b, err := io.ReadAll(r.Body)
			read, readErr = len(b), err
			w.WriteHeader(http.StatusRequestTimeout)
		}))
		start := time.Now()
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"); err != nil {
				return
			}
			for range 100 {
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		if got := closedAfter(t, c, start); got != bodyTimeout {
			t.Errorf("cut after %v, want %v", got, bodyTimeout)
		}
		<-done
		var netErr net.Error
		if read < 14 || read > 16 || !errors.As(readErr, &netErr) || !netErr.Timeout() {
			t.Errorf("handler read %d bytes and %v, want 15 and a time-out", read, readErr)
		}
	})
}

func TestIdleConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		for range 2 { // a body leaves no deadline behind for the next request
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%v %v", resp, err)
			}
			time.Sleep(idleTimeout - time.Second)
		}
		start := time.Now()
		if got := closedAfter(t, c, start); got != time.Second {
			t.Errorf("closed after another %v, want 1s", got)
		}
	})
}

// An event stream goes on past every limit as long as it is read, and the handler hears at once of a
// reader who leaves, also one who had sent a body.
func TestEventStreamLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lasted time.Duration
		left := make(chan struct{})
		c := piped(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(left)
			_, _ = io.Copy(io.Discard, r.Body)
			start := time.Now()
			tick := time.NewTicker(10 * time.Second)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_, _ = io.WriteString(w, "data: x\n\n")
					_ = http.NewResponseController(w).Flush()
				case <-r.Context().Done():
					lasted = time.Since(start)
					return
				}
			}
		}))
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		for n := 0; n < 120 && lines.Scan(); {
			if lines.Text() != "" {
				n++
			}
		}
		c.Close()
		<-left
		if lasted != 20*time.Minute {
			t.Errorf("the stream lasted %v, want 20m", lasted)
		}
	})
}

// A reader that takes nothing holds neither handler nor memory for long.
func TestStalledReaderIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		done := make(chan error, 1)
		c := piped(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := w.Write(make([]byte, 1<<20))
			done <- err
		}))
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil || time.Since(start) != stallTimeout {
			t.Errorf("write ended after %v with %v, want a time-out after %v", time.Since(start), err, stallTimeout)
		}
	})
}

// A handler may wait for less long than the server does, and not for longer.
func TestHandlersDeadlineHolds(t *testing.T) {
	for _, c := range []struct{ asked, want time.Duration }{{5 * time.Second, 5 * time.Second}, {time.Hour, stallTimeout}, {0, stallTimeout}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			done := make(chan error, 1)
			conn := piped(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				deadline := time.Time{}
				if c.asked > 0 {
					deadline = start.Add(c.asked)
				}
				err := http.NewResponseController(w).SetWriteDeadline(deadline)
				if err == nil {
					_, err = w.Write(make([]byte, 1<<20))
				}
				done <- err
			}))
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err == nil || time.Since(start) != c.want {
				t.Errorf("asked for %v: write ended after %v with %v, want a time-out after %v", c.asked, time.Since(start), err, c.want)
			}
		})
	}
}

// A slow reader that goes on reading gets all, however long it takes.
func TestSlowReaderIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }))
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		start, total, buf := time.Now(), 0, make([]byte, 32<<10)
		for {
			n, err := c.Read(buf)
			total += n
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
		}
		if total < 1<<20 || time.Since(start) < 90*time.Second {
			t.Errorf("got %d bytes in %v", total, time.Since(start))
		}
	})
}

func TestHeaderSize(t *testing.T) {
	addr, _ := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, row := range []struct{ size, status int }{{15 << 10, 200}, {17 << 10, 431}} {
		req, err := http.NewRequest(http.MethodGet, "http://"+addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X", strings.Repeat("x", row.size))
		if got := status(t, req); got != row.status {
			t.Errorf("a header of %d bytes: status %d, want %d", row.size, got, row.status)
		}
	}
}

func status(t *testing.T, req *http.Request) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A stop lets what is under way finish, then ends event streams, and does not wait for who hears nothing.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		entered, left := make(chan time.Time, 1), make(chan struct{})
		l := &pipeListener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		near, far := net.Pipe()
		l.conns <- far
		s, err := NewHTTP(HTTPConfig{Listen: "127.0.0.1:0"}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			defer close(left)
			start := time.Now()
			entered <- start
			<-r.Context().Done()
			ended = time.Since(start)
		}), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		s.listener.Close()
		s.listener = l
		stop := run(t, s)
		if _, err := io.WriteString(near, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		start := <-entered
		go func() { _, _ = io.Copy(io.Discard, near) }()
		stop()
		<-left
		if ended != finishTime || time.Since(start) > stopTime {
			t.Errorf("the request's context ended after %v, the server after %v; want %v and at most %v", ended, time.Since(start), finishTime, stopTime)
		}
	})
}
