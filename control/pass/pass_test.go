package pass

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/uuid"
)

var (
	key   = bytes.Repeat([]byte{7}, 32)
	guest = uuid.MustParse("01990000-1234-7abc-8def-000000000001")
)

func TestPass(t *testing.T) {
	m := New(key)
	p := m.Of(guest, 3)
	if id, epoch, ok := m.Read(p); id != guest || epoch != 3 || !ok {
		t.Errorf("%v %d %v", id, epoch, ok)
	}
	if again := New(bytes.Clone(key)).Of(guest, 3); again != p || len(p) != 48 || strings.ContainsAny(p, "+/=") {
		t.Errorf("%q, then %q", p, again)
	}
	if m.Of(guest, 4) == p || m.Of(uuid.New(), 3) == p {
		t.Error("two passes are the same")
	}
}

// What was not made by the same maker is no pass, whatever it is like.
func TestNoPass(t *testing.T) {
	m := New(key)
	p := m.Of(guest, 3)
	for name, s := range map[string]string{
		"nothing": "", "cut": p[:47], "longer": p + "A", "padded": p[:44] + "====", "spaced": p[:46] + "\r\n", "not base64": strings.Repeat("!", 48),
		"all zeros": strings.Repeat("A", 48), "of another key": New(bytes.Repeat([]byte{8}, 32)).Of(guest, 3), "of another label": NewStop(key).Of(guest, 3),
		"another id with this code":    New(bytes.Repeat([]byte{8}, 32)).Of(uuid.New(), 3)[:27] + p[27:],
		"another epoch with this code": m.Of(guest, 2)[:27] + p[27:],
	} {
		if id, _, ok := m.Read(s); ok || id != uuid.Nil {
			t.Errorf("%s: %q is a pass of %v", name, s, id)
		}
	}
	for i := range len(p) {
		forged := p[:i] + string("AB"[(p[i]&1)^1]) + p[i+1:]
		if forged == p {
			continue
		}
		if _, _, ok := m.Read(forged); ok {
			t.Errorf("%q is a pass, as is %q", forged, p)
		}
	}
}

func FuzzRead(f *testing.F) {
	m := New(key)
	f.Add(m.Of(guest, 0))
	f.Add(m.Of(uuid.Nil, 1<<32-1))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, epoch, ok := m.Read(s)
		if ok && m.Of(id, epoch) != s {
			t.Fatalf("%q is read as %v, %d, whose pass is another", s, id, epoch)
		}
	})
}
