package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// An agreed ledger is that of one control node which always leads, or of none.
type agreed struct {
	*ledger.Ledger
	index uint64
	err   error
}

func (a *agreed) State() *ledger.State { return a.View() }

func (a *agreed) Apply(_ context.Context, e *pb.Entry) (quorum.Result, error) {
	if a.err != nil {
		return quorum.Result{}, a.err
	}
	a.index++
	e.Version, e.Request = ledger.Version, fmt.Appendf(nil, "%016d", a.index)
	b, err := proto.Marshal(e)
	if err != nil {
		return quorum.Result{}, err
	}
	o, err := a.Ledger.Apply(a.index, b)
	return quorum.Result{Verdict: o.GetVerdict()}, err
}

// newAgreed returns a ledger with edge-1 in it.
func newAgreed(t *testing.T) *agreed {
	t.Helper()
	a := &agreed{Ledger: ledger.New()}
	put := &pb.PutNode{Node: "edge-1", Role: "edge", Key: make([]byte, 32)}
	if r, err := a.Apply(t.Context(), &pb.Entry{Body: &pb.Entry_PutNode{PutNode: put}}); err != nil || r.Err() != nil {
		t.Fatal(r, err)
	}
	return a
}

// desk is that of a control node which has a's ledger.
func (a *agreed) desk(do func(node string) error) *Desk {
	return &Desk{
		Node: "control-1", Mesh: scene{ledger: a.View()}, Journal: NewJournal(a), Log: slog.New(slog.DiscardHandler),
		Now:  func() time.Time { return time.Unix(1000, 0) },
		Acts: Acts{SetState: func(_ context.Context, node string, _ pb.AdminState) error { return do(node) }},
	}
}

// What a command does is in the journal before it is done, with who asked; and what became of it.
func TestJournalOfCommands(t *testing.T) {
	a := newAgreed(t)
	var during []Entry
	d := a.desk(nil)
	d.Acts.SetState = func(context.Context, string, pb.AdminState) error {
		during = d.Journal.Entries()
		return quorum.ErrLastVoters
	}
	w := httptest.NewRecorder()
	d.Handler("control-2").ServeHTTP(w, httptest.NewRequest("PUT", "/nodes/edge-1/state", strings.NewReader(`{"state":"draining"}`)))
	if w.Code != http.StatusConflict {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if len(during) != 1 || during[0].Outcome != Open || during[0].Action != Drain {
		t.Errorf("while it was done: %+v", during)
	}
	all := d.Journal.Entries()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	if e := all[0]; e.Outcome != Refused || e.Node != "edge-1" || e.Asked != "control-2" || e.By != "control-1" || e.Person != nil || !strings.Contains(e.Why, "no majority") {
		t.Errorf("%+v", e)
	}
}

// What cannot be written down is not done; nor is what is done to a node that is not there written down.
func TestJournalFirst(t *testing.T) {
	a := newAgreed(t)
	did := 0
	d := a.desk(func(string) error { did++; return nil })
	a.err = quorum.ErrUnknown
	if err := d.Decide(t.Context(), Who{Node: "control-1"}, "edge-1", "draining"); !errors.Is(err, quorum.ErrUnknown) || Problem(err).Status != http.StatusServiceUnavailable {
		t.Errorf("no leader: %v", err)
	}
	a.err = nil
	if err := d.Decide(t.Context(), Who{Node: "control-1"}, "edge-9", "draining"); err == nil {
		t.Error("a stranger was drained")
	}
	if did != 0 || len(d.Journal.Entries()) != 0 {
		t.Errorf("did %d, wrote %+v", did, d.Journal.Entries())
	}
}

// The oldest entries make room, and no entry is larger than a setting may be.
func TestJournalBound(t *testing.T) {
	a := newAgreed(t)
	did := 0
	d := a.desk(func(string) error {
		did++
		return fmt.Errorf("%d %s", did, strings.Repeat("é", 3000))
	})
	for range journalMost + 30 {
		if err := d.Decide(t.Context(), Who{Node: "control-1"}, "edge-1", "cordoned"); err == nil {
			t.Fatal("it was to fail")
		}
	}
	all := d.Journal.Entries()
	if len(all) != journalMost || len(a.View().Settings) != journalMost {
		t.Fatalf("%d entries, want %d", len(all), journalMost)
	}
	if first, last := all[0].Why, all[len(all)-1].Why; !strings.HasPrefix(first, fmt.Sprint(journalMost+30, " ")) || !strings.HasPrefix(last, "31 ") {
		t.Errorf("from %.8q to %.8q", first, last)
	}
	for _, e := range all {
		if b, err := json.Marshal(e); err != nil || e.Outcome != Refused || len(b) > 1024 {
			t.Fatalf("%d bytes, %v: %+v", len(b), err, e)
		}
	}
}
