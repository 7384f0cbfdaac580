package event

import (
	"crypto/rand"
	"regexp"
	"strings"
	"testing"
)

func TestSlugOf(t *testing.T) {
	for title, want := range map[string]string{
		"Spring launch: 2027!":     "spring-launch-2027",
		"Été à Montréal — l'année": "ete-a-montreal-l-annee",
		"日本語":                      "event",
		"---":                      "event",
		strings.Repeat("ab ", 40):  strings.TrimSuffix(strings.Repeat("ab-", 16), "-"),
		"ﬁne ①":                    "fine-1",
	} {
		if got := slugOf(title, slugMost, "event"); got != want || len(got) > slugMost {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for s, want := range map[string]string{
		"  Été_2027: l'ANNÉE% ": "ete 2027 l annee", "日本語 テスト": "日本語 テスト", "%_\\\x00": "", "Straße": "straße",
	} {
		if got := Words(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	address := regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	seen := map[string]bool{}
	for range 2000 {
		slug, err := newSlug(rand.Reader, strings.Repeat("long title ", 30))
		if err != nil || !address.MatchString(slug) { // two may be alike: Create draws again
			t.Fatalf("%q %v", slug, err)
		}
		id, err := newStreamID(rand.Reader, strings.Repeat("Floor ", 30))
		if err != nil || !address.MatchString(id) || seen[id] {
			t.Fatalf("%q %v", id, err)
		}
		number, err := newNumber(rand.Reader)
		if err != nil || !regexp.MustCompile(`^[1-9][0-9]{8}$`).MatchString(number) {
			t.Fatalf("%q %v", number, err)
		}
		seen[id] = true
	}
	if _, err := newSlug(strings.NewReader("abc"), "E"); err == nil {
		t.Error("too little randomness, and nobody says so")
	}
}
