package ops

import (
	"context"
	"errors"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/route"
	"freshet/proto/problem"
)

// Whichever control node is asked, it tells what any of them has decided last; those that do not answer keep nobody waiting,
// and nobody is asked twice.
func TestRecall(t *testing.T) {
	now, session := time.Unix(1_800_000_000, 0), uuid.New()
	knows := func(of uuid.UUID, at time.Time, choice string) *Desk {
		return &Desk{Acts: Acts{Why: func(session uuid.UUID) (route.Decision, bool) {
			return route.Decision{At: at, Choice: choice}, session == of
		}}}
	}
	var addrs []string
	for _, d := range []*Desk{knows(session, now, "edge-1"), knows(session, now.Add(time.Minute), "edge-2"), knows(uuid.New(), now.Add(time.Hour), "edge-3")} {
		d.Peers.Addrs = func() []string {
			t.Error("who is asked by a control node asks others")
			return nil
		}
		s := httptest.NewServer(d.Handler("control-1"))
		t.Cleanup(s.Close)
		addrs = append(addrs, s.Listener.Addr().String())
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addrs = append(addrs, gone.Addr().String())
	_ = gone.Close()

	here := knows(uuid.New(), now, "")
	here.Peers = Peers{
		Addrs: func() []string { return addrs },
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}
	if made, err := here.recall(t.Context(), session); err != nil || made.Choice != "edge-2" {
		t.Errorf("%+v, %v; want the newest decision", made, err)
	}
	_, err = here.recall(t.Context(), uuid.New())
	if p := (*problem.Problem)(nil); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("a session that nobody knows: %v", err)
	}
	alone := knows(session, now, "edge-9")
	if made, err := alone.recall(t.Context(), session); err != nil || made.Choice != "edge-9" {
		t.Errorf("its own: %+v, %v", made, err)
	}
	if _, err := alone.recall(t.Context(), uuid.New()); err == nil {
		t.Error("a control node without others knows a session that it has not placed")
	}
}
