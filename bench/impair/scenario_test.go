package impair

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const ocean = `
seed = 7

[[link]]
name = "ocean"
listen = "127.0.0.1:9000"
target = "[::1]:8091"
up = { delay = "50ms", loss = "2%" }
down = { delay = "50ms", jitter = "1.5ms", reorder = true, loss = 0.02, burst = 5, rate = "2.5Mbit", buffer = "200ms" }

[[link]]
name = "clear"
network = "tcp"
listen = "localhost:0"
target = "localhost:8092"

[[step]]
at = "10s"
link = "ocean"
down = { rate = 800000, cut = true }

[[step]]
at = "10s"
rebind = true
`

func TestParseScenario(t *testing.T) {
	s, err := ParseScenario([]byte(ocean))
	if err != nil {
		t.Fatal(err)
	}
	ms := time.Millisecond
	rate, cut := Rate(800_000), true
	want := &Scenario{
		Seed: 7,
		Links: []Link{
			{"ocean", UDP, Config{
				Listen: "127.0.0.1:9000", Target: "[::1]:8091", Up: Path{Delay: 50 * ms, Loss: 0.02},
				Down: Path{Delay: 50 * ms, Jitter: 1500 * time.Microsecond, Reorder: true, Loss: 0.02, Burst: 5, Rate: 2_500_000, Buffer: 200 * ms},
			}},
			{"clear", TCP, Config{Listen: "localhost:0", Target: "localhost:8092"}},
		},
		Steps: []Step{
			{At: 10 * time.Second, Link: "ocean", Down: Change{Rate: &rate, Cut: &cut}},
			{At: 10 * time.Second, Rebind: true},
		},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got %+v, want %+v", s, want)
	}
	// A step changes what it names, and nothing else.
	got := s.Steps[0].Down.Apply(s.Links[0].Down)
	path := want.Links[0].Down
	path.Rate, path.Cut = 800_000, true
	if got != path {
		t.Errorf("after the step %+v, want %+v", got, path)
	}
}

