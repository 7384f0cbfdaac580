package web

import (
	"net/http"
	"strings"
)

// policy is what a page may do. Scripts and styles come from files only. connect-src is open, because
// edges and origins come and go while a page is open; which one is asked comes from the API, and nothing
// but media and its signalling goes there.
var policy = []string{
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data: blob:",
	"font-src 'self'",
	"media-src 'self' blob:",
	"connect-src 'self' http: https:",
	"manifest-src 'self'",
	"base-uri 'none'",
	"form-action 'self'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
}

// secure sets the headers of a page that may stand in a frame of ancestors.
func secure(h http.Header, ancestors string, tls bool) {
	if ancestors == "'none'" {
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	h.Set("Content-Security-Policy", strings.Join(append([]string{"frame-ancestors " + ancestors}, policy...), "; "))
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()")
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}
