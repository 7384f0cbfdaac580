package load

import "time"

// An End is why a viewer's session ended.
type End string

// The ends. EndStopped and EndNotStarted are nobody's fault; a viewer of any other has failed.
const (
	EndStopped    End = "stopped"     // it was told to leave
	EndNotStarted End = "not started" // the swarm was stopped before it was due
	EndBye        End = "bye"         // the server ended the stream
	EndLost       End = "lost"        // nothing from the server for some seconds, not even an answer to STUN
	EndRefused    End = "refused"     // an HTTP status other than 201
	EndHTTP       End = "http"        // no HTTP answer
	EndAnswer     End = "answer"      // an answer that cannot be used
	EndICE        End = "ice"         // no check was answered
	EndDTLS       End = "dtls"        // the handshake came to nothing
	EndPicture    End = "no picture"  // connected, and no whole key frame in time
	EndSelf       End = "self"        // this machine's fault: no socket
)

func (e End) failed() bool { return e != EndStopped && e != EndNotStarted }

// A ViewerRecord is what one viewer of a swarm saw. Times are milliseconds since it was due, 0 for what it did
// not come to; counts are of the whole session, of picture and sound together where nothing else is said.
type ViewerRecord struct {
	Viewer int     `json:"viewer"`
	Due    float64 `json:"due_ms"`  // since the ramp began
	Late   float64 `json:"late_ms"` // how much later it was really started; part of all times below

	Answer       float64 `json:"answer_ms"`
	ICE          float64 `json:"ice_ms"`
	DTLS         float64 `json:"dtls_ms"`
	FirstPacket  float64 `json:"first_packet_ms"`
	FirstPicture float64 `json:"first_picture_ms"` // the first key frame was whole; of sound alone, its first packet

	End    End    `json:"end"`
	Detail string `json:"detail,omitempty"` // what there is to say of a failure
	SRTP   string `json:"srtp,omitempty"`   // gcm or cm, as agreed on
	Codec  string `json:"codec,omitempty"`  // of the picture

	Packets   int64 `json:"packets"`
	Bytes     int64 `json:"bytes"`      // of RTP payload
	Frames    int64 `json:"frames"`     // whole pictures
	KeyFrames int64 `json:"key_frames"` // of them
	Damaged   int64 `json:"damaged"`    // pictures of which a part never came
	Lost      int64 `json:"lost"`       // of the numbers between the first packet and the newest
	Repaired  int64 `json:"repaired"`   // packets that came after later ones: resent, or overtaken
	Repeated  int64 `json:"repeated"`   // packets that came twice
	Dropped   int64 `json:"dropped"`    // packets for which there was no room at the viewer: this machine was too slow
	Forged    int64 `json:"forged"`     // packets that did not open

	Freezes    int64   `json:"freezes"`        // gaps between pictures over max(3 × mean, mean + 150 ms)
	Frozen     float64 `json:"frozen_ms"`      // their length
	LongestGap float64 `json:"longest_gap_ms"` // between two pictures
	Jitter     float64 `json:"jitter_ms"`      // of the picture, at the end (RFC 3550)

	DelayP50 *float64 `json:"delay_p50_ms,omitempty"` // steady window, where packets bear a stamp: within 10 %
	DelayP99 *float64 `json:"delay_p99_ms,omitempty"`

	Steady SteadyCounts `json:"steady"`
}

// SteadyCounts are those of the steady window.
type SteadyCounts struct {
	Packets  int64 `json:"packets"`
	Bytes    int64 `json:"bytes"`
	Filtered int64 `json:"filtered"` // of Packets, those that the kernel dropped because they were to be dropped
	Freezes  int64 `json:"freezes"`
}

// A Spread says how a figure lies over many viewers.
type Spread struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// A Slice is a piece of the steady window.
type Slice struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Delay Spread    `json:"delay_ms"` // of packets; N is 0 where none bore a stamp
}

