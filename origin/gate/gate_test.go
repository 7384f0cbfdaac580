package gate

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "freshet/proto"
	"freshet/proto/problem"
	"freshet/proto/token"
)

const streamKey = "the key of floor"

var (
	now    = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	secret = ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	minter = token.NewMinter("k1", secret)
)

// records has one stream, floor, whose record a test changes.
type records struct {
	mu    sync.Mutex
	floor *pb.StreamRecord
}

func newRecords(origin, standby string, epoch uint64) *records {
	r := &records{}
	r.place(origin, standby, epoch)
	return r
}

func (r *records) place(origin, standby string, epoch uint64) {
	hash := sha256.Sum256([]byte(streamKey))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.floor = &pb.StreamRecord{Id: "floor", KeySha256: hash[:], Origin: origin, Standby: standby, Epoch: epoch}
}

func (r *records) Stream(id string) (*pb.StreamRecord, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.floor, id == "floor"
}

func (r *records) TokenKeys() token.Keys {
	return token.Keys{"k1": secret.Public().(ed25519.PublicKey)}
}

func (r *records) CheckKey(stream, bearer string) error {
	sum := sha256.Sum256([]byte(bearer))
	return r.CheckHash(stream, sum[:])
}

func (r *records) CheckHash(stream string, begins []byte) error {
	f, ok := r.Stream(stream)
	switch {
	case !ok:
		return problem.New(404, "stream-unknown", "", "")
	case !strings.HasPrefix(string(f.KeySha256), string(begins)):
		return problem.New(401, "key-wrong", "", "")
	}
	return nil
}

func ticketFor(t testing.TB, stream, node string, placement uint64, key string) string {
	t.Helper()
	hash := sha256.Sum256([]byte(key))
	text, err := minter.MintTicket(stream, node, placement, hash[:], now)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func status(err error) int {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestAdmit(t *testing.T) {
	good := ticketFor(t, "floor", "origin-1", 7, streamKey)
	for _, row := range []struct {
		name                   string
		origin, standby        string
		epoch                  uint64
		stream, bearer, ticket string
		late                   time.Duration
		want                   int
	}{
		{name: "a key, nobody places", stream: "floor", bearer: streamKey},
		{name: "a key, placed here", origin: "origin-1", epoch: 7, stream: "floor", bearer: streamKey},
		{name: "a key, standby", origin: "origin-2", standby: "origin-1", epoch: 7, stream: "floor", bearer: streamKey},
		{name: "a key, placed elsewhere", origin: "origin-2", epoch: 7, stream: "floor", bearer: streamKey, want: 421},
		{name: "a wrong key", origin: "origin-1", epoch: 7, stream: "floor", bearer: "no", want: 401},
		{name: "nothing", origin: "origin-1", epoch: 7, stream: "floor", want: 401},
		{name: "a ticket", origin: "origin-1", epoch: 7, stream: "floor", ticket: good},
		{name: "a ticket, before the record", origin: "origin-2", epoch: 6, stream: "floor", ticket: good},
		{name: "a ticket, behind the record", origin: "origin-2", epoch: 8, stream: "floor", ticket: good, want: 421},
		{name: "a wrong key and a ticket", origin: "origin-1", epoch: 7, stream: "floor", bearer: "no", ticket: good, want: 401},
		{name: "a ticket of another origin", origin: "origin-1", epoch: 7, stream: "floor", ticket: ticketFor(t, "floor", "origin-2", 7, streamKey), want: 421},
		{name: "a ticket of another stream", origin: "origin-1", epoch: 7, stream: "floor", ticket: ticketFor(t, "other", "origin-1", 7, streamKey), want: 401},
		{name: "a ticket of an unknown stream", stream: "other", ticket: ticketFor(t, "other", "origin-1", 7, streamKey), want: 404},
		{name: "a ticket for a key of before", origin: "origin-1", epoch: 7, stream: "floor", ticket: ticketFor(t, "floor", "origin-1", 7, "old"), want: 401},
		{name: "a ticket that has run out", origin: "origin-1", epoch: 7, stream: "floor", ticket: good, late: 61 * time.Second, want: 401},
		{name: "no ticket", origin: "origin-1", epoch: 7, stream: "floor", ticket: "a.b.c", want: 401},
	} {
		g := New("origin-1", newRecords(row.origin, row.standby, row.epoch))
		still, err := g.Admit(row.stream, row.bearer, row.ticket, now.Add(row.late))
		if status(err) != row.want {
			t.Errorf("%s: %v, want %d", row.name, err, row.want)
		}
		if err == nil && still() != nil {
			t.Errorf("%s: is not to stay", row.name)
		}
	}
}

// Who was let in has to go when the key is another, or the stream is placed elsewhere.
func TestStill(t *testing.T) {
	for _, ticket := range []string{"", ticketFor(t, "floor", "origin-1", 7, streamKey)} {
		bearer := streamKey
		if ticket != "" {
			bearer = ""
		}
		r := newRecords("origin-1", "", 7)
		g := New("origin-1", r)
		still, err := g.Admit("floor", bearer, ticket, now)
		if err != nil || still() != nil {
			t.Fatal(err)
		}
		r.place("origin-2", "", 8)
		if got := status(still()); got != 421 {
			t.Errorf("placed elsewhere: %d", got)
		}
		r.place("origin-1", "", 9)
		r.floor.KeySha256 = []byte("another hash of as many bytes...")
		if got := status(still()); got != 401 {
			t.Errorf("another key: %d", got)
		}
	}
}

func TestPlaced(t *testing.T) {
	r := newRecords("origin-2", "", 6)
	g := New("origin-1", r)
	stands := func(want string) {
		t.Helper()
		if got := g.Standby("floor"); got != want {
			t.Errorf("%q stands by, want %q", got, want)
		}
	}
	want := func(number uint64, here, standby bool) {
		t.Helper()
		if n, h, s := g.Placed("floor"); n != number || h != here || s != standby {
			t.Errorf("%d, %v, %v; want %d, %v, %v", n, h, s, number, here, standby)
		}
	}
	want(6, false, false)
	if _, err := g.Admit("floor", "", ticketFor(t, "floor", "origin-1", 7, streamKey), now); err != nil {
		t.Fatal(err)
	}
	want(7, true, false) // as the ticket has told
	stands("")
	r.place("origin-1", "origin-2", 7)
	want(7, true, false)
	stands("origin-2")
	r.place("origin-2", "origin-1", 8)
	want(9, true, true)
	stands("")
	r.place("origin-1", "", 9) // as it was promised
	want(9, true, false)
	stands("")
	r.place("", "", 0)
	want(0, true, false)
}

// Of many who come with one ticket at once, one is let in; and only so many tickets are remembered.
func TestTicketOnce(t *testing.T) {
	g := New("origin-1", newRecords("origin-1", "", 7))
	text := ticketFor(t, "floor", "origin-1", 7, streamKey)
	var in atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := g.Admit("floor", "", text, now); err == nil {
				in.Add(1)
			} else if status(err) != 401 {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if in.Load() != 1 {
		t.Errorf("%d were let in, want 1", in.Load())
	}
	for i := range usedMost {
		g.used[fmt.Sprint(i)] = now.Add(time.Second)
	}
	another := ticketFor(t, "floor", "origin-1", 7, streamKey)
	if _, err := g.Admit("floor", "", another, now); status(err) != 503 {
		t.Errorf("with as many as may be: %v", err)
	}
	if _, err := g.Admit("floor", "", another, now.Add(2*time.Second)); err != nil {
		t.Errorf("after they have run out: %v", err)
	}
}
