package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 3711 has no other; as an HMAC it is sound
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
)

const (
	cmSalt  = 14
	authKey = 20
)

var errWeakKey = errors.New("the key enciphers zero as zero")

// A cmSealer seals RTP for one viewer with AES_CM_128_HMAC_SHA1_80 (RFC 3711, sections 4.1.1 and 4.2.1) and
// allocates nothing. It is owned by its shard's loop.
//
// The standard library's counter mode has no reset: it takes half a kilobyte a packet, and enciphering block by block takes
// four times as long. Its GCM takes a nonce a packet, enciphers in counter mode, and for a nonce of 16
// bytes starts at the counter that GHASH makes of it (NIST SP 800-38D, section 7.1). GHASH can be undone by who has
// the key, so the nonce is chosen for which the counter is the one of RFC 3711. GCM's tag is overwritten.
type cmSealer struct {
	gcm   cipher.AEAD
	nonce nonces
	salt  [16]byte
	mac   hash.Hash
	iv    [16]byte // scratch, as tag is: on the stack they would escape through the interfaces, once a packet
	tag   [sha1.Size]byte
}

// newCMSealer returns the sealer of a master key of 16 bytes and its salt of 14.
func newCMSealer(key, salt []byte) (*cmSealer, error) {
	if len(key) != 16 || len(salt) != cmSalt {
		return nil, fmt.Errorf("aes-cm: key of %d bytes and salt of %d, want 16 and %d", len(key), len(salt), cmSalt)
	}
	k, err := derive(key, salt, labelRTP, 16)
	if err != nil {
		return nil, err
	}
	auth, err := derive(key, salt, labelRTPAuth, authKey)
	if err != nil {
		return nil, err
	}
	own, err := derive(key, salt, labelRTPSalt, cmSalt)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	c := &cmSealer{mac: hmac.New(sha1.New, auth)}
	copy(c.salt[:], own)
	if c.gcm, err = cipher.NewGCMWithNonceSize(block, aes.BlockSize); err != nil {
		return nil, err
	}
	var h [16]byte
	block.Encrypt(h[:], h[:])
	if h == [16]byte{} {
		return nil, errWeakKey // it has no inverse; one key in 2^128
	}
	c.nonce = newNonces(elementOf(&h))
	return c, nil
}

// seal enciphers body into dst behind the header at dst[:h], adds the tag and returns the packet's length. index is the
// packet's number on ssrc, rollovers included; it must never come twice. dst has room for maxExpansion more; body stands
// elsewhere, or at dst[h:].
func (c *cmSealer) seal(dst []byte, h int, body []byte, ssrc uint32, index int64) int {
	counter := c.salt
	binary.BigEndian.PutUint32(counter[4:], binary.BigEndian.Uint32(counter[4:])^ssrc)
	binary.BigEndian.PutUint32(counter[8:], binary.BigEndian.Uint32(counter[8:])^uint32(index>>16))
	low := uint32(binary.BigEndian.Uint16(counter[12:])^uint16(index)) << 16
	binary.BigEndian.PutUint32(counter[12:], low-1) // GCM counts on before it enciphers, in these 32 bits
	c.nonce.of(&counter).put(&c.iv)
	c.gcm.Seal(dst[h:h], c.iv[:], body, nil)

	n := h + len(body)
	binary.BigEndian.PutUint32(dst[n:], uint32(index>>16))
	c.mac.Reset()
	c.mac.Write(dst[:n+4]) // hash.Hash: never an error
	copy(dst[n:], c.mac.Sum(c.tag[:0])[:cmTag])
	return n + cmTag
}

// Nonces finds the nonce of 16 bytes for which GCM begins at a given counter. GHASH makes of the nonce n
// the counter (n·H + length)·H, so n is counter·H⁻² + length·H⁻¹.
type nonces struct {
	times  [16]element // H⁻² times each polynomial of degree 3 at most
	length element     // the length's part
}

func newNonces(h element) nonces {
	inverse := h.inverse()
	square := inverse.mul(inverse)
	n := nonces{length: element{0, 8 * aes.BlockSize}.mul(inverse)}
	for i := range n.times {
		n.times[i] = element{uint64(i) << 60, 0}.mul(square)
	}
	return n
}

// of returns the nonce for counter, four bits at a time from the highest power down (Horner's rule).
func (n *nonces) of(counter *[16]byte) element {
	var z element
	for i := len(counter) - 1; i >= 0; i-- {
		b := counter[i]
		z = z.shift4().add(n.times[b&0x0f])
		z = z.shift4().add(n.times[b>>4])
	}
	return z.add(n.length)
}

// An element is one of GF(2^128) as GCM writes it: the coefficient of x^0 is the first bit of hi, that of x^127 the
// last one of lo, and x^128 = x^7 + x^2 + x + 1.
type element struct{ hi, lo uint64 }

func elementOf(b *[16]byte) element {
	return element{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (e element) put(b *[16]byte) {
	binary.BigEndian.PutUint64(b[:8], e.hi)
	binary.BigEndian.PutUint64(b[8:], e.lo)
}

func (e element) add(f element) element { return element{e.hi ^ f.hi, e.lo ^ f.lo} }

// shift4 is e times x^4.
func (e element) shift4() element {
	over := e.lo << 60
	return element{e.hi>>4 ^ over ^ over>>1 ^ over>>2 ^ over>>7, e.lo>>4 | e.hi<<60}
}

// shift is e times x.
func (e element) shift() element {
	over := e.lo << 63
	return element{e.hi>>1 ^ over ^ over>>1 ^ over>>2 ^ over>>7, e.lo>>1 | e.hi<<63}
}

// mul takes the time of 128 shifts: it is for what is done once a viewer.
func (e element) mul(f element) element {
	var z element
	for i := range 128 {
		word := e.hi
		if i >= 64 {
			word = e.lo
		}
		keep := -(word >> (63 - i%64) & 1) // all ones where the coefficient of x^i is 1
		z = z.add(element{f.hi & keep, f.lo & keep})
		f = f.shift()
	}
	return z
}

// inverse is e to the power of 2^128-2, by Fermat. z is e to the power of 2^n-1.
func (e element) inverse() element {
	z := e
	for n := 1; n < 127; n = 2*n + 1 {
		high := z
		for range n {
			high = high.mul(high)
		}
		z = z.mul(high)
		z = z.mul(z).mul(e)
	}
	return z.mul(z)
}
