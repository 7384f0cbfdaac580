package brand

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	_ "image/jpeg" // the three formats that are taken
	_ "image/png"
	"slices"

	_ "golang.org/x/image/webp"
)

// A Picture is what an image is for.
type Picture string

// The pictures of a brand.
const (
	Logo       Picture = "logo"
	Background Picture = "background"
)

// maxSide of an image, in pixels: three times what any page shows; decoded it takes 32 MiB at most.
const maxSide = 2000

// maxBytes of each picture, as it is sent.
func (p Picture) maxBytes() int64 {
	if p == Logo {
		return 512 << 10
	}
	return 1 << 20
}

// What is wrong with an image.
var (
	errFormat = errors.New("This is no PNG, JPEG or WebP image, or a part of it is missing.")
	errSize   = errors.New("An image is at most 2,000 pixels wide and 2,000 high.")
)

// An Image is one that was checked.
type Image struct {
	Hash   string `json:"hash"` // SHA-256 of its bytes, in hex: its name
	Type   string `json:"type"` // media type
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// examine says what b is. All of it is decoded, so that what is served to browsers is an image as a whole.
func examine(b []byte) (Image, error) {
	c, format, err := image.DecodeConfig(bytes.NewReader(b))
	switch {
	case err != nil || !slices.Contains(types, "image/"+format): // other packages of the program may know more formats
		return Image{}, errFormat
	case c.Width > maxSide || c.Height > maxSide:
		return Image{}, errSize
	}
	if _, _, err := image.Decode(bytes.NewReader(b)); err != nil || c.Width < 1 || c.Height < 1 {
		return Image{}, errFormat
	}
	sum := sha256.Sum256(b)
	return Image{Hash: hex.EncodeToString(sum[:]), Type: "image/" + format, Width: c.Width, Height: c.Height}, nil
}
