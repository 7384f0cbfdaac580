package egress

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/pion/dtls/v2"
	"github.com/pion/srtp/v2"

	"freshet/proto/payload"
)

const (
	gcmTag = 16
	cmTag  = 10

	// maxExpansion is what protection adds to an RTP or RTCP packet at most (SRTCP index included).
	maxExpansion = gcmTag + 4 + cmTag
)

var (
	errSRTCP  = errors.New("srtcp packet not authentic")
	errReplay = errors.New("srtcp packet replayed")
)

// A sealer protects what goes to one viewer and opens what comes from it: AES-128-GCM (RFC 7714) by
// hand, because sealing goes straight from the shared packet into the arena; for viewers that know nothing better
// AES-CM (RFC 3711), whose SRTCP is pion's. It is owned by its shard's loop.
type sealer struct {
	out, in         cipher.AEAD // nil: cm is used
	rtp, rtcp, peer [12]byte    // salts: ours of SRTP, ours of SRTCP, the viewer's of SRTCP
	control         cipher.AEAD // seals SRTCP
	index           uint32      // of the next SRTCP packet
	senders         []sender
	iv, aad         [12]byte // scratch: on the stack they would escape through the interface, once a packet
	cm              *cm
}

type cm struct {
	rtp               *cmSealer
	control           *srtp.Context // seals SRTCP
	peerKey, peerSalt []byte
}

// maxSenders bounds what is kept of the SSRCs under which a viewer sends RTCP (RELIABILITY section 4).
const maxSenders = 16

// A sender is one SSRC under which the viewer sends RTCP; it has sent an authentic packet. Browsers have
// one for each m-line, and each numbers its SRTCP by itself (RFC 3711, section 3.2.3).
type sender struct {
	ssrc   uint32
	replay replay        // of GCM
	in     *srtp.Context // of CM
}

// newSealer derives the keys of one viewer from what DTLS exported (RFC 5764, section 4.2); the node is
// the DTLS server.
func newSealer(state *dtls.State, profile dtls.SRTPProtectionProfile) (*sealer, error) {
	salt := 14
	if profile == dtls.SRTP_AEAD_AES_128_GCM {
		salt = 12
	}
	km, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(16+salt))
	if err != nil {
		return nil, fmt.Errorf("export srtp keys: %w", err)
	}
	theirs, ours := km[:16], km[16:32]
	theirSalt, ourSalt := km[32:32+salt], km[32+salt:]
	if profile == dtls.SRTP_AEAD_AES_128_GCM {
		return newGCM(ours, ourSalt, theirs, theirSalt)
	}
	return newCM(ours, ourSalt, theirs, theirSalt)
}

// Labels of the key derivation (RFC 3711, section 4.3).
const (
	labelRTP      = 0
	labelRTPAuth  = 1
	labelRTPSalt  = 2
	labelRTCP     = 3
	labelRTCPSalt = 5
)

func newGCM(key, salt, peerKey, peerSalt []byte) (*sealer, error) {
	s := &sealer{}
	var err error
	if s.out, err = gcm(key, salt, labelRTP); err != nil {
		return nil, err
	}
	if s.control, err = gcm(key, salt, labelRTCP); err != nil {
		return nil, err
	}
	if s.in, err = gcm(peerKey, peerSalt, labelRTCP); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		to        *[12]byte
		key, salt []byte
		label     byte
	}{{&s.rtp, key, salt, labelRTPSalt}, {&s.rtcp, key, salt, labelRTCPSalt}, {&s.peer, peerKey, peerSalt, labelRTCPSalt}} {
		b, err := derive(d.key, d.salt, d.label, 12)
		if err != nil {
			return nil, err
		}
		copy(d.to[:], b)
	}
	return s, nil
}

func gcm(key, salt []byte, label byte) (cipher.AEAD, error) {
	k, err := derive(key, salt, label, 16)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// derive is the pseudo-random function of RFC 3711, section 4.3.3, with a key derivation rate of 0; a
// salt of 96 bits is filled up with zeros (RFC 7714, section 11).
func derive(key, salt []byte, label byte, n int) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	var iv [16]byte
	copy(iv[:14], salt)
	iv[7] ^= label
	out := make([]byte, n)
	cipher.NewCTR(block, iv[:]).XORKeyStream(out, out)
	return out, nil
}

func newCM(key, salt, peerKey, peerSalt []byte) (*sealer, error) {
	rtp, err := newCMSealer(key, salt)
	if err != nil {
		return nil, err
	}
	control, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return nil, err
	}
	return &sealer{cm: &cm{rtp: rtp, control: control, peerKey: peerKey, peerSalt: peerSalt}}, nil
}

// Numbers are what is one viewer's own in the header of a packet, and in the payload of some.
type numbers struct {
	ssrc      uint32
	n         int64 // on ssrc; it must never come twice
	ts        uint32
	slot      int // where in the header transport belongs, 0: nowhere
	transport uint16

	picture *payload.Picture // in the payload; nil: it names none
	names   names            // what is added to its numbers
}

