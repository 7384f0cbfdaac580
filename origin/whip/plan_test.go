package whip

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

func offerOf(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Offers in the shape of programs in use come down to the flows they send.
func TestPlan(t *testing.T) {
	for _, row := range []struct {
		offer  string
		flows  string // track, codec and rid of each, by rank
		helper string // RTX or RED of each m-line
		mesh   string // ids of the extensions that cross the mesh, of each m-line
	}{
		{"obs", "audio opus, video H264", ",", ","},
		{"obs-simulcast", "audio opus, video H264 2, video H264 1, video H264 0", ",", ","},
		{"gstreamer", "video VP8, audio opus", "rtx,", ","},
		{"ffmpeg", "audio opus, video H264", ",rtx", ","},
		{"chromium", "audio opus, video VP8", "red,rtx", "2,345"},
		{"chromium-simulcast", "audio opus, video VP8 q, video VP8 h, video VP8 f", "red,rtx", "2,345"},
	} {
		t.Run(row.offer, func(t *testing.T) {
			offer := offerOf(t, row.offer)
			if err := rtc.CheckOffer(offer); err != nil {
				t.Fatalf("check: %v", err)
			}
			p, err := newPlan(offer)
			if err != nil {
				t.Fatalf("plan: %v", err)
			}
			var flows, helpers, mesh []string
			for i, f := range p.formats() {
				flows = append(flows, strings.TrimSpace(f.Track+" "+f.Codec.Name+" "+f.RID))
				if f.RED != (f.Kind == stream.Audio && strings.HasPrefix(row.helper, "red")) {
					t.Errorf("flow %d: RED %v", i, f.RED)
				}
			}
			for _, l := range p.lines {
				name := ""
				if l.helper != nil {
					name = l.helper.Name
				}
				helpers = append(helpers, name)
				var ids []byte
				for _, e := range l.extensions {
					if id := meshID(e.uri); id != 0 {
						ids = append(ids, '0'+id)
					}
				}
				slices.Sort(ids)
				mesh = append(mesh, string(ids))
			}
			if got := strings.Join(flows, ", "); got != row.flows {
				t.Errorf("flows: got %s, want %s", got, row.flows)
			}
			if got := strings.Join(helpers, ","); got != row.helper {
				t.Errorf("helpers: got %s, want %s", got, row.helper)
			}
			if got := strings.Join(mesh, ","); got != row.mesh {
				t.Errorf("extensions: got %s, want %s", got, row.mesh)
			}
			again, err := newPlan(p.text(1))
			if err != nil || again.text(1) != p.text(1) {
				t.Errorf("a plan of the plan's own text differs (%v):\n%s", err, p.text(1))
			}
		})
	}
}

func TestMapping(t *testing.T) {
	p, err := newPlan(offerOf(t, "chromium"))
	if err != nil {
		t.Fatal(err)
	}
	m := p.mapping(0)
	if m.Types[111] != rtpq.TypeOpus || m.Types[63] != rtpq.TypeRED || m.Extensions[1] != rtpq.ExtAudioLevel || m.Extensions[2] != 0 {
		t.Errorf("audio: %+v", m)
	}
	m = p.mapping(1)
	if m.Types[96] != rtpq.TypeVideo || m.Types[97] != 0 || m.Extensions[12] != rtpq.ExtDependencyDescriptor || m.Extensions[4] != 0 {
		t.Errorf("video: %+v", m)
	}
}

func TestOrder(t *testing.T) {
	for _, row := range []struct {
		offered, want, name string
		obs                 bool
	}{
		{"f h q", "q h f", "names", false},
		{"h m l", "l m h", "names with another h", false},
		{"a b c", "a b c", "a browser's own", false},
		{"0 1 2", "2 1 0", "OBS", true},
	} {
		var layers []layer
		for _, rid := range strings.Fields(row.offered) {
			layers = append(layers, layer{rid: rid})
		}
		var got []string
		for _, l := range order(layers, row.obs) {
			got = append(got, l.rid)
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s: got %v, want %s", row.name, got, row.want)
		}
	}
	sorted := order([]layer{{"x", 1280}, {"y", 320}}, false)
	if sorted[0].rid != "y" {
		t.Errorf("by width: %v", sorted)
	}
}

// What is left of any offer is SDP, and means the same when it is read again.
func FuzzPlan(f *testing.F) {
	for _, name := range []string{"obs", "obs-simulcast", "gstreamer", "ffmpeg", "chromium", "chromium-simulcast"} {
		f.Add(offerOf(f, name))
	}
	f.Fuzz(func(t *testing.T, offer string) {
		if rtc.CheckOffer(offer) != nil {
			return
		}
		p, err := newPlan(offer)
		if err != nil {
			return
		}
		text := p.text(1)
		var d sdp.SessionDescription
		if err := d.UnmarshalString(text); err != nil {
			t.Fatalf("not SDP: %v\n%s", err, text)
		}
		again, err := newPlan(text)
		if err != nil || len(again.flows) != len(p.flows) {
			t.Fatalf("read again: %v\n%s", err, text)
		}
	})
}
