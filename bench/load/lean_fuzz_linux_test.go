package load

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/srtp/v2"
	"github.com/pion/stun"
)

// FuzzLeanDatagram hands a viewer whatever a server may send: raw, sealed with its keys, and as a signed check. One
// loop plays thousands of viewers, so nothing may stop it, and nothing that is not sealed may count as media.
func FuzzLeanDatagram(f *testing.F) {
	media := []byte{0x90, 104, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0, 0x10, 0, 0, 0, 0}
	f.Add(media, false)
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true)
	f.Add([]byte{0xa0, 105, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 3, 1, 1}, false)
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingSuccess, &stun.XORMappedAddress{IP: []byte{1, 2, 3, 4}, Port: 5}).Raw, false)
	answer, err := parseLeanAnswer(strings.ReplaceAll(leanExample, "\n", "\r\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, cm bool) {
		if len(b) > leanRead {
			return
		}
		profile, salt := srtp.ProtectionProfileAeadAes128Gcm, 12
		if cm {
			profile, salt = srtp.ProtectionProfileAes128CmHmacSha1_80, 14
		}
		context := func() *srtp.Context {
			c, err := srtp.CreateContext(make([]byte, 16), make([]byte, salt), profile)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		counts := &swarmCounts{}
		l := &leanLoop{byFD: map[int32]*leanViewer{}, plain: make([]byte, 0, leanRead)}
		v := newLeanViewer(l, &seat{counts: counts}, -1, newCredentials(), answer)
		l.viewers, v.place = []*leanViewer{v}, 0
		now := time.Unix(1_800_000_000, 0)
		from := netip.MustParseAddrPort("192.0.2.1:7000")
		l.datagram(v, b, from, now)
		if v.connected {
			t.Fatal("a server that does not know the password was taken for the one of the answer")
		}
		v.connected, v.to = true, from
		l.datagram(v, b, netip.AddrPort{}, now)
		l.keyed(v, leanKeys{in: context(), out: context(), name: SRTPGCM}, now)
		l.datagram(v, b, netip.AddrPort{}, now)
		if v.video != nil || v.audio != nil || v.place < 0 {
			t.Fatal("what was not sealed had an effect")
		}
		sealer := context()
		if sealed, err := sealer.EncryptRTP(nil, b, nil); err == nil {
			l.datagram(v, sealed, netip.AddrPort{}, now)
		}
		if len(b) >= 8 {
			if sealed, err := sealer.EncryptRTCP(nil, b, nil); err == nil {
				l.datagram(v, sealed, netip.AddrPort{}, now)
			}
		}
		if v.place >= 0 {
			l.tick(v, now.Add(holeWait+reportEvery))
		}
		if len(v.ssrcs) > mostSSRCs || len(v.early) > mostEarly {
			t.Errorf("%d SSRCs, %d early packets are kept", len(v.ssrcs), len(v.early))
		}
	})
}
