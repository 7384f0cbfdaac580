package brand

import (
	"fmt"
	"math"
	"regexp"
)

// Shades are a customer's colour as pages of one theme use it: of the same hue, and so dark or light that each text can
// be read on its ground at 4.5:1 (WCAG 2.2, success criterion 1.4.3).
type Shades struct {
	Colour   string `json:"colour" doc:"Links, and the ground of buttons: #rrggbb"`
	Strong   string `json:"strong" doc:"The same, pressed or pointed at"`
	Soft     string `json:"soft" doc:"Ground of what is marked"`
	OnColour string `json:"onColour" doc:"Text on colour and on strong"`
}

// Readable is the least contrast of text and its ground.
const Readable = 4.5

// Shares, in percent, by which a colour is mixed into others.
const (
	stronger = 20 // of black or white in strong
	softly   = 15 // of the colour in soft
)

// A theme has the grounds that a colour stands on: those of tokens.css.
type theme struct {
	grounds          []rgb // canvas, surface, raised, sunken
	surface          rgb
	text, on, toward rgb
}

var (
	light = theme{
		grounds: []rgb{{0xF4, 0xF8, 0xF7}, {0xFF, 0xFF, 0xFF}, {0xE9, 0xF0, 0xEF}}, surface: rgb{0xFF, 0xFF, 0xFF},
		text: rgb{0x0E, 0x1F, 0x22}, on: rgb{0xFF, 0xFF, 0xFF}, toward: rgb{0, 0, 0},
	}
	dark = theme{
		grounds: []rgb{{0x0A, 0x14, 0x16}, {0x10, 0x1D, 0x20}, {0x17, 0x28, 0x2C}, {0x06, 0x0E, 0x10}}, surface: rgb{0x10, 0x1D, 0x20},
		text: rgb{0xE9, 0xF2, 0xF1}, on: rgb{0x06, 0x0E, 0x10}, toward: rgb{0xFF, 0xFF, 0xFF},
	}
)

// Light returns what becomes of a colour, #rrggbb, on light pages: it is darkened as little as will do.
func Light(colour string) Shades { return light.shades(colour) }

// Dark returns what becomes of a colour on dark pages: it is lightened as little as will do.
func Dark(colour string) Shades { return dark.shades(colour) }

func (t theme) shades(colour string) Shades {
	chosen := parse(colour)
	for share := 0; ; share++ { // at 100 it is black or white, which can be read on every ground of the theme
		c := chosen.mix(t.toward, share)
		strong, soft := c.mix(t.toward, stronger), t.surface.mix(c, softly)
		if share == 100 || t.readable(c, strong, soft) {
			return Shades{c.String(), strong.String(), soft.String(), t.on.String()}
		}
	}
}

func (t theme) readable(c, strong, soft rgb) bool {
	for _, ground := range t.grounds {
		if contrast(c, ground) < Readable {
			return false
		}
	}
	return contrast(c, soft) >= Readable && contrast(strong, soft) >= Readable && contrast(t.text, soft) >= Readable &&
		contrast(t.on, c) >= Readable && contrast(t.on, strong) >= Readable
}

// rgb is a colour of sRGB.
type rgb [3]int

var written = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// parse reads a colour that was checked before.
func parse(s string) (c rgb) {
	if _, err := fmt.Sscanf(s, "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil {
		panic(err)
	}
	return c
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// mix returns c with share percent of other in it, in whole numbers, so that the editor's preview counts alike.
func (c rgb) mix(other rgb, share int) (m rgb) {
	for i := range c {
		m[i] = (c[i]*(100-share) + other[i]*share + 50) / 100
	}
	return m
}

// contrast is that of WCAG 2.2, from 1 to 21.
func contrast(a, b rgb) float64 {
	low, high := luminance(a), luminance(b)
	if low > high {
		low, high = high, low
	}
	return (high + 0.05) / (low + 0.05)
}

func luminance(c rgb) float64 {
	return 0.2126*linear[c[0]] + 0.7152*linear[c[1]] + 0.0722*linear[c[2]]
}

// linear has how much light each value of sRGB is: mails and pages are written by the thousand.
var linear = func() (l [256]float64) {
	for i := range l {
		if l[i] = float64(i) / 255; l[i] <= 0.04045 {
			l[i] /= 12.92
		} else {
			l[i] = math.Pow((l[i]+0.055)/1.055, 2.4)
		}
	}
	return l
}()
