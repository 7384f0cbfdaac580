package door

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"freshet/cluster/limit"
	"freshet/control/event"
	"freshet/control/login"
)

// passwordRate is for passwords that were not found right before, of one event from one network: an office of 1,000
// in which 3 of 100 mistype has some wait a minute; who guesses finds one of four letters after two weeks.
var passwordRate = limit.Rate{Name: "passwords", N: 20, Per: time.Minute, Burst: 20}

// events whose right password is remembered, at 200 bytes each.
const rightOnes = 10_000

// passwords check those of events. A hash takes a tenth of a second, and 10,000 people come with the same password within
// a minute: so what was right once is remembered, under a key that nobody keeps.
type passwords struct {
	hasher *login.Hasher
	rate   *limit.Limiter
	key    [32]byte

	mu    sync.Mutex
	right *simplelru.LRU[string, [sha256.Size]byte] // MAC of the password, by what it is kept as
}

func newPasswords(h *login.Hasher) *passwords {
	right, err := simplelru.NewLRU[string, [sha256.Size]byte](rightOnes, nil)
	if err != nil {
		panic(err) // rightOnes is not positive
	}
	p := &passwords{hasher: h, rate: limit.New(passwordRate), right: right}
	_, _ = rand.Read(p.key[:]) // never fails
	return p
}

// check returns a *problem.Problem where c's password is not that of the event at: 401, or 429.
func (p *passwords) check(ctx context.Context, at event.Door, c Comer, now time.Time) error {
	kept := ""
	if at.Password != nil {
		kept = *at.Password
	}
	mac := p.mac(c.Password)
	if p.known(kept, mac) {
		return nil
	}
	if v := p.rate.Take(at.Slug+" "+limit.Network(c.From), now); !v.OK {
		return v.Refused()
	}
	ok, err := p.hasher.Check(ctx, c.Password, kept)
	switch {
	case err != nil:
		return err
	case !ok:
		return errPasswordWrong()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.right.Add(kept, mac)
	return nil
}

func (p *passwords) known(kept string, mac [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	right, ok := p.right.Get(kept)
	return ok && hmac.Equal(right[:], mac[:])
}

func (p *passwords) mac(password string) [sha256.Size]byte {
	h := hmac.New(sha256.New, p.key[:])
	_, _ = h.Write([]byte(password))
	return [sha256.Size]byte(h.Sum(nil))
}
