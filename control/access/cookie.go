package access

import (
	"net/http"
	"strings"
	"time"
)

// Cookies hold the secret of a browser that is logged in. The prefix has browsers take it from this host alone, over TLS
// (RFC 6265bis, section 4.1.3.2); without TLS, on a machine at home, they would not keep one of that name.
const (
	secureCookie = "__Host-freshet"
	plainCookie  = "freshet"
)

// A Jar makes cookies and reads them.
type Jar struct{ secure bool }

// NewJar returns the jar of pages that are reached over TLS, which a proxy may end, or not.
func NewJar(secure bool) Jar { return Jar{secure} }

func (j Jar) name() string {
	if j.secure {
		return secureCookie
	}
	return plainCookie
}

// LogIn returns the cookie that logs a browser in until it is over.
func (j Jar) LogIn(secret string, over time.Time) http.Cookie {
	return http.Cookie{
		Name: j.name(), Value: secret, Path: "/", Expires: over, Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// LogOut returns the cookie that takes it away again.
func (j Jar) LogOut() http.Cookie { return j.gone(j.name()) }

// A Slip is a cookie by which a browser is known again before it is logged in.
type Slip string

// What slips are of, as their names end.
const (
	Asked     Slip = "-asked"     // a browser that has asked for a link to log in
	Half      Slip = "-half"      // a log-in that waits for its second step
	Challenge Slip = "-challenge" // what a passkey is to sign
)

// Give returns the cookie that has a browser keep a slip until it is over.
func (j Jar) Give(s Slip, secret string, over time.Time) http.Cookie {
	c := j.LogIn(secret, over)
	c.Name += string(s)
	return c
}

// Take returns the cookie that takes a slip away again.
func (j Jar) Take(s Slip) http.Cookie { return j.gone(j.name() + string(s)) }

func (j Jar) gone(name string) http.Cookie {
	return http.Cookie{Name: name, Path: "/", MaxAge: -1, Secure: j.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// Secret returns what r's browser holds, empty where that is nothing.
func (j Jar) Secret(r *http.Request) string { return value(r, j.name()) }

func value(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

const agentMost = 200 // bytes

// BrowserOf returns what r tells of its browser, which takes cookies of j.
func BrowserOf(r *http.Request, j Jar) Browser {
	agent := r.UserAgent()
	agent = strings.ToValidUTF8(agent[:min(len(agent), agentMost)], "")
	slip := func(s Slip) string { return value(r, j.name()+string(s)) }
	return Browser{Jar: j, Asked: slip(Asked), Half: slip(Half), Challenge: slip(Challenge), Agent: agent}
}
