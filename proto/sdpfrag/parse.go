package sdpfrag

import (
	"bytes"
	"fmt"
	"strings"
)

// Lengths of credentials, RFC 8839, section 5.4.
const (
	minUfrag, minPwd = 4, 22
	maxCredential    = 256
)

// Parse reads a fragment. Lines may end in CRLF or LF; lines and attributes it does not know are passed
// over, as RFC 8840, section 9, asks. The error is an *Error: too long, no fragment at all, too many
// m-lines, or credentials that are malformed or differ between m-lines. The result shares no memory with b.
func Parse(b []byte) (Fragment, error) {
	if len(b) > MaxBytes {
		return Fragment{}, &Error{Detail: fmt.Sprintf("%d bytes, at most %d are taken", len(b), MaxBytes)}
	}
	p := parser{}
	for n, line := range bytes.Split(bytes.TrimRight(b, "\r\n"), []byte("\n")) {
		if detail := p.line(string(bytes.TrimSuffix(line, []byte("\r")))); detail != "" {
			return Fragment{}, &Error{Line: n + 1, Detail: detail}
		}
	}
	if (p.f.Ufrag == "") != (p.f.Pwd == "") {
		return Fragment{}, &Error{Detail: "ice-ufrag and ice-pwd come only together"}
	}
	if p.f.Ufrag == "" && len(p.f.Media) == 0 && !p.f.End {
		return Fragment{}, &Error{Detail: "neither credentials nor candidates"}
	}
	return p.f, nil
}

type parser struct {
	f          Fragment
	candidates int
}

// line takes one line and returns what is wrong with it, empty for nothing.
func (p *parser) line(line string) (wrong string) {
	if len(line) < 2 || line[0] < 'a' || line[0] > 'z' || line[1] != '=' {
		return "not a line of SDP"
	}
	for i := range len(line) {
		if c := line[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "control character"
		}
	}
	switch line[0] {
	case 'm':
		return p.media(line[2:])
	case 'a':
		return p.attribute(line[2:])
	}
	return ""
}

func (p *parser) media(value string) (wrong string) {
	if len(p.f.Media) == MaxMedia {
		return fmt.Sprintf("more than %d m-lines", MaxMedia)
	}
	kind, _, ok := strings.Cut(value, " ")
	if !ok || !all(kind, token) {
		return "malformed m-line"
	}
	p.f.Media = append(p.f.Media, Media{Kind: kind})
	return ""
}

func (p *parser) attribute(attribute string) (wrong string) {
	name, value, _ := strings.Cut(attribute, ":")
	switch name {
	case "ice-ufrag":
		return credential(&p.f.Ufrag, name, value, minUfrag)
	case "ice-pwd":
		return credential(&p.f.Pwd, name, value, minPwd)
	case "mid":
		return p.mid(value)
	case "candidate":
		p.candidate(value)
	case "end-of-candidates":
		if m := p.last(); m != nil {
			m.End = true
		} else {
			p.f.End = true
		}
	}
	return "" // also for ice-options, ice-pacing, ice-lite, group and all we do not know
}

func (p *parser) mid(value string) (wrong string) {
	m := p.last()
	switch {
	case m == nil:
		return "mid above the first m-line"
	case !all(value, token):
		return "malformed mid"
	case m.Mid != "":
		return "second mid below one m-line"
	}
	m.Mid = value
	return ""
}

func (p *parser) candidate(value string) {
	m := p.last()
	if m == nil || value == "" || p.candidates == MaxCandidates {
		p.f.Ignored++
		return
	}
	p.candidates++
	m.Candidates = append(m.Candidates, value)
}

// last returns the m-line that attributes now belong to, nil at session level.
func (p *parser) last() *Media {
	if len(p.f.Media) == 0 {
		return nil
	}
	return &p.f.Media[len(p.f.Media)-1]
}

func credential(have *string, name, value string, shortest int) (wrong string) {
	switch {
	case len(value) < shortest || len(value) > maxCredential || !all(value, iceChar):
		return "malformed " + name
	case *have != "" && *have != value:
		return name + " differs from the one above: media must be bundled"
	}
	*have = value
	return ""
}

func all(s string, in func(byte) bool) bool {
	for i := range len(s) {
		if !in(s[i]) {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// iceChar is of RFC 8839, section 5.1.
func iceChar(c byte) bool { return alphanumeric(c) || c == '+' || c == '/' }

// token is the token-char of RFC 8866, section 9.
func token(c byte) bool { return alphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`{|}~", c) >= 0 }
