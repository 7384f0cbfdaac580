package load

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
)

func TestLinkTo(t *testing.T) {
	base, err := url.Parse("https://edge.example/whep/s/1?ticket=x")
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://edge.example/whep/s/1/stats"
	for _, row := range []struct {
		headers []string
		want    string
	}{
		{[]string{`</whep/s/1/stats>; rel="stats"`}, want},
		{[]string{`<stun:a>; rel="ice-server"`, `</whep/s/1/layer>; rel="layer", <1/stats>; title="a, b"; REL=stats`}, want},
		{[]string{`<https://edge.example/whep/s/1/stats>;rel="stats"`}, want},
		{[]string{`<https://other.example/stats>; rel="stats"`}, ""},
		{[]string{`<http://edge.example/stats>; rel="stats"`}, ""},
		{[]string{`<//other.example/stats>; rel="stats"`, `</whep/s/1/stats>; rel="stats"`}, want},
		{[]string{`</whep/s/1/stats>; rel="statistics"`, `</a>; xrel="stats"`}, ""},
		{[]string{`</a; rel="stats"`, `>`, `<`, `<>`, ``, `rel="stats"`}, ""},
		{nil, ""},
	} {
		got := ""
		if u := linkTo(row.headers, "stats", base); u != nil {
			got = u.String()
		}
		if got != row.want {
			t.Errorf("%q: got %q, want %q", row.headers, got, row.want)
		}
	}
}

func TestPathIsPrinted(t *testing.T) {
	p, err := parsePath([]byte(`{"node":"edge-2","hops":[
		{"node":"edge-1","upstream":"origin-1","rtt_ms":1.25,"received":1000,"rate_bps":3550000},
		{"node":"edge-2\u001b[2J","upstream":"edge-1","rtt_ms":100.5,"lost":21,"repaired_below":20,"room_bps":4000000,"shed":1}],"new":1}`))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := p.write(&got); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"origin-1 > edge-1", "1.2 ms", "3550 kbit/s", "edge-1 > edge-2 [2J", "100.5 ms", "4000 kbit/s"} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("no %q in\n%s", want, got.String())
		}
	}
	if strings.ContainsRune(got.String(), 0x1b) || strings.Count(got.String(), "\n") != 3 {
		t.Errorf("table:\n%q", got.String())
	}
	for _, bad := range []string{
		"", "{", `{"hops":1}`, `{"hops":[{"received":-1}]}`, `{"hops":[` + strings.Repeat("{},", maxHops) + "{}]}", `{"hops":[{"upstream":"` + strings.Repeat("a", maxNodeName+1) + `"}]}`, `{"node":"` + strings.Repeat("a", maxStats) + `"}`,
	} {
		if _, err := parsePath([]byte(bad)); err == nil {
			t.Errorf("%.40q was taken", bad)
		}
	}
}

func FuzzLinkTo(f *testing.F) {
	f.Add(`</whep/s/1/stats>; rel="stats", <a>; rel=b`)
	f.Add(`<<>>;rel=stats;,<`)
	base := &url.URL{Scheme: "http", Host: "edge", Path: "/whep/s/1"}
	f.Fuzz(func(t *testing.T, header string) {
		if u := linkTo([]string{header}, "stats", base); u != nil && (u.Host != "edge" || u.Scheme != "http") {
			t.Fatalf("leads away: %s", u)
		}
	})
}

func FuzzParsePath(f *testing.F) {
	f.Add([]byte(`{"node":"e","hops":[{"node":"e","upstream":"o","rtt_ms":1.5}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePath(b)
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := p.write(&out); err != nil || len(p.Hops) > maxHops || bytes.ContainsRune(out.Bytes(), 0x1b) {
			t.Fatalf("%+v, %v", p, err)
		}
	})
}
