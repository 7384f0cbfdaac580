package sdpfrag

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	pwd       = "P2uYro0UCOQ4zxjKXaWCBui1"
	candidate = "1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1"
)

// text joins lines as they stand on the wire.
func text(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     Fragment
	}{
		{"browser", text("a=group:BUNDLE 0 1", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=ice-ufrag:EsAw", "a=ice-pwd:"+pwd,
			"a=candidate:"+candidate, "a=end-of-candidates", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=ice-ufrag:EsAw", "a=ice-pwd:"+pwd),
			Fragment{Ufrag: "EsAw", Pwd: pwd, Media: []Media{{Kind: "audio", Mid: "0", Candidates: []string{candidate}, End: true}, {Kind: "video", Mid: "1"}}}},
		{"restart", text("a=ice-options:trickle ice2", "a=ice-pacing:50", "a=ice-ufrag:ysXw", "a=ice-pwd:"+pwd),
			Fragment{Ufrag: "ysXw", Pwd: pwd}},
		{"LF, no line end at the end", "a=ice-ufrag:ysXw\na=ice-pwd:" + pwd + "\nm=audio 9 RTP/AVP 0\na=mid:a\na=candidate:" + candidate,
			Fragment{Ufrag: "ysXw", Pwd: pwd, Media: []Media{{Kind: "audio", Mid: "a", Candidates: []string{candidate}}}}},
		{"end at session level", text("a=end-of-candidates"), Fragment{End: true}},
		{"m-line without mid", text("m=video 9 RTP/AVP 0", "a=candidate:"+candidate),
			Fragment{Media: []Media{{Kind: "video", Candidates: []string{candidate}}}}},
		{"whole SDP around it", text("v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0", "m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendonly"),
			Fragment{Media: []Media{{Kind: "audio", Mid: "0"}}}},
		{"candidates out of place", text("a=candidate:"+candidate, "m=audio 9 RTP/AVP 0", "a=candidate:"),
			Fragment{Media: []Media{{Kind: "audio"}}, Ignored: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	m := "m=audio 9 RTP/AVP 0"
	tests := []struct {
		name, in string
		line     int
	}{
		{"nothing", "", 1},
		{"only what is passed over", text("a=ice-options:trickle"), 0},
		{"binary", "\x16\x03\x01\x02\x00", 1},
		{"JSON", `{"candidate":""}`, 1},
		{"blank line within", text(m, "", "a=mid:0"), 2},
		{"control character", text(m, "a=mid:0", "a=candidate:1 1\x00udp"), 3},
		{"short ufrag", text("a=ice-ufrag:abc", "a=ice-pwd:"+pwd), 1},
		{"long ufrag", text("a=ice-ufrag:" + strings.Repeat("a", 257)), 1},
		{"short pwd", text("a=ice-ufrag:abcd", "a=ice-pwd:abc"), 2},
		{"ufrag that is not of ice-char", text("a=ice-ufrag:ab:cd"), 1},
		{"ufrag alone", text("a=ice-ufrag:abcd"), 0},
		{"two ufrags", text("a=ice-ufrag:abcd", "a=ice-pwd:"+pwd, m, "a=ice-ufrag:abce"), 4},
		{"five m-lines", text(m, m, m, m, m), 5},
		{"m-line without more", text("m=audio"), 1},
		{"m-line without kind", text("m= 9 RTP/AVP 0"), 1},
		{"mid above the m-line", text("a=mid:0", m), 1},
		{"mid with a space", text(m, "a=mid:0 1"), 2},
		{"second mid", text(m, "a=mid:0", "a=mid:1"), 3},
		{"too long", text(m, "a=x:"+strings.Repeat("x", MaxBytes)), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse([]byte(tt.in))
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Line != tt.line {
				t.Errorf("got %+v, %v; want an error in line %d", got, err, tt.line)
			}
		})
	}
}

// Candidates past the limit are dropped, wherever they stand, and the fragment is taken.
func TestParseIgnoresManyCandidates(t *testing.T) {
	var b strings.Builder
	for mid := range 2 {
		fmt.Fprintf(&b, "m=audio 9 RTP/AVP 0\r\na=mid:%d\r\n", mid)
		for port := range 20 {
			fmt.Fprintf(&b, "a=candidate:1 1 udp 1 192.0.2.1 %d typ host\r\n", port)
		}
	}
	f, err := Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if n, m := len(f.Media[0].Candidates), len(f.Media[1].Candidates); n != 20 || m != 12 || f.Ignored != 8 {
		t.Errorf("kept %d and %d, ignored %d; want 20, 12 and 8", n, m, f.Ignored)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Fragment{Ufrag: "EsAw", Pwd: pwd, End: true}.Append(nil))
	f.Add(Fragment{Media: []Media{{Kind: "audio", Mid: "0", Candidates: []string{candidate}, End: true}, {Kind: "video", Mid: "1"}}}.Append(nil))
	f.Add([]byte("a=ice-options:trickle\na=candidate:x\nm=audio 9 RTP/AVP 0\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fragment, err := Parse(b)
		if err != nil {
			return
		}
		fragment.Ignored = 0
		again, err := Parse(fragment.Append(nil))
		if err != nil && len(fragment.Append(nil)) > MaxBytes {
			return // short m-lines become longer ones
		}
		if err != nil || !reflect.DeepEqual(again, fragment) {
			t.Fatalf("round trip: %+v became %+v, %v", fragment, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := Fragment{Ufrag: "EsAw", Pwd: pwd, Media: []Media{{Kind: "audio", Mid: "0", Candidates: []string{candidate}, End: true}}}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}
