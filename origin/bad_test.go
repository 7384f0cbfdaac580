package origin_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"freshet/proto/problem"
	"freshet/proto/sdpfrag"
)

func offerFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".sdp"))
	must(t, err)
	return string(b)
}

// Offers in the shape of programs in use are answered: one codec a line, BUNDLE, a candidate, and the
// DTLS role that the offer leaves.
func TestOffersOfPrograms(t *testing.T) {
	for _, row := range []struct {
		name, formats, setup string
	}{
		{"obs", "111; 96", "active"},
		{"obs-simulcast", "111; 96", "active"},
		{"gstreamer", "96 97; 101", "active"},
		{"ffmpeg", "111; 106 105", "active"},
		{"chromium", "111 63; 96 97", "active"},
		{"chromium-simulcast", "111 63; 96 97", "active"},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := start(t)
			q := request(t, http.MethodPost, n.url+"/whip/floor", offerFile(t, row.name))
			status, h, body := do(t, q)
			if status != http.StatusCreated || h.Get("Content-Type") != "application/sdp" || h.Get("ETag") == "" ||
				!strings.HasPrefix(h.Get("Location"), "/whip/floor/") || h.Get("Accept-Patch") != sdpfrag.ContentType {
				t.Fatalf("%d %v %s", status, h, body)
			}
			var d sdp.SessionDescription
			must(t, d.UnmarshalString(body))
			var formats []string
			for _, m := range d.MediaDescriptions {
				formats = append(formats, strings.Join(m.MediaName.Formats, " "))
				if m.MediaName.Port.Value == 0 {
					t.Errorf("an m-line is refused:\n%s", body)
				}
			}
			if got := strings.Join(formats, "; "); got != row.formats {
				t.Errorf("formats: got %s, want %s", got, row.formats)
			}
			if got := attributes(body, "a=setup:"); got[0] != row.setup {
				t.Errorf("setup: %s", got[0])
			}
			if len(attributes(body, "a=candidate:")) == 0 || len(attributes(body, "a=group:BUNDLE")) != 1 {
				t.Errorf("no candidate or no BUNDLE:\n%s", body)
			}
			if strings.Contains(row.name, "simulcast") && len(attributes(body, "a=simulcast:recv ")) != 1 {
				t.Errorf("simulcast is not answered:\n%s", body)
			}
		})
	}
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	q, err := http.NewRequest(method, url, strings.NewReader(body))
	must(t, err)
	q.Header.Set("Authorization", "Bearer "+key)
	switch method {
	case http.MethodPost:
		q.Header.Set("Content-Type", "application/sdp")
	case http.MethodPatch:
		q.Header.Set("Content-Type", sdpfrag.ContentType)
		q.Header.Set("If-Match", "*")
	}
	return q
}

