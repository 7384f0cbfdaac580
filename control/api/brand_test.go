package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/brand"
	"freshet/control/store"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

// picture returns an image of one colour.
func picture(width, height int, shade uint8) image.Image {
	i := image.NewGray(image.Rect(0, 0, width, height))
	i.SetGray(0, 0, color.Gray{Y: shade})
	return i
}

func asPNG(t *testing.T, i image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// upload sends an image, as the newest version's change.
func (b *browser) upload(path, contentType string, image []byte, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("PUT", Prefix+path, bytes.NewReader(image))
	r.RemoteAddr = b.from
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("If-Match", "*")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.o.api.ServeHTTP(w, r)
	return w
}

// visitors returns how an event looks to visitors.
func (o *office) visitors(slug any) object {
	o.t.Helper()
	return o.browser().does("GET", "/public/events/by-slug/"+fmt.Sprint(slug), nil)["brand"].(object)
}

// What an account chooses restyles all its events; what an event has of its own stands before it.
func TestBrand(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, e := o.plan(owner, nil)
		if b := o.visitors(e["slug"]); b["name"] != "Nordlicht" || b["light"] != nil || b["dark"] != nil || b["logo"] != nil || b["background"] != nil {
			t.Errorf("before anything was chosen: %v", b)
		}
		w := owner.send("GET", "/account/brand", nil)
		if w.Code != 200 || w.Header().Get("ETag") != `"0"` {
			t.Fatalf("%d %s %s", w.Code, w.Header().Get("ETag"), w.Body)
		}
		w = owner.send("PATCH", "/account/brand", object{"colour": "#FFEB3B"}, "If-Match", `"0"`)
		if w.Code != 200 || w.Header().Get("ETag") != `"1"` {
			t.Fatalf("%d %s %s", w.Code, w.Header().Get("ETag"), w.Body)
		}
		owner.fails(412, "changed", "PATCH", "/account/brand", object{"colour": "#000000"}, "If-Match", `"0"`)
		owner.fails(428, "if-match", "PATCH", "/account/brand", object{"colour": "#000000"})
		logo := asPNG(t, picture(300, 100, 1))
		if w := owner.upload("/account/brand/logo", "image/png", logo, "If-Match", `"1"`); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		b := o.visitors(e["slug"])
		light, dark := brand.Light("#ffeb3b"), brand.Dark("#ffeb3b")
		if b["light"].(object)["colour"] != light.Colour || b["dark"].(object)["onColour"] != dark.OnColour || dark.Colour != "#ffeb3b" {
			t.Errorf("%v", b)
		}
		shown := b["logo"].(object)
		sum := sha256.Sum256(logo)
		if shown["url"] != "/api/v1/public/images/"+hex.EncodeToString(sum[:]) || shown["width"] != 300.0 || shown["height"] != 100.0 {
			t.Errorf("%v", shown)
		}

		// The event's own colour; the logo stays the account's.
		own := owner.does("PATCH", at+"/brand", object{"colour": "#0a6570"}, "If-Match", "*")
		if own["colour"] != "#0a6570" || own["logo"] != nil || own["shown"].(object)["logo"].(object)["url"] != shown["url"] {
			t.Errorf("%v", own)
		}
		if b := o.visitors(e["slug"]); b["light"].(object)["colour"] != "#0a6570" {
			t.Errorf("%v", b)
		}
		var ownLogo bytes.Buffer
		if err := jpeg.Encode(&ownLogo, picture(40, 40, 2), nil); err != nil {
			t.Fatal(err)
		}
		if w := owner.upload(at+"/brand/logo", "image/jpeg", ownLogo.Bytes()); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		copied := owner.does("POST", at+"/clone", nil)
		if b := o.visitors(copied["slug"]); b["logo"].(object)["width"] != 40.0 || b["light"].(object)["colour"] != "#0a6570" {
			t.Errorf("a copy: %v", b)
		}
		owner.does("PATCH", at+"/brand", object{"colour": nil, "logo": nil}, "If-Match", "*")
		if b := o.visitors(e["slug"]); b["light"].(object)["colour"] != light.Colour || b["logo"].(object)["url"] != shown["url"] {
			t.Errorf("the account's again: %v", b)
		}

		log := owner.does("GET", "/audit?limit=6", nil)["entries"].([]any)
		for i, want := range []object{
			{"action": "edit-event-brand", "subject": "event/" + strings.TrimPrefix(at, "/events/"), "detail": "colour logo"},
			{"action": "clone-event"}, {"action": "put-event-logo"}, {"action": "edit-event-brand", "detail": "colour"},
			{"action": "put-logo", "detail": ""}, {"action": "edit-brand", "detail": "colour"},
		} {
			for field, value := range want {
				if got := log[i].(object)[field]; got != value {
					t.Errorf("entry %d: %s is %v, want %v", i, field, got, value)
				}
			}
		}
	})
}

