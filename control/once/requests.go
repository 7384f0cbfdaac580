package once

import (
	"crypto/sha256"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/proto/problem"
)

const (
	header  = "Idempotency-Key"
	longest = 255 // characters of a key

	// again is when a request may be sent again whose first is under way: most take milliseconds.
	again = time.Second
)

type mode uint8

const (
	replayed mode = iota + 1
	secret
)

const modeKey = "once"

// Keyed has op take a key, by which it is done once.
func Keyed(op huma.Operation) huma.Operation {
	return keyed(op, replayed, "Names this request, for 24 h and in all of the account: sent again with the same key and body it is not done again, and gets the first answer")
}

// Secret does what Keyed does, where the answer shows a secret, which is not kept.
func Secret(op huma.Operation) huma.Operation {
	return keyed(op, secret, "Names this request, for 24 h and in all of the account: sent again with the same key it is not done again, and gets 409, as the answer is shown once")
}

func keyed(op huma.Operation, m mode, doc string) huma.Operation {
	meta := map[string]any{modeKey: m}
	for k, v := range op.Metadata {
		meta[k] = v
	}
	op.Metadata = meta
	least, most := 1, longest
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: header, In: "header", Description: doc,
		Schema: &huma.Schema{Type: huma.TypeString, MinLength: &least, MaxLength: &most, Pattern: "^[!-~]+$"},
	})
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusConflict)
	return op
}

// IsKeyed says whether op takes a key.
func IsKeyed(op *huma.Operation) bool {
	_, ok := op.Metadata[modeKey].(mode)
	return ok
}

// Requests knows the requests with a key that run now, on this node. It may be used from any goroutine.
type Requests struct {
	now func() time.Time

	mu      sync.Mutex
	running map[[sha256.Size]byte]bool
}

// NewRequests returns a Requests.
func NewRequests(now func() time.Time) *Requests {
	return &Requests{now: now, running: map[[sha256.Size]byte]bool{}}
}

// Serve has next serve c, whose caller may do what it asks, and returns why it does not. It panics where an operation
// that is keyed was done outside of InTx: a fault of the program, which a test finds.
func (s *Requests) Serve(c huma.Context, next func(huma.Context)) *problem.Problem {
	m, ok := c.Operation().Metadata[modeKey].(mode)
	a := access.From(c.Context())
	key, given, fits := keyOf(c)
	if !ok || !given || !a.Somebody() {
		next(c)
		return nil
	}
	if !fits {
		p := problem.New(http.StatusBadRequest, "bad-request", "Bad request", "An Idempotency-Key is one of 1 to 255 characters of ASCII that are seen.")
		p.Errors = []problem.Field{{Pointer: "/header/" + header, Detail: p.Detail}}
		return p
	}
	r := &request{hash: hashOf(a, key), secret: m == secret, now: s.now()}
	if !s.begin(r.hash) {
		p := problem.New(http.StatusConflict, "request-running", "Under way", "A request with this Idempotency-Key is being done. Ask again for its answer.")
		p.RetryAfter = again
		return p
	}
	defer s.end(r.hash)
	read := newReading(c)
	r.sum = read.sum
	next(huma.WithValue(read, contextKey{}, r))
	if c.Status()/100 == 2 && !r.inTx {
		panic("operation " + c.Operation().OperationID + " is keyed, and was not done by once.InTx")
	}
	return nil
}

func (s *Requests) begin(h [sha256.Size]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[h] {
		return false
	}
	s.running[h] = true
	return true
}

func (s *Requests) end(h [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, h)
}

// keyOf returns c's key, and whether one was given and fits.
func keyOf(c huma.Context) (key string, given, fits bool) {
	n := 0
	c.EachHeader(func(name, value string) {
		if name == header {
			key = value
			n++
		}
	})
	seen := func(r rune) bool { return r >= '!' && r <= '~' }
	fits = n == 1 && key != "" && len(key) <= longest && strings.IndexFunc(key, func(r rune) bool { return !seen(r) }) < 0
	return key, n > 0, fits
}

// hashOf is what is kept of a key, which is its account's, or its person's who is in none.
func hashOf(a access.Actor, key string) [sha256.Size]byte {
	of := a.Account
	if of == uuid.Nil {
		of = a.ID
	}
	return sha256.Sum256(append(of[:], key...))
}

type outer huma.Context // a name that leaves Context to the method

// A reading context notes what is read of the body.
type reading struct {
	outer
	hash hash.Hash
}

func newReading(c huma.Context) reading {
	r := reading{c, sha256.New()}
	at := c.URL()
	_, _ = io.WriteString(r.hash, c.Method()+" "+at.RequestURI()+"\n")
	return r
}

// BodyReader implements huma.Context.
func (r reading) BodyReader() io.Reader {
	body := r.outer.BodyReader()
	if body == nil {
		return nil
	}
	return io.TeeReader(body, r.hash)
}

// Unwrap lets huma's adapter find its own context.
func (r reading) Unwrap() huma.Context { return r.outer }

func (r reading) sum() (s [sha256.Size]byte) {
	r.hash.Sum(s[:0])
	return s
}
