package access

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2/conditional"

	"freshet/proto/problem"
)

// ETag is that of what has a version.
func ETag(version int64) string { return strconv.Quote(strconv.FormatInt(version, 10)) }

// Conditional refuses a change that does not say what it changes by If-Match.
func Conditional(ifMatch []string) error {
	if len(ifMatch) > 0 {
		return nil
	}
	return problem.New(http.StatusPreconditionRequired, "if-match", "If-Match is missing",
		"Send the ETag of what you have read, so that nobody's change is lost.")
}

// Matches says whether If-Match names a version, or any (RFC 9110, section 13.1.1).
func Matches(ifMatch []string, version int64) bool {
	p := conditional.Params{IfMatch: ifMatch}
	return slices.Contains(ifMatch, "*") || p.PreconditionFailed(strconv.FormatInt(version, 10), time.Time{}) == nil
}

// Changed is the error of a change of what another has changed meanwhile.
func Changed() *problem.Problem {
	return problem.New(http.StatusPreconditionFailed, "changed", "Changed meanwhile",
		"Somebody has changed this since you read it. Yours was not saved: read it again.")
}