// An image is served as what it is and nothing else, for ever; and it is gone once nothing shows it.
func TestImages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, nil)
		one, two := asPNG(t, picture(2000, 2, 1)), asPNG(t, picture(2, 2000, 2))
		w := owner.upload("/account/brand/background", "image/png; x=y", one)
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		var set struct{ Background struct{ URL string } }
		if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(set.Background.URL, Prefix)
		w = o.browser().send("GET", path, nil)
		if !bytes.Equal(w.Body.Bytes(), one) {
			t.Errorf("%d, %d bytes, want those that were sent", w.Code, w.Body.Len())
		}
		for name, want := range map[string]string{
			"Content-Type": "image/png", "Content-Disposition": "inline", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'; sandbox",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		// Two brands show it: it stays until neither does.
		owner.upload(at+"/brand/background", "image/png", one)
		owner.upload("/account/brand/background", "image/png", two)
		o.pass(2 * time.Minute)
		if w := o.browser().send("GET", path, nil); w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		owner.does("PATCH", at+"/brand", object{"background": nil}, "If-Match", "*")
		o.pass(2 * time.Minute)
		o.browser().fails(404, "not-found", "GET", path, nil)

		// An event that is deleted leaves its image to the sweep.
		owner.upload(at+"/brand/background", "image/png", one)
		owner.does("POST", at+"/cancel", nil)
		owner.does("DELETE", at, nil)
		if err := brand.Sweep(t.Context(), db.DB); err != nil {
			t.Fatal(err)
		}
		hashes, err := store.All[string](t.Context(), db, store.Load(testdata).Get("images"), nil)
		if sum := sha256.Sum256(two); err != nil || len(hashes) != 1 || hashes[0] != hex.EncodeToString(sum[:]) {
			t.Errorf("%v %v", hashes, err)
		}
		o.browser().fails(404, "not-found", "GET", "/public/images/"+strings.Repeat("0", 64), nil)
		o.browser().fails(422, "invalid", "GET", "/public/images/..%2f..%2fetc", nil)
	})
}

