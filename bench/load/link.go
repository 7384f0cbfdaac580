package load

import (
	"iter"
	"net/url"
	"strings"
)

// linkTo returns where the first Link (RFC 8288) of relation rel in headers leads to, seen from base. It returns
// nil where there is none, or it leads to another server, which has no business with our bearer.
func linkTo(headers []string, rel string, base *url.URL) *url.URL {
	for target := range targets(headers, rel) {
		if u, err := base.Parse(target); err == nil && u.Scheme == base.Scheme && u.Host == base.Host {
			return u
		}
	}
	return nil
}

// targets are those of all Links of relation rel in headers, as they are written there.
func targets(headers []string, rel string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, h := range headers {
			for rest := h; ; {
				open := strings.IndexByte(rest, '<')
				if open < 0 {
					break
				}
				target, after, ok := strings.Cut(rest[open+1:], ">")
				if !ok {
					break
				}
				parameters := after
				if next := strings.IndexByte(after, '<'); next >= 0 {
					parameters = after[:next]
				}
				rest = after
				if hasRelation(parameters, rel) && !yield(target) {
					return
				}
			}
		}
	}
}

// hasRelation says whether the parameters of a Link name rel.
func hasRelation(parameters, rel string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.Trim(p, " \t,"), "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.Trim(value, `" `) == rel {
			return true
		}
	}
	return false
}