func TestParseScenarioRefuses(t *testing.T) {
	const link = "[[link]]\nname='a'\nlisten='h:1'\ntarget='h:2'\n"
	for _, row := range []struct{ text, want string }{
		{"", "want 1 to 64 links, [[link]], not 0"},
		{strings.Repeat("#", MaxScenario+1), "1048577 bytes are too many, at most 1048576"},
		{strings.Repeat("[[link]]\n", maxLinks+1), "want 1 to 64 links, [[link]], not 65"},
		{link + strings.Repeat("[[step]]\n", maxSteps+1), "want at most 10000 steps, not 10001"},
		{"nonsense", "line 1: "},
		{"[[link]]\nname='a'\nlabel='b'\n", "line 3: label: unknown key"},
		{link + "up={delay='1s', dealy='1s'}\n", "line 5: dealy: unknown key"},
		{link + "[[step]]\nat='1s'\nboth={}\n", "line 7: both: unknown key"},
		{"x=1\n" + link, "line 1: x: unknown key"},
		{"seed=-1\n" + link, "line 1: "},
		{"[[link]]\nlisten='h:1'\ntarget='h:2'\n", `link 1: want a name of its own, of 1 to 64 bytes, not ""`},
		{link + link, `link 2: want a name of its own, of 1 to 64 bytes, not "a"`},
		{"[[link]]\nname='" + strings.Repeat("a", 65) + "'\n", "link 1: want a name of its own"},
		{"[[link]]\nname='a'\nlisten='h:1'\ntarget='h'\n", `link "a": target: want HOST:PORT, not "h"`},
		{"[[link]]\nname='a'\ntarget='h:1'\n", `link "a": listen: want HOST:PORT, not ""`},
		{link + "network='quic'", `link "a": network: want udp or tcp, not "quic"`},
		{link + "network=['tcp']", `link "a": network: want text or a number`},
		{link + "up={delay=5}", `link "a": up: delay: want a time as 50ms or 1.5s, not "5"`},
		{link + "up={delay='-5ms'}", `link "a": up: delay: want 0 to 10s, not -5ms`},
		{link + "up={delay=[1]}", `link "a": up: delay: want text or a number`},
		{link + "down={loss=-1}", `link "a": down: loss: want a share as 0.02 or 2%, not "-1"`},
		{link + "down={loss='200%'}", `link "a": down: loss: want a share of 0 to 1, not 2`},
		{link + "down={loss=nan}", `link "a": down: loss: want a share as 0.02 or 2%, not "NaN"`},
		{link + "down={rate='2 furlongs'}", `link "a": down: rate: want a rate as 2Mbit or 800kbit, 100Gbit at most, not "2 furlongs"`},
		{link + "down={rate='1bit'}", `link "a": down: rate: want 8000 to 100000000000 bit/s or 0, not 1`},
		{link + "down={burst='5'}", "line 5: "},
		{link + "[[step]]\nrebind=true", "step 1: at: want a time after the start, as 10s"},
		{link + "[[step]]\nat='1s'", "step 1: changes nothing: want up, down or rebind"},
		{link + "[[step]]\nat='1s'\nlink='b'\nrebind=true", `step 1: link: there is no "b"`},
		{link + "[[step]]\nat='-1s'\nrebind=true", "step 1: at: -1s comes after 0s: want steps in order, from 0s on"},
		{link + "[[step]]\nat='2s'\nrebind=true\n[[step]]\nat='1s'\nrebind=true", "step 2: at: 1s comes after 2s: want steps in order, from 0s on"},
		{link + "[[step]]\nat='2s'\nup={burst=-1}", "step 1: up: burst: want 0 to 10000 packets, not -1"},
	} {
		s, err := ParseScenario([]byte(row.text))
		if err == nil || !strings.HasPrefix(err.Error(), row.want) || s != nil {
			t.Errorf("%.80q: %v, %v, want %s", row.text, s, err, row.want)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, row := range []struct {
		text string
		to   interface {
			UnmarshalText([]byte) error
			String() string
		}
		want string // empty: an error
	}{
		{"2Mbit", new(Rate), "2Mbit"}, {"2.5mbit", new(Rate), "2.5Mbit"}, {"800 kbit", new(Rate), "800kbit"},
		{"9000", new(Rate), "9kbit"}, {"100Gbit", new(Rate), "100Gbit"}, {"0", new(Rate), "0"}, {"12bit", new(Rate), "12"},
		{"101Gbit", new(Rate), ""}, {"-1", new(Rate), ""}, {"1e3", new(Rate), ""}, {"Mbit", new(Rate), ""}, {"", new(Rate), ""},
		{"inf", new(Rate), ""}, {strings.Repeat("9", 400), new(Rate), ""}, {"1.2.3", new(Rate), ""},
		{"2%", new(Share), "2%"}, {"0.02", new(Share), "2%"}, {"0.1%", new(Share), "0.1%"}, {"1", new(Share), "100%"},
		{"%", new(Share), ""}, {"-2%", new(Share), ""}, {"2%%", new(Share), ""}, {"NaN", new(Share), ""}, {"0x1", new(Share), ""},
		{"50ms", new(Duration), "50ms"}, {"50", new(Duration), ""},
	} {
		err := row.to.UnmarshalText([]byte(row.text))
		if got := row.to.String(); (err == nil) != (row.want != "") || err == nil && got != row.want {
			t.Errorf("%.40q: %s, %v, want %q", row.text, got, err, row.want)
		}
	}
}

// FuzzParseScenario: what is read can be run; what is not read says so and gives nothing.
func FuzzParseScenario(f *testing.F) {
	f.Add([]byte(ocean))
	f.Add([]byte("[[link]]\nname='a'\nlisten=':1'\ntarget=':2'\nup={loss='100%',rate='8kbit',cut=true}\n"))
	f.Add([]byte("seed=1\n[[step]]\nat=1e9\ndown={buffer=0}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseScenario(b)
		if err != nil {
			if s != nil {
				t.Fatalf("a scenario and %v", err)
			}
			return
		}
		if len(s.Links) == 0 || len(s.Links) > maxLinks || len(s.Steps) > maxSteps {
			t.Fatalf("%d links, %d steps", len(s.Links), len(s.Steps))
		}
		paths := map[string][2]Path{}
		for _, l := range s.Links {
			paths[l.Name] = [2]Path{l.Up, l.Down}
		}
		last := time.Duration(0)
		for _, st := range s.Steps {
			if st.At < last {
				t.Fatalf("step at %v after %v", st.At, last)
			}
			last = st.At
			for name, p := range paths {
				if st.Link == "" || st.Link == name {
					paths[name] = [2]Path{st.Up.Apply(p[0]), st.Down.Apply(p[1])}
				}
			}
		}
		for name, p := range paths {
			if p[0].Validate() != nil || p[1].Validate() != nil {
				t.Fatalf("%q ends up as %+v", name, p)
			}
		}
	})
}