// seal writes the packet of head and body under the numbers of own protected to dst and returns its length. dst has
// room for both and maxExpansion.
func (s *sealer) seal(dst, head, body []byte, own *numbers) int {
	h := copy(dst, head)
	binary.BigEndian.PutUint16(dst[2:], uint16(own.n))
	binary.BigEndian.PutUint32(dst[4:], own.ts)
	binary.BigEndian.PutUint32(dst[8:], own.ssrc)
	if own.slot != 0 {
		binary.BigEndian.PutUint16(dst[own.slot:], own.transport)
	}
	if own.picture != nil && own.names != (names{}) {
		n := copy(dst[h:], body)
		body = dst[h : h+n]
		own.picture.Rename(body, own.picture.ID+own.names.id, own.picture.TL0+own.names.tl0)
	}
	if s.cm != nil {
		return s.cm.rtp.seal(dst, h, body, own.ssrc, own.n)
	}
	iv := &s.iv
	iv[0], iv[1] = 0, 0
	binary.BigEndian.PutUint32(iv[2:], own.ssrc)
	binary.BigEndian.PutUint32(iv[6:], uint32(own.n>>16))
	binary.BigEndian.PutUint16(iv[10:], uint16(own.n))
	for i := range iv {
		iv[i] ^= s.rtp[i]
	}
	s.out.Seal(dst[h:h], iv[:], body, dst[:h])
	return h + len(body) + gcmTag
}

// sealControl writes the RTCP packet b protected to dst and returns its length, 0 where no index is left.
func (s *sealer) sealControl(dst, b []byte) int {
	if s.cm != nil {
		out, err := s.cm.control.EncryptRTCP(dst[:0], b, nil)
		if err != nil || &out[0] != &dst[0] {
			return 0
		}
		return len(out)
	}
	if s.index >= 1<<31 {
		return 0
	}
	n := copy(dst, b[:8])
	end := len(b) + gcmTag
	const encrypted = 1 << 31
	controlIV(&s.iv, b[4:8], s.index, &s.rtcp)
	copy(s.aad[:], b[:8])
	binary.BigEndian.PutUint32(s.aad[8:], s.index|encrypted)
	s.control.Seal(dst[n:n], s.iv[:], b[8:], s.aad[:])
	binary.BigEndian.PutUint32(dst[end:], s.index|encrypted)
	s.index++
	return end + 4
}

// openControl opens an SRTCP packet in place, or for AES-CM in new memory. Only an authentic packet
// makes its SSRC known.
func (s *sealer) openControl(b []byte) ([]byte, error) {
	if len(b) < 8 {
		return nil, errSRTCP
	}
	ssrc := binary.BigEndian.Uint32(b[4:])
	i := slices.IndexFunc(s.senders, func(p sender) bool { return p.ssrc == ssrc })
	if i >= 0 {
		return s.open(&s.senders[i], b)
	}
	if len(s.senders) == maxSenders {
		return nil, errSRTCP
	}
	fresh := sender{ssrc: ssrc}
	plain, err := s.open(&fresh, b)
	if err == nil {
		s.senders = append(s.senders, fresh)
	}
	return plain, err
}

func (s *sealer) open(from *sender, b []byte) (plain []byte, err error) {
	if s.cm == nil {
		return s.openGCM(&from.replay, b)
	}
	if from.in == nil {
		// One context each: in a shared one pion would keep state for every SSRC that anyone makes up.
		from.in, err = srtp.CreateContext(s.cm.peerKey, s.cm.peerSalt, srtp.ProtectionProfileAes128CmHmacSha1_80,
			srtp.SRTCPReplayProtection(replaySize))
		if err != nil {
			return nil, err
		}
	}
	return from.in.DecryptRTCP(nil, b, nil)
}

func (s *sealer) openGCM(seen *replay, b []byte) ([]byte, error) {
	n := len(b) - 4
	if n < 8+gcmTag {
		return nil, errSRTCP
	}
	word := binary.BigEndian.Uint32(b[n:])
	index := word &^ (1 << 31)
	if word == index { // unencrypted SRTCP is not what was agreed on
		return nil, errSRTCP
	}
	if !seen.fresh(index) {
		return nil, errReplay
	}
	controlIV(&s.iv, b[4:8], index, &s.peer)
	copy(s.aad[:], b[:8])
	copy(s.aad[8:], b[n:])
	body, err := s.in.Open(b[8:8], s.iv[:], b[8:n], s.aad[:])
	if err != nil {
		return nil, errSRTCP
	}
	seen.accept(index)
	return b[:8+len(body)], nil
}

// controlIV is the nonce of SRTCP (RFC 7714, section 9.1).
func controlIV(iv *[12]byte, ssrc []byte, index uint32, salt *[12]byte) {
	*iv = [12]byte{}
	copy(iv[2:], ssrc)
	binary.BigEndian.PutUint32(iv[8:], index)
	for i := range iv {
		iv[i] ^= salt[i]
	}
}

const replaySize = 64

// A replay window tells fresh SRTCP indexes from used ones (RFC 3711, section 3.3.2).
type replay struct {
	next uint32 // one above the highest accepted
	bits uint64 // bit i: next-1-i was accepted
}

func (r *replay) fresh(i uint32) bool {
	if i >= r.next {
		return true
	}
	back := r.next - 1 - i
	return back < replaySize && r.bits&(1<<back) == 0
}

func (r *replay) accept(i uint32) {
	if i < r.next {
		r.bits |= 1 << (r.next - 1 - i)
		return
	}
	shift := i + 1 - r.next
	if shift >= replaySize {
		r.bits = 0
	} else {
		r.bits <<= shift
	}
	r.bits |= 1
	r.next = i + 1
}
