package live

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	beatEvery = 2 * time.Second
	// writeTime is how long a page may take nothing of what it is sent.
	writeTime = 5 * time.Second

	// Pages that were cut off come back within a second of one another, and not before another node is ready.
	backAfter  = time.Second
	backWithin = time.Second
)

var (
	beatFrame = []byte("event: beat\ndata: {}\n\n")
	goneFrame = []byte("event: gone\ndata: {}\n\n")
)

// serve tells t until the page leaves, the event is gone or the hub stops, in the goroutine of the request. last is the
// id of what the page knows.
func (h *Hub) serve(c huma.Context, t *topic, last string) end {
	c.SetHeader("Content-Type", "text/event-stream")
	c.SetHeader("Cache-Control", "no-store")
	c.SetHeader("X-Accel-Buffering", "no") // proxies pass it on as it comes
	w := writer{w: c.BodyWriter()}
	if r, ok := w.w.(http.ResponseWriter); ok {
		w.conn = http.NewResponseController(r)
		defer w.conn.SetWriteDeadline(time.Time{}) //nolint:errcheck // the connection may be gone
	}
	hello := fmt.Appendf(nil, "retry: %d\n\n", (backAfter + rand.N(backWithin)).Milliseconds())
	if err := w.write(append(hello, h.beat()...)); err != nil {
		return cut(err)
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		now, changed := h.look(t)
		if now.gone {
			_ = w.write(goneFrame) // it ends either way
			return endGone
		}
		if now.id != last {
			if err := w.write(now.frame); err != nil {
				return cut(err)
			}
			last = now.id
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			if err := w.write(h.beat()); err != nil {
				return cut(err)
			}
		case <-c.Context().Done():
			return endLeft
		case <-h.stopped:
			return endStopped
		}
	}
}

func cut(err error) end {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return endSlow
	}
	return endLeft
}

// A writer sends each message at once, and waits for a page for writeTime.
type writer struct {
	w    io.Writer
	conn *http.ResponseController
}

func (w writer) write(b []byte) error {
	if w.conn == nil {
		_, err := w.w.Write(b)
		return err
	}
	// A writer of a test may have no deadlines; ours has.
	if err := w.conn.SetWriteDeadline(time.Now().Add(writeTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.w.Write(b); err != nil {
		return err
	}
	return w.conn.Flush()
}