// A SwarmResult is what a swarm saw.
type SwarmResult struct {
	URL       string   `json:"whep"`
	Mode      Mode     `json:"mode"`
	LeavesOut []string `json:"leaves_out"`
	SRTP      string   `json:"srtp"`
	Wanted    int      `json:"viewers_wanted"`
	Ramp      float64  `json:"ramp_per_s"`

	Began         time.Time `json:"began"`
	RampSeconds   float64   `json:"ramp_s"`   // from the first offer until the last viewer had joined or failed
	SteadySeconds float64   `json:"steady_s"` // 0 where it did not come to that
	Stopped       bool      `json:"stopped_early"`

	Joined   int         `json:"joined"` // had a picture
	Failed   int         `json:"failed"` // did not, or ended before they were told to
	Failures map[End]int `json:"failures,omitempty"`

	Late         Spread `json:"late_ms"` // this program's own lateness
	Answer       Spread `json:"answer_ms"`
	ICE          Spread `json:"ice_ms"`
	DTLS         Spread `json:"dtls_ms"`
	FirstPacket  Spread `json:"first_packet_ms"`
	FirstPicture Spread `json:"first_picture_ms"`

	Packets int64   `json:"packets"`
	Frames  int64   `json:"frames"`
	Lost    int64   `json:"lost"`
	Dropped int64   `json:"dropped"`
	Freezes int64   `json:"freezes"`
	Frozen  float64 `json:"frozen_ms"`
	Delay   *Spread `json:"delay_ms,omitempty"` // of packets, steady window; nil where none bore a stamp

	Slices []Slice `json:"slices,omitempty"` // of the steady window, where they were asked for

	Steady     SteadyCounts `json:"steady"`
	PacketRate float64      `json:"packets_per_s"`
	Bitrate    float64      `json:"bitrate_bps"`

	Server     *ServerUse `json:"server,omitempty"`
	ServerGone bool       `json:"server_gone,omitempty"` // the process ended meanwhile
	Own        OwnUse     `json:"own"`

	Bounds  []Bound        `json:"bounds,omitempty"`
	Viewers []ViewerRecord `json:"viewers"`
}

// ServerUse is what the server's process took in the steady window.
type ServerUse struct {
	PID             int     `json:"pid"`
	CPUSeconds      float64 `json:"cpu_s"` // user and system
	Cores           float64 `json:"cores"`
	MicrosPerPacket float64 `json:"us_per_packet"`
	RSSBefore       int64   `json:"rss_before_bytes"` // before the first viewer
	RSS             int64   `json:"rss_bytes"`        // at the end of the window
	RSSPerViewer    float64 `json:"rss_growth_per_viewer_bytes"`
	Threads         int     `json:"threads"`
}

// OwnUse is what this program took in the steady window.
type OwnUse struct {
	Cores      float64 `json:"cores"`
	RSS        int64   `json:"rss_bytes"`
	Goroutines int     `json:"goroutines"`
}

// SwarmBounds are what must not be exceeded; nil: anything goes.
type SwarmBounds struct {
	P99Join  *time.Duration // to the first picture
	P99Delay *time.Duration // of packets, in the steady window
	Lost     *int64         // packets of all viewers
	Freezes  *int64
	Failed   *int64 // viewers
	Cores    *float64
}

// A Bound is one that was stated, and what came out.
type Bound struct {
	Name  string   `json:"name"`
	Limit float64  `json:"limit"`
	Value *float64 `json:"value"` // nil where there was nothing to measure it by
	Unit  string   `json:"unit"`
	OK    bool     `json:"ok"`
}

// A SwarmProgress says how far a swarm has come. Rates are of the last second.
type SwarmProgress struct {
	Phase                          string
	Elapsed                        time.Duration
	Viewers                        int
	Started, Joined, Failed, Ended int64 // Ended: had joined, and ended before they were told to
	PacketRate, Bitrate            float64

	packets, bytes int64
}
