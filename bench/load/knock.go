package load

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"time"
)

// A Knocker offers itself as a viewer, over a connection that it keeps, only to see what it is told. It belongs to
// one goroutine.
type Knocker struct {
	endpoint, bearer string
	offer            leanOffer
	client           *http.Client
}

// NewKnocker returns one for the WHEP endpoint, whose bearer may be empty. Its owner must Close it.
func NewKnocker(endpoint, bearer string) (*Knocker, error) {
	codecs, err := offered(PlayConfig{})
	if err != nil {
		return nil, err
	}
	var print [32]byte
	_, _ = rand.Read(print[:]) // never fails; nobody will shake hands
	return &Knocker{
		endpoint: endpoint, bearer: bearer, client: newClient(1),
		offer: leanOffer{codecs: codecs, fingerprint: printSum(print)},
	}, nil
}

// Knock posts an offer and returns how long the answer took, from before the request was written until its body was
// read. The error is a *StatusError where the offer was refused; where it was taken, the session is given back.
func (k *Knocker) Knock(ctx context.Context) (time.Duration, error) {
	// Of a host that nobody asks for media: the port is the one that throws away what comes (RFC 863).
	offer := k.offer.text(newCredentials(), netip.MustParseAddrPort("127.0.0.1:9"))
	begun := time.Now()
	x, _, err := postBy(ctx, k.client, k.endpoint, k.bearer, offer)
	took := time.Since(begun)
	if err == nil {
		err = x.delete()
	}
	return took, err
}

// Close closes the connection.
func (k *Knocker) Close() { k.client.CloseIdleConnections() }
