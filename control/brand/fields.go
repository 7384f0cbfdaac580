package brand

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"freshet/proto/problem"
)

// A MaybeColour is a colour, null or not given at all.
type MaybeColour struct {
	Given bool
	Value string // empty: none
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *MaybeColour) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	m.Given = true
	if s != nil {
		m.Value = *s
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (MaybeColour) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^#[0-9A-Fa-f]{6}$", PatternDescription: "# and six hexadecimal digits", Nullable: true}
}

// Without is null or an empty text, or not given at all.
type Without bool

// UnmarshalJSON implements json.Unmarshaler.
func (w *Without) UnmarshalJSON([]byte) error {
	*w = true
	return nil
}

// Schema implements huma.SchemaProvider.
func (Without) Schema(huma.Registry) *huma.Schema {

	none := 0
	return &huma.Schema{Type: huma.TypeString, MaxLength: &none, Nullable: true}

}

// names are the fields that e says something of, for the audit log.
func (e *BrandEdit) names() string {
	var all []string
	for _, field := range []struct {
		name  string
		given bool
	}{{"colour", e.Colour.Given}, {"logo", bool(e.Logo)}, {"background", bool(e.Background)}} {
		if field.given {
			all = append(all, field.name)
		}
	}
	return strings.Join(all, " ")
}

// examine says what image in brings.
func (r *Routes) examine(ctx context.Context, in *putIn) (Image, error) {
	if t, _, err := mime.ParseMediaType(in.ContentType); err != nil || !slices.Contains(types, t) {
		return Image{}, problem.New(http.StatusUnsupportedMediaType, "content-type", "Wrong content type", "An image is sent as image/png, image/jpeg or image/webp.")
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-ctx.Done():
		return Image{}, ctx.Err()
	}
	i, err := examine(in.RawBody)
	if err != nil {
		return Image{}, problem.Invalid("", err.Error())
	}
	return i, nil
}