// Each bad request gets its status and type as problem+json, with the headers of that status, and
// leaves no session behind.
func TestBadInput(t *testing.T) {
	n := start(t)
	good := offerFile(t, "chromium")
	status, h, body := do(t, request(t, http.MethodPost, n.url+"/whip/open", good))
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	session, etag := h.Get("Location"), h.Get("ETag")
	fragment := "a=ice-ufrag:Yq3k\r\na=ice-pwd:xT5mWkP0bQvA7cDf9hJ2nLrS\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=end-of-candidates\r\n"
	set := func(k, v string) func(*http.Request) { return func(q *http.Request) { q.Header.Set(k, v) } }
	swap := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the offer lacks %q", old)
		}
		return strings.ReplaceAll(good, old, new)
	}
	line := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n"
	video := good[strings.Index(good, "m=video"):]
	for _, row := range []struct {
		name, method, path, body string
		change                   func(*http.Request)
		status                   int
		kind                     string
		header, value            string
	}{
		{"empty offer", "POST", "/whip/floor", "", nil, 400, "sdp-malformed", "", ""},
		{"binary offer", "POST", "/whip/floor", "\x00\x01\xff\xfe", nil, 400, "sdp-malformed", "", ""},
		{"text that is no SDP", "POST", "/whip/floor", "hello", nil, 400, "sdp-malformed", "", ""},
		{"broken line", "POST", "/whip/floor", "v=0\r\no=broken\r\n", nil, 400, "sdp-malformed", "", ""},
		{"too large", "POST", "/whip/floor", good + strings.Repeat("a=x\r\n", 14000), nil, 413, "too-large", "", ""},
		{"no media", "POST", "/whip/floor", good[:strings.Index(good, "m=audio")], nil, 422, "sdp-unsupported", "", ""},
		{"many m-lines", "POST", "/whip/floor", good + strings.Repeat(video, 3), nil, 422, "sdp-unsupported", "", ""},
		{"no BUNDLE", "POST", "/whip/floor", swap("a=group:BUNDLE 0 1\r\n", ""), nil, 422, "sdp-unsupported", "", ""},
		{"half a BUNDLE", "POST", "/whip/floor", swap("BUNDLE 0 1", "BUNDLE 0"), nil, 422, "sdp-unsupported", "", ""},
		{"no rtcp-mux", "POST", "/whip/floor", swap("a=rtcp-mux\r\n", ""), nil, 422, "sdp-unsupported", "", ""},
		{"SHA-1", "POST", "/whip/floor", swap("sha-256 ", "sha-1 "), nil, 422, "sdp-unsupported", "", ""},
		{"short fingerprint", "POST", "/whip/floor", swap("sha-256 AB:", "sha-256 "), nil, 422, "sdp-unsupported", "", ""},
		{"short ICE password", "POST", "/whip/floor", swap("xT5mWkP0bQvA7cDf9hJ2nLrS", "short"), nil, 422, "sdp-unsupported", "", ""},
		{"data channel", "POST", "/whip/floor", good + line, nil, 422, "sdp-unsupported", "", ""},
		{"plain RTP", "POST", "/whip/floor", swap("UDP/TLS/RTP/SAVPF", "RTP/AVP"), nil, 422, "sdp-unsupported", "", ""},
		{"no codec known", "POST", "/whip/floor", swap("opus/48000/2", "speex/16000"), nil, 422, "sdp-unsupported", "", ""},
		{"nothing sent", "POST", "/whip/floor", swap("a=sendonly", "a=recvonly"), nil, 422, "sdp-unsupported", "", ""},
		{"many SSRCs", "POST", "/whip/floor", good + manySSRCs(), nil, 422, "sdp-unsupported", "", ""},
		{"wrong content type", "POST", "/whip/floor", good, set("Content-Type", "text/plain"), 415, "content-type", "", ""},
		{"answer not wanted", "POST", "/whip/floor", good, set("Accept", "text/html"), 406, "not-acceptable", "", ""},
		{"no key", "POST", "/whip/floor", good, set("Authorization", ""), 401, "unauthorized", "WWW-Authenticate", `Bearer realm="freshet"`},
		{"basic auth", "POST", "/whip/floor", good, set("Authorization", "Basic YTpi"), 401, "unauthorized", "WWW-Authenticate", `Bearer realm="freshet"`},
		{"wrong key", "POST", "/whip/floor", good, set("Authorization", "Bearer nope"), 403, "forbidden", "", ""},
		{"unknown stream", "POST", "/whip/unknown", good, nil, 404, "stream-unknown", "", ""},
		{"no stream", "POST", "/whip/", good, nil, 404, "not-found", "", ""},
		{"stream's id is none", "POST", "/whip/Up_Per", good, nil, 404, "not-found", "", ""},
		{"other path", "POST", "/whep/floor", good, nil, 404, "not-found", "", ""},
		{"third publisher", "POST", "/whip/open", offerFile(t, "obs"), nil, 409, "backup-formats", "", ""},
		{"GET endpoint", "GET", "/whip/floor", "", nil, 405, "method-not-allowed", "Allow", "POST, OPTIONS"},
		{"PUT endpoint", "PUT", "/whip/floor", "", nil, 405, "method-not-allowed", "Allow", "POST, OPTIONS"},
		{"GET session", "GET", session, "", nil, 405, "method-not-allowed", "Allow", "PATCH, DELETE, OPTIONS"},
		{"POST session", "POST", session, good, nil, 405, "method-not-allowed", "Allow", "PATCH, DELETE, OPTIONS"},
		{"PATCH of another type", "PATCH", session, fragment, set("Content-Type", "application/sdp"), 415, "content-type", "", ""},
		{"PATCH without ETag", "PATCH", session, fragment, set("If-Match", ""), 428, "precondition-required", "", ""},
		{"PATCH with an old ETag", "PATCH", session, fragment, set("If-Match", `"old"`), 412, "precondition-failed", "", ""},
		{"PATCH without sense", "PATCH", session, "hello", nil, 400, "sdp-fragment-malformed", "", ""},
		{"PATCH too large", "PATCH", session, fragment + strings.Repeat("a=x\r\n", 2000), nil, 413, "too-large", "", ""},
		{"PATCH of no session", "PATCH", "/whip/open/none", fragment, nil, 404, "not-found", "", ""},
		{"DELETE of no session", "DELETE", "/whip/open/none", "", nil, 404, "not-found", "", ""},
		{"DELETE under another stream", "DELETE", strings.Replace(session, "open", "floor", 1), "", nil, 404, "not-found", "", ""},
		{"DELETE with half the secret", "DELETE", session[:len(session)-5], "", nil, 404, "not-found", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := request(t, row.method, n.url+row.path, row.body)
			if row.change != nil {
				row.change(q)
			}
			status, h, body := do(t, q)
			var p problem.Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%d, body %q: %v", status, body, err)
			}
			if status != row.status || p.Status != row.status || p.Type != "/problems/"+row.kind {
				t.Errorf("got %d %s, want %d %s (%s)", status, p.Type, row.status, row.kind, p.Detail)
			}
			if got := h.Get("Content-Type"); got != problem.ContentType {
				t.Errorf("content type: %s", got)
			}
			if h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Retry-After") {
				t.Errorf("CORS: %v", h)
			}
			if row.header != "" && h.Get(row.header) != row.value {
				t.Errorf("%s: got %q, want %q", row.header, h.Get(row.header), row.value)
			}
		})
	}
	if got := n.value(t, "freshet_rtc_sessions"); got != 1 {
		t.Errorf("sessions open: %v, want the one good one", got)
	}
	if status, _, body := do(t, with(request(t, http.MethodPatch, n.url+session, fragment), "If-Match", etag)); status != http.StatusNoContent {
		t.Errorf("a good PATCH after all that: %d %s", status, body)
	}
}

