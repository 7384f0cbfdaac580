package jointoken

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func example() Token {
	t := Token{CA: sha256.Sum256([]byte("a CA"))}
	for i := range t.Secret {
		t.Secret[i] = byte(i * 9)
	}
	return t
}

func TestParse(t *testing.T) {
	want := example()
	text := want.Text()
	if len(text) != 90 {
		t.Errorf("%d characters, want 90 as the error says", len(text))
	}
	for _, ok := range []string{text, " " + text + "\r\n"} {
		if got, err := Parse(ok); got != want || err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	last := text[:len(text)-1]
	for name, bad := range map[string]string{
		"empty": "", "prefix alone": Prefix, "cut": last, "longer": text + "A", "another version": "fj2" + text[3:],
		"no base64url": last + "+", "loose bits": last + "B", "a line break": text[:40] + "\n" + text[41:],
		"prefix in capitals": strings.ToUpper(Prefix) + text[len(Prefix):], "a megabyte": Prefix + strings.Repeat("A", 1<<20),
	} {
		got, err := Parse(bad)
		if !errors.Is(err, ErrMalformed) || got != (Token{}) {
			t.Errorf("%s: %v, %v", name, got.Text(), err)
		}
	}
}

// Whatever way a token gets into a log, its secret does not.
func TestTokenIsHidden(t *testing.T) {
	for _, s := range []string{fmt.Sprint(example()), fmt.Sprintf("%v", []Token{example()})} {
		if strings.Contains(s, example().Text()[len(Prefix):][:8]) {
			t.Errorf("%s", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example().Text())
	f.Add(Prefix)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if err != nil {
			return
		}
		if got.Text() != strings.TrimSpace(text) {
			t.Fatalf("%q became %q", text, got.Text())
		}
	})
}
