package secret

import (
	"bytes"
	"testing"
)

func TestNew(t *testing.T) {
	one, hash := New()
	other, _ := New()
	if len(one) != 43 || one == other || len(hash) != 32 || !bytes.Equal(hash, Hash(one)) || bytes.Equal(hash, Hash(other)) {
		t.Errorf("%q %x, %q", one, hash, other)
	}
}
