package egress

import (
	"context"
	"fmt"
	"net/netip"
)

// Keys are the SRTP master keys and salts of one session, as DTLS would have exported them: AES-128-GCM (RFC 7714), or
// with salts of 14 bytes AES-CM (RFC 3711).
type Keys struct{ Out, OutSalt, In, InSalt []byte }

// Adopt takes in a viewer whose handshake is done: its address and keys are known. It returns once media flows
// to it; from then on j.Ended will be called, once.
func (s *Shard) Adopt(ctx context.Context, j Join, to netip.AddrPort, k Keys) error {
	cipher := newGCM
	if len(k.OutSalt) == 14 {
		cipher = newCM
	}
	seal, err := cipher(k.Out, k.OutSalt, k.In, k.InSalt)
	if err != nil {
		return fmt.Errorf("adopt %s: %w", j.Session, err)
	}
	return s.ask(ctx, func(at mono) {
		s.admit(j, at)
		v := s.bySess[j.Session]
		s.move(v, to)
		v.seal = seal
		s.enter(v, at)
	})
}
