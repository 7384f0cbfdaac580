package access

import (
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Prefix stands before every path of the API.
const Prefix = "/api/v1"

const (
	maxBody  = 256 << 10 // RELIABILITY section 4: JSON
	bodyTime = 15 * time.Second
)

// Op is an operation of the API with the limits that each has. errs are the statuses of its errors; any may be 429, too.
func Op(method, path, id, summary string, errs ...int) huma.Operation {
	return huma.Operation{
		Method: method, Path: Prefix + path, OperationID: id, Summary: summary, Tags: []string{tag(path)},
		Errors:       append(errs, http.StatusTooManyRequests),
		MaxBodyBytes: maxBody, BodyReadTimeout: bodyTime,
	}
}

// tags are the chapters of the document whose paths begin with several words.
var tags = map[string]string{
	"setup": "log-in", "sign-ups": "log-in", "log-out": "log-in", "log-in-links": "log-in", "resets": "log-in", "invitations": "log-in",
}

// tag is the chapter of the document in which an operation stands: the first word of its path.
func tag(path string) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if t, ok := tags[word]; ok {
		return t
	}
	return word
}
