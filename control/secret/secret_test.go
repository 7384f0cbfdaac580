package secret

import (
	"bytes"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	one, hash := New()
	other, _ := New()
	if len(one) != 43 || one == other || len(hash) != 32 || !bytes.Equal(hash, Hash(one)) || bytes.Equal(hash, Hash(other)) {
		t.Errorf("%q %x, %q", one, hash, other)
	}
}

// A command takes a key that follows --key, whatever it begins with.
func TestNoOption(t *testing.T) {
	for range 2000 { // 31 of 2,000 would
		if s, _ := New(); strings.HasPrefix(s, "-") {
			t.Fatalf("%s looks like an option", s)
		}
	}
}
