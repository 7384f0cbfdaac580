package egress

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pion/srtp/v2"
)

// cmPair returns an own sealer and pion's context of the same made-up keys.
func cmPair(t testing.TB, seed uint64) (*cmSealer, *srtp.Context) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	km := make([]byte, 16+cmSalt)
	for i := range km {
		km[i] = byte(r.Uint32())
	}
	own, err := newCMSealer(km[:16], km[16:])
	if err != nil {
		t.Fatal(err)
	}
	pion, err := srtp.CreateContext(km[:16], km[16:], srtp.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		t.Fatal(err)
	}
	return own, pion
}

// cmPacket returns the header and the body of a packet.
func cmPacket(ssrc uint32, index int64, body int) []byte {
	b := make([]byte, 12+body)
	b[0], b[1] = 0x80, 96
	binary.BigEndian.PutUint16(b[2:], uint16(index))
	binary.BigEndian.PutUint32(b[8:], ssrc)
	for i := range b[12:] {
		b[12+i] = byte(i * 7)
	}
	return b
}

func (c *cmSealer) sealed(plain []byte, ssrc uint32, index int64) []byte {
	dst := make([]byte, len(plain)+maxExpansion)
	copy(dst, plain[:12])
	return dst[:c.seal(dst, 12, plain[12:], ssrc, index)]
}

// The bytes are those that pion/srtp writes, and it reads them, at every length.
func TestCMIsPionsAtEveryLength(t *testing.T) {
	for seed := range uint64(4) {
		own, pion := cmPair(t, seed)
		_, reader := cmPair(t, seed)
		for n := range 1401 {
			plain := cmPacket(0x8000_0001, int64(n), n)
			want, err := pion.EncryptRTP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := own.sealed(plain, 0x8000_0001, int64(n))
			if !bytes.Equal(got, want) {
				t.Fatalf("seed %d, body of %d bytes: got %x, want %x", seed, n, got, want)
			}
			if back, err := reader.DecryptRTP(nil, got, nil); err != nil || !bytes.Equal(back, plain) {
				t.Fatalf("seed %d, body of %d bytes: pion reads %x, %v", seed, n, back, err)
			}
		}
	}
}

// Numbers wrap around at 2^16, and those of several SSRCs do not touch each other.
func TestCMRollsOver(t *testing.T) {
	own, pion := cmPair(t, 7)
	for step := range 6000 {
		for k, ssrc := range []uint32{0, 1, 0xffff_ffff, 0x1234_5678} {
			index := int64(40000+1000*k) + int64(step)*37 // each passes 2^16 three times
			plain := cmPacket(ssrc, index, 40)
			want, err := pion.EncryptRTP(nil, plain, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := own.sealed(plain, ssrc, index); !bytes.Equal(got, want) {
				t.Fatalf("ssrc %x, number %d: got %x, want %x", ssrc, index, got, want)
			}
		}
	}
}

// A rollover counter of 32 bits is used in full; pion is told of it.
func TestCMHighRollover(t *testing.T) {
	own, pion := cmPair(t, 8)
	for _, roc := range []uint32{1, 0x00ff_ff00, 0x8000_0000, 0xffff_ffff} {
		pion.SetROC(9, roc)
		for _, seq := range []int64{0, 1, 0x7fff, 0x8000, 0xffff} {
			index := int64(roc)<<16 | seq
			plain := cmPacket(9, index, 100)
			if back, err := pion.DecryptRTP(nil, own.sealed(plain, 9, index), nil); err != nil || !bytes.Equal(back, plain) {
				t.Errorf("rollover %x, number %d: pion reads %x, %v", roc, seq, back, err)
			}
			pion.SetROC(9, roc)
		}
	}
}

// RFC 3711, appendix B.2 and B.3: the session keys of the example master key, and the counter mode under one of them.
func TestCMKeysOfTheRFC(t *testing.T) {
	key := unhex(t, "E1F97A0D3E018BE0D64FA32C06DE4139")
	salt := unhex(t, "0EC675AD498AFEEBB6960B3AABE6")
	for _, row := range []struct {
		label byte
		want  string
	}{
		{labelRTP, "C61E7A93744F39EE10734AFE3FF7A087"},
		{labelRTPSalt, "30CBBC08863D8C85D49DB34A9AE1"},
		{labelRTPAuth, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"},
	} {
		want := unhex(t, row.want)
		if got, err := derive(key, salt, row.label, len(want)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("label %d: got %x, %v, want %x", row.label, got, err, want)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCMWantsItsSizes(t *testing.T) {
	for _, n := range [][2]int{{16, 12}, {15, 14}, {32, 14}, {0, 0}} {
		if _, err := newCMSealer(make([]byte, n[0]), make([]byte, n[1])); err == nil {
			t.Errorf("key of %d bytes and salt of %d: want an error", n[0], n[1])
		}
	}
}

// The field is the one of GCM: what mul and inverse do is undone, and shift4 is four shifts.
func TestElements(t *testing.T) {
	one := element{hi: 1 << 63}
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		a, b, c := element{r.Uint64(), r.Uint64()}, element{r.Uint64(), r.Uint64()}, element{r.Uint64(), r.Uint64()}
		if got := a.mul(a.inverse()); got != one {
			t.Fatalf("%x times its inverse: got %x", a, got)
		}
		if a.mul(b) != b.mul(a) || a.mul(b.add(c)) != a.mul(b).add(a.mul(c)) || a.mul(one) != a {
			t.Fatalf("%x, %x, %x: not a field", a, b, c)
		}
		if got, want := a.shift4(), a.shift().shift().shift().shift(); got != want {
			t.Fatalf("%x times x^4: got %x, want %x", a, got, want)
		}
	}
}

func TestCMAllocatesNothing(t *testing.T) {
	own, _ := cmPair(t, 3)
	dst, body := make([]byte, 1500), make([]byte, 1122)
	index := int64(0)
	if got := testing.AllocsPerRun(500, func() {
		index++
		own.seal(dst, 12, body, 1, index)
	}); got != 0 {
		t.Errorf("%v allocations a packet, want 0", got)
	}
}

func BenchmarkSealCM(b *testing.B) {
	for _, size := range []int{92, 1122} {
		own, pion := cmPair(b, 1)
		plain := cmPacket(1, 0, size)
		dst := make([]byte, 1500)
		b.Run(fmt.Sprintf("own/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			index := int64(0)
			for b.Loop() {
				index++
				own.seal(dst, 12, plain[12:], 1, index)
			}
		})
		b.Run(fmt.Sprintf("pion/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pion.EncryptRTP(dst[:0], plain, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNewCM(b *testing.B) {
	key, salt := make([]byte, 16), make([]byte, cmSalt)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newCMSealer(key, salt); err != nil {
			b.Fatal(err)
		}
	}
}
