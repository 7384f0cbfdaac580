package brand

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var anyColour = rapid.Custom(func(t *rapid.T) string {
	c := rgb{rapid.IntRange(0, 255).Draw(t, "red"), rapid.IntRange(0, 255).Draw(t, "green"), rapid.IntRange(0, 255).Draw(t, "blue")}
	return c.String()
})

// Whatever colour a customer chooses, every text can be read on every ground that it may have.
func TestEveryColourIsReadable(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, colour string) {
		for name, of := range map[string]theme{"light": light, "dark": dark} {
			s := of.shades(colour)
			c, strong, soft, on := parse(s.Colour), parse(s.Strong), parse(s.Soft), parse(s.OnColour)
			pairs := [][2]rgb{{c, soft}, {strong, soft}, {of.text, soft}, {on, c}, {on, strong}}
			for _, ground := range of.grounds {
				pairs = append(pairs, [2]rgb{c, ground}, [2]rgb{strong, ground})
			}
			for _, p := range pairs {
				if got := contrast(p[0], p[1]); got < Readable {
					t.Errorf("%s, %s: %v on %v is %.2f", colour, name, p[0], p[1], got)
				}
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, anyColour.Draw(t, "colour")) })
	for r := 0; r < 256; r += 15 { // and a lattice with all corners, always the same
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				check(t, rgb{r, g, b}.String())
			}
		}
	}
}

// A colour that can be read stays as it was chosen.
func TestColourStays(t *testing.T) {
	for colour, shades := range map[string]func(string) Shades{"#0a6570": Light, "#7a1f5c": Light, "#5ccbc8": Dark, "#ffd94f": Dark} {
		if got := shades(colour).Colour; got != colour {
			t.Errorf("%s became %s", colour, got)
		}
	}
}

// The grounds are those of the pages.
func TestGroundsOfTokens(t *testing.T) {
	css, err := os.ReadFile("../web/player/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][]string{}
	for _, m := range regexp.MustCompile(`--f-([\w-]+): light-dark\((#\w{6}), (#\w{6})\)`).FindAllStringSubmatch(string(css), -1) {
		tokens[m[1]] = m[2:]
	}
	for i, of := range []theme{light, dark} {
		for _, name := range []string{"canvas", "surface", "raised", "sunken"} {
			found := false
			for _, ground := range of.grounds {
				found = found || ground.String() == strings.ToLower(tokens[name][i])
			}
			if !found {
				t.Errorf("%s, %s: not among %v", name, tokens[name][i], of.grounds)
			}
		}
		if got := strings.ToLower(tokens["text"][i]); got != of.text.String() {
			t.Errorf("text is %s, want %s", got, of.text)
		}
		if got := strings.ToLower(tokens["surface"][i]); got != of.surface.String() {
			t.Errorf("surface is %s, want %s", got, of.surface)
		}
	}
}

// The editor's preview (control/web/app/look/shades.ts) is held to the same file.
func TestShadesFile(t *testing.T) {
	type both struct {
		Chosen string `json:"chosen"`
		Light  Shades `json:"light"`
		Dark   Shades `json:"dark"`
	}
	var got []both
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				c := rgb{r, g, b}.String()
				got = append(got, both{c, Light(c), Dark(c)})
			}
		}
	}
	file := filepath.Join("testdata", "shades.json")
	if os.Getenv("UPDATE") != "" {
		out, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(out, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	in, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want []both
	if err := json.Unmarshal(in, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s is stale (UPDATE=1 go test ./control/brand writes it):\n%s", file, d)
	}
}

func BenchmarkShades(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Light("#ffff00")
		Dark("#000080")
	}
}