func with(q *http.Request, k, v string) *http.Request {
	q.Header.Set(k, v)
	return q
}

func manySSRCs() string {
	var b strings.Builder
	for i := range 16 {
		b.WriteString("a=ssrc:" + string(rune('1'+i/10)) + string(rune('0'+i%10)) + " cname:x\r\n")
	}
	return b.String()
}

// A browser may ask before it posts, patches or deletes.
func TestPreflight(t *testing.T) {
	n := start(t)
	for path, want := range map[string]string{"/whip/floor": "POST", "/whip/floor/x": "PATCH"} {
		q, err := http.NewRequest(http.MethodOptions, n.url+path, nil)
		must(t, err)
		q.Header.Set("Origin", "https://example.org")
		q.Header.Set("Access-Control-Request-Method", want)
		status, h, _ := do(t, q)
		if status != http.StatusNoContent || !strings.Contains(h.Get("Access-Control-Allow-Methods"), want) ||
			!strings.Contains(h.Get("Access-Control-Allow-Headers"), "If-Match") {
			t.Errorf("%s: %d %v", path, status, h)
		}
		for _, exposed := range []string{"Location", "Link", "ETag", "Retry-After"} {
			if !strings.Contains(h.Get("Access-Control-Expose-Headers"), exposed) {
				t.Errorf("%s: %s is not exposed", path, exposed)
			}
		}
	}
}
