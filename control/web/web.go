// Package web serves the pages, which control/web's TypeScript is built into and which are embedded in
// the binary.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"

	"freshet/proto/problem"
)

//go:embed all:dist
var dist embed.FS

// Dist returns the pages this binary was built with; it is empty where the pages were not built.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the directory's name is fixed
	}
	return sub
}

// pages are the addresses that stand for an HTML file.
var pages = []struct {
	address *regexp.Regexp
	file    string
}{
	{regexp.MustCompile(`^/$`), "index.html"},
	{regexp.MustCompile(`^/e/[a-z0-9-]{1,64}/?$`), "watch.html"},
	{regexp.MustCompile(`^/e/[a-z0-9-]{1,64}/register/?$`), "register.html"},
	{regexp.MustCompile(`^/t/[A-Za-z0-9_-]{1,128}/?$`), "pass.html"},                  // a guest's pass
	{regexp.MustCompile(`^/unsubscribe/[A-Za-z0-9_-]{1,128}/?$`), "unsubscribe.html"}, // a token
	{regexp.MustCompile(`^/embed/[a-z0-9-]{1,64}/?$`), embedded},
	{regexp.MustCompile(`^/live/[a-z0-9-]{1,64}/?$`), "live.html"},
	{regexp.MustCompile(`^/(setup|login|signup|reset)/?$`), "shell.html"},
	{regexp.MustCompile(`^/(login/link|signup|reset|invite)/[A-Za-z0-9_-]{1,128}/?$`), "shell.html"}, // a token
	{regexp.MustCompile(`^/join/?$`), "join.html"},
	{regexp.MustCompile(`^/check/?$`), "check.html"},
	{regexp.MustCompile(`^/docs/api/?$`), "docs.html"},
	{regexp.MustCompile(`^/dev/mail/?$`), "shell.html"},
	{regexp.MustCompile(`^/(calendar|contacts(/groups/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?|events/new|orders/new)/?$`), "shell.html"},
	{regexp.MustCompile(`^/events/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/(edit|access|guests|users|order))?/?$`), "shell.html"},
	{regexp.MustCompile(`^/ops(/identity|/links|/sessions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?/?$`), "shell.html"},
	{regexp.MustCompile(`^/settings(/(profile|security|members|look|api-keys|webhooks(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?|audit))?/?$`), "shell.html"},
}

// A name with a hash of its content in it never means something else.
var hashed = regexp.MustCompile(`^assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

// mimeTypes are set by us, since the system's table differs from machine to machine.
var mimeTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml",
	".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json", ".mp4": "video/mp4",
}

// A file is read, hashed and compressed once; there are a few dozen, of less than a megabyte in all.
type file struct {
	plain, gzipped []byte // gzipped is nil where it would not be smaller
	mime, etag     string
	hashed         bool
}

// A Handler serves the pages. It may be used from any goroutine.
type Handler struct {
	files  map[string]*file
	frames Frames
}

// New reads the pages in root.
func New(root fs.FS, frames Frames) (*Handler, error) {
	h := &Handler{files: map[string]*file{}, frames: frames}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		h.files[name] = newFile(name, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read pages: %w", err)
	}
	return h, nil
}

// Built says whether there are pages.
func (h *Handler) Built() bool { return h.files["index.html"] != nil }

func newFile(name string, b []byte) *file {
	sum := sha256.Sum256(b)
	f := &file{plain: b, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, hashed: hashed.MatchString(name)}
	ext := path.Ext(name)
	if f.mime = mimeTypes[ext]; f.mime == "" {
		if f.mime = mime.TypeByExtension(ext); f.mime == "" {
			f.mime = "application/octet-stream"
		}
	}
	var z bytes.Buffer
	w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression) // the level is a valid one
	_, _ = w.Write(b)                                     // a buffer takes everything
	_ = w.Close()
	if z.Len() < len(b)*9/10 {
		f.gzipped = z.Bytes()
	}
	return f
}

// ServeHTTP answers with a page or with what pages load.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p := problem.New(http.StatusMethodNotAllowed, "method-not-allowed", "Method not allowed", "Pages are read with GET.")
		p.Allow = "GET, HEAD"
		p.Write(w)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	page := false
	for _, p := range pages {
		if p.address.MatchString(r.URL.Path) {
			name, page = p.file, true
			break
		}
	}
	if page && !h.Built() {
		unbuilt(w)
		return
	}
	ancestors := "'none'"
	if page && name == embedded {
		name, ancestors = h.embedded(w, r)
	}
	f := h.files[name]
	if f == nil || !page && strings.HasSuffix(name, ".html") {
		problem.New(http.StatusNotFound, "not-found", "Not found", "There is no page at this address.").Write(w)
		return
	}
	if page {
		secure(w.Header(), ancestors, r.TLS != nil)
	} else {
		w.Header().Set("Access-Control-Allow-Origin", "*") // the player is for other people's pages too
	}
	f.serve(w, r)
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", f.etag)
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache") // ask each time, cheaply
	if f.hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if match(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.plain
	if f.gzipped != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		body = f.gzipped
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the reader may be gone
}

// match says whether header, an If-None-Match, names etag.
func match(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// unbuilt says what to do about a binary without pages.
func unbuilt(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte("This binary was built without its pages.\n\n" +
		"Run `make build`, which builds the pages first (Node 20 or newer) and then the binary.\n" +
		"The API, WHIP, WHEP and the mesh work without them.\n"))
}
