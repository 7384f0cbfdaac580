package web

import (
	"context"
	"net/http"
	"net/url"
	"path"
)

// Pages of "/embed/…": the player alone, and in place of it, on a site that may not show it, what says so.
const (
	embedded = "embed.html"
	refused  = "refused.html"
)

// Frames knows on which sites the player of each event may stand.
type Frames interface {
	// Frame returns the sources of frame-ancestors (CSP level 3) for the event at an address, and whether a page of origin,
	// which is empty where it is not known, is to be told that it may not show it.
	Frame(ctx context.Context, slug, origin string) (ancestors string, refused bool)
}

// embedded returns the page for a frame, and where it may stand. A browser does not say in a frame why it leaves that
// empty; so a site that says who it is, as all do that nothing keeps from it, gets a page without a player, which may
// stand anywhere. For all others the browser keeps to what the player's own page says.
func (h *Handler) embedded(w http.ResponseWriter, r *http.Request) (name, ancestors string) {
	w.Header().Add("Vary", "Referer, Sec-Fetch-Dest")
	origin := ""
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "embed", "object":
		if u, err := url.Parse(r.Referer()); err == nil && u.Host != r.Host && u.Scheme != "" && u.Host != "" {
			origin = u.Scheme + "://" + u.Host
		}
	}
	ancestors, no := h.frames.Frame(r.Context(), path.Base(path.Clean(r.URL.Path)), origin)
	if no {
		return refused, "*"
	}
	return embedded, ancestors
}