// What is no image of the three formats, whole and of a size that pages show, changes nothing.
func TestBadImages(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, _ := o.plan(owner, nil)
	good := asPNG(t, picture(30, 30, 1))
	var asGIF bytes.Buffer
	if err := gif.Encode(&asGIF, picture(30, 30, 1), nil); err != nil {
		t.Fatal(err)
	}
	noise := image.NewGray(image.Rect(0, 0, 900, 900))
	for i, x := 0, uint32(1); i < len(noise.Pix); i++ { // of which PNG saves nothing
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		noise.Pix[i] = uint8(x)
	}
	large := asPNG(t, noise)
	for _, c := range []struct {
		name, path, contentType string
		image                   []byte
		status                  int
		kind                    string
	}{
		{"an SVG", "/account/brand/logo", "image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), 415, "content-type"},
		{"an SVG by another name", "/account/brand/logo", "image/png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), 422, "invalid"},
		{"a page", "/account/brand/logo", "image/png", []byte(`<!doctype html><script>alert(1)</script>`), 422, "invalid"},
		{"a GIF", "/account/brand/logo", "image/png", asGIF.Bytes(), 422, "invalid"},
		{"half an image", "/account/brand/logo", "image/png", good[:len(good)-20], 422, "invalid"},
		{"too wide", "/account/brand/logo", "image/png", asPNG(t, picture(2001, 1, 1)), 422, "invalid"},
		{"too high", at + "/brand/background", "image/png", asPNG(t, picture(1, 2001, 1)), 422, "invalid"},
		{"too many bytes for a logo", "/account/brand/logo", "image/png", large, 413, "too-large"},
		{"a name of a WebP", "/account/brand/logo", "image/webp", []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00"), 422, "invalid"},
	} {
		w := owner.upload(c.path, c.contentType, c.image)
		var p problem.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Type != "/problems/"+c.kind {
			t.Errorf("%s: %d %s, want %d %s", c.name, w.Code, w.Body, c.status, c.kind)
		}
	}
	if w := owner.upload("/account/brand/background", "image/png", large); w.Code != 200 { // half a megabyte and more
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, colour := range []any{"red", "#fff", "#12345g", "#0a6570;background:url(//evil)", "", 7, "#ＦＦＦＦＦＦ"} {
		for _, path := range []string{"/account/brand", at + "/brand"} {
			if p := owner.fails(422, "invalid", "PATCH", path, object{"colour": colour}, "If-Match", "*"); len(p.Errors) == 0 || p.Errors[0].Pointer != "/colour" {
				t.Errorf("%v: %+v", colour, p)
			}
		}
	}
	webp, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==") // of one pixel
	if err != nil {
		t.Fatal(err)
	}
	if w := owner.upload("/account/brand/background", "image/webp", webp); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	owner.fails(422, "invalid", "PATCH", "/account/brand", object{"logo": strings.Repeat("0", 64)}, "If-Match", "*")
	if w := owner.send("GET", "/account/brand", nil); w.Header().Get("ETag") != `"2"` {
		t.Errorf("%s %s", w.Header().Get("ETag"), w.Body)
	}
}

// Another account's event has a look that nobody else changes.
func TestBrandOfOthers(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	at, e := o.plan(owner, nil)
	eve := o.browser()
	eve.does("POST", "/sign-ups", object{"account": "Eve", "name": "Eve", "email": "eve@example.org"})
	eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
	if w := eve.upload(at+"/brand/logo", "image/png", asPNG(t, picture(3, 3, 1))); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	eve.fails(404, "event-unknown", "PATCH", at+"/brand", object{"colour": "#000000"}, "If-Match", "*")
	eve.fails(404, "event-unknown", "GET", "/events/"+uuid.NewString()+"/brand", nil)
	if b := o.visitors(e["slug"]); b["light"] != nil || b["logo"] != nil {
		t.Errorf("%v", b)
	}
}

// Mails of an event have its colour and logo, by an address that works outside.
func TestBrandInMails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		at, _ := o.plan(owner, nil)
		owner.does("PATCH", "/account/brand", object{"colour": "#ffeb3b"}, "If-Match", "*")
		if w := owner.upload("/account/brand/logo", "image/png", asPNG(t, picture(600, 100, 1))); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		owner.does("POST", at+"/users", object{"email": "bob@example.org", "role": "presenter"})
		html := o.mailTo(t.Context(), "bob@example.org").HTML
		light := brand.Light("#ffeb3b")
		for _, want := range []string{
			"background:" + light.Colour + ";color:" + light.OnColour, `src="https://webcasts.example/api/v1/public/images/`,
			`alt="Nordlicht" width="240" height="40"`,
		} {
			if !strings.Contains(html, want) {
				t.Errorf("without %s: %s", want, html)
			}
		}
	})
}

// mailTo is the newest mail to an address.
func (o *office) mailTo(ctx context.Context, to string) (w struct{ HTML, Text string }) {
	o.t.Helper()
	all, err := store.All[store.JSON[struct{ HTML, Text string }]](ctx, o.db, allMails, store.Args{"to": to})
	if err != nil || len(all) == 0 {
		o.t.Fatalf("%d mails to %s, %v", len(all), to, err)
	}
	return all[0].V
}
