package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/store/storetest"
	"freshet/proto/problem"
)

// raw makes a request of b with a body as it is.
func (b *browser) raw(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = b.from
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.o.api.ServeHTTP(w, r)
	return w
}

// Every operation of the document gets bad input of each kind that it takes, and answers with the problem that is
// meant for it, without saying back what was sent. An operation that is added is tried here, too.
func TestEveryOperationWithBadInput(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	type row struct {
		name, contentType, body string
		status                  int
		kind                    string
	}
	ofFiles := []row{
		{"JSON", "application/json", `{}`, 415, "content-type"},
		{"no type", "", `a@example.org`, 415, "content-type"},
		{"nothing", "text/csv", ``, 400, "bad-request"},
		{"too large", "text/csv", strings.Repeat("hunter2,a@example.org\n", 200_000), 413, "too-large"},
		{"no text", "text/csv", "hunter2\x00", 422, "invalid"},
		{"a quotation mark too many", "text/csv", `"hunter2`, 422, "invalid"},
		{"no address", "text/csv", "hunter2,hunter2\n", 422, "invalid"},
		{"a heading alone", "text/csv", "name,email\n", 422, "invalid"},
	}
	ofJSON := []row{
		{"no JSON", "application/json", `{"a":"hunter2`, 400, "bad-request"},
		{"nothing", "application/json", ``, 400, "bad-request"},
		{"text behind it", "application/json", `{} hunter2`, 400, "bad-request"},
		{"a key twice", "application/json", `{"a":1,"a":2}`, 400, "bad-request"},
		{"too deep", "application/json", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), 400, "bad-request"},
		{"an unknown field", "application/json", `{"nobodyKnows":"hunter2"}`, 400, "bad-request"},
		{"a list", "application/json", `[]`, 422, "invalid"},
		{"a text", "application/json", `"hunter2"`, 422, "invalid"},
		{"too large", "application/json", `{"a":"` + strings.Repeat("x", 257<<10) + `"}`, 413, "too-large"},
		{"another type", "text/plain", `{}`, 415, "content-type"},
		{"a form", "application/x-www-form-urlencoded", `a=hunter2`, 415, "content-type"},
	}
	ofImages := []row{
		{"JSON", "application/json", `{"a":"hunter2"}`, 415, "content-type"},
		{"an SVG", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`, 415, "content-type"},
		{"no type", "", "hunter2", 415, "content-type"},
		{"nothing", "image/png", "", 400, "bad-request"},
		{"no image", "image/png", "hunter2", 422, "invalid"},
		{"half a name", "image/png", "\x89PNG\r\n\x1a\n", 422, "invalid"},
		{"too large", "image/png", strings.Repeat("x", 1<<20+1), 413, "too-large"},
	}
	made := owner.does("POST", "/events", object{"title": "E", "startsAt": "2027-01-01T00:00:00Z"})["id"].(string)
	tried := 0
	o.api.operations(func(op *huma.Operation) {
		path := op.Path
		if access.InEvent(op) { // nothing is looked at before that is known
			path = strings.Replace(path, "{id}", made, 1)
		}
		path = parameter.ReplaceAllString(path, uuid.NewString())
		check := func(name string, w *httptest.ResponseRecorder, status int, kind string) {
			t.Helper()
			tried++
			var p problem.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Type != "/problems/"+kind || w.Header().Get("Content-Type") != problem.ContentType {
				t.Errorf("%s: %s: %d %s, want %d %s", op.OperationID, name, w.Code, w.Body, status, kind)
			}
			if strings.Contains(w.Body.String(), "hunter2") {
				t.Errorf("%s: %s: says back what was sent: %s", op.OperationID, name, w.Body)
			}
		}
		if op.RequestBody != nil {
			bodies := ofJSON
			if op.RequestBody.Content["image/png"] != nil {
				bodies = ofImages
			}
			if op.RequestBody.Content["text/csv"] != nil {
				bodies = ofFiles
			}
			for _, row := range bodies {
				if !op.RequestBody.Required && row.body == "" {
					continue
				}
				check(row.name, owner.raw(op.Method, path, row.contentType, row.body), row.status, row.kind)
			}
		}
		if parameter.MatchString(op.Path) {
			w := owner.raw(op.Method, parameter.ReplaceAllString(op.Path, "Hunter2..x"), "application/json", "{}")
			if access.InEvent(op) {
				check("a wrong id", w, 404, "event-unknown")
			} else {
				check("a wrong id", w, 422, "invalid")
			}
		}
		for _, q := range op.Parameters {
			if q.In == "query" && q.Schema != nil && q.Schema.Type != huma.TypeString {
				kind, text := "", ""
				if op.RequestBody != nil && op.RequestBody.Content["text/csv"] != nil {
					kind, text = "text/csv", "a@example.org"
				}
				check("a wrong "+q.Name, owner.raw(op.Method, path+"?"+q.Name+"=hunter2", kind, text), 422, "invalid")
			}
		}
		check("another method", owner.raw("TRACE", path, "", ""), 405, "method-not-allowed")
	})
	if tried < 200 {
		t.Errorf("%d were tried", tried)
	}
}
