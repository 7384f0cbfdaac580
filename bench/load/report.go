package load

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// A Report says what Play has received. Rates and percentiles are of the time since the last report, in
// the final one of the whole session; counts are always of the whole session.
type Report struct {
	Elapsed    time.Duration // since the click: before the offer was made
	Connected  time.Duration // from the click until DTLS was up
	FirstFrame time.Duration // from the click until the first key frame was whole; 0 while there is none
	Tracks     []TrackReport
	Path       *Path // how the stream comes to the server; nil where that was not asked, or not told
	Final      bool
	End        string // in the final report: why it ended
}

// A TrackReport is what a Report says of one track.
type TrackReport struct {
	Kind, Codec   string
	Bitrate       int     // bits a second of RTP payload
	FrameRate     float64 // pictures a second; for audio packets a second
	Width, Height int     // 0 while unknown
	Packets       int64
	Bytes         int64 // of RTP payload
	Frames        int64
	KeyFrames     int64
	Lost          int64 // of the numbers between the first packet and the newest, those that never came
	Repaired      int64 // packets that came after later ones: resent, or overtaken
	Repeated      int64 // packets that came twice
	Jitter        time.Duration
	Delay         *Delay        // from capture to arrival, where the packets tell; both clocks must agree
	Freezes       int64         // gaps between pictures over max(3 × mean, mean + 150 ms)
	LongestGap    time.Duration // between two pictures, or two packets of audio
	Damaged       int64         // pictures of which a part was missing when the next began
	Stamps        *StampReport  // what the publisher's own count says, where the packets bear it
}

// A StampReport counts a Raw publisher's packets by their stamps. Sequence numbers are a server's own, so
// these alone tell whether it left something out or sent it again under another number.
type StampReport struct {
	Packets  int64 // different ones
	Missing  int64 // between the first and the newest of each stay on a layer, those that never came
	Repeated int64 // that came before, under whatever number
}

// A Delay is how long packets took from capture to arrival.
type Delay struct{ P50, P99, Max time.Duration }

// String is the report in one line of text.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6.1fs", r.Elapsed.Seconds())
	if r.Final {
		fmt.Fprintf(&b, " total, ended: %s", r.End)
		if r.FirstFrame > 0 {
			fmt.Fprintf(&b, ", first picture after %s", ms(r.FirstFrame))
		}
	}
	for _, t := range r.Tracks {
		fmt.Fprintf(&b, " | %s %s", t.Kind, t.Codec)
		if t.Width > 0 {
			fmt.Fprintf(&b, " %dx%d", t.Width, t.Height)
		}
		fmt.Fprintf(&b, " %d kbit/s", t.Bitrate/1000)
		if t.Kind == "video" {
			fmt.Fprintf(&b, " %.1f fps, %d keys, %d freezes", t.FrameRate, t.KeyFrames, t.Freezes)
		}
		fmt.Fprintf(&b, ", lost %d/%d, jitter %s, gap %s", t.Lost, t.Packets+t.Lost, ms(t.Jitter), ms(t.LongestGap))
		if s := t.Stamps; s != nil {
			fmt.Fprintf(&b, ", stamps missing %d, twice %d", s.Missing, s.Repeated)
		}
		if d := t.Delay; d != nil {
			fmt.Fprintf(&b, ", delay %s/%s/%s", ms(d.P50), ms(d.P99), ms(d.Max))
		}
	}
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", milliseconds(d)) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// MarshalJSON writes durations as numbers whose unit stands in their names.
func (r Report) MarshalJSON() ([]byte, error) {
	type delay struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
		Max float64 `json:"max"`
	}
	type stamps struct {
		Packets  int64 `json:"packets"`
		Missing  int64 `json:"missing"`
		Repeated int64 `json:"repeated"`
	}
	type trackJSON struct {
		Kind       string  `json:"kind"`
		Codec      string  `json:"codec"`
		Bitrate    int     `json:"bitrate_bps"`
		FrameRate  float64 `json:"frame_rate"`
		Width      int     `json:"width,omitempty"`
		Height     int     `json:"height,omitempty"`
		Packets    int64   `json:"packets"`
		Bytes      int64   `json:"bytes"`
		Frames     int64   `json:"frames"`
		KeyFrames  int64   `json:"key_frames"`
		Lost       int64   `json:"lost"`
		Repaired   int64   `json:"repaired"`
		Repeated   int64   `json:"repeated"`
		Damaged    int64   `json:"damaged"`
		Jitter     float64 `json:"jitter_ms"`
		Delay      *delay  `json:"delay_ms,omitempty"`
		Freezes    int64   `json:"freezes"`
		LongestGap float64 `json:"longest_gap_ms"`
		Stamps     *stamps `json:"stamps,omitempty"`
	}
	out := struct {
		Elapsed    float64     `json:"elapsed_s"`
		Connected  float64     `json:"connected_ms"`
		FirstFrame float64     `json:"first_frame_ms,omitempty"`
		Tracks     []trackJSON `json:"tracks"`
		Path       *Path       `json:"path,omitempty"`
		Final      bool        `json:"final"`
		End        string      `json:"end,omitempty"`
	}{
		r.Elapsed.Seconds(), milliseconds(r.Connected), milliseconds(r.FirstFrame),
		[]trackJSON{}, r.Path, r.Final, r.End,
	}
	for _, t := range r.Tracks {
		j := trackJSON{
			t.Kind, t.Codec, t.Bitrate, t.FrameRate, t.Width, t.Height, t.Packets, t.Bytes, t.Frames, t.KeyFrames,
			t.Lost, t.Repaired, t.Repeated, t.Damaged, milliseconds(t.Jitter), nil, t.Freezes, milliseconds(t.LongestGap), (*stamps)(t.Stamps),
		}
		if d := t.Delay; d != nil {
			j.Delay = &delay{milliseconds(d.P50), milliseconds(d.P99), milliseconds(d.Max)}
		}
		out.Tracks = append(out.Tracks, j)
	}
	return json.Marshal(out)
}

// WriteReport writes r to w as one line: text, with a table of the path below it where r has one, or JSON.
func WriteReport(w io.Writer, r Report, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	if _, err := fmt.Fprintln(w, r); err != nil || r.Path == nil {
		return err
	}
	return r.Path.write(w)
}
