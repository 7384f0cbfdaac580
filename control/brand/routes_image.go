package brand

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/access"
	"freshet/control/store"
	"freshet/proto/problem"
)

type imageIn struct {
	Hash string `path:"hash" pattern:"^[0-9a-f]{64}$" patternDescription:"64 hexadecimal digits"`
}

// imageOut is an image and nothing else, whatever a browser takes it for: it runs no script, and is in no page of ours.
type imageOut struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	CacheControl       string `header:"Cache-Control"`
	Policy             string `header:"Content-Security-Policy"`
	Body               []byte
}

func (r *Routes) registerImages(api huma.API) {
	op := access.Anyone(access.Op(http.MethodGet, "/public/images/{hash}", "get-image", "A logo or background, by the SHA-256 of its bytes", 404))
	answer := &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{}}
	for _, t := range types {
		answer.Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	op.Responses = map[string]*huma.Response{"200": answer}
	huma.Register(api, op, r.image)
}

func (r *Routes) image(ctx context.Context, in *imageIn) (*imageOut, error) {
	f, err := r.images.get(ctx, in.Hash)
	if errors.Is(err, store.ErrNone) {
		return nil, problem.New(http.StatusNotFound, "not-found", "Not found", "There is no image at this address.")
	}
	if err != nil {
		return nil, err
	}
	return &imageOut{f.Type, "inline", "public, max-age=31536000, immutable", "default-src 'none'; sandbox", f.Data}, nil
}
