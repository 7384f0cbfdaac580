package whip

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/ice/v2"
	"github.com/pion/sdp/v3"

	"freshet/cluster/stream"
	"freshet/origin/ingest"
	"freshet/proto/problem"
	"freshet/proto/rtpq"
)

// A plan is what an offer comes down to: for each m-line one codec, with its retransmission or
// redundancy, so that the stream's formats are known before the first packet. pion gets to see only
// the offer that text writes from it, never the publisher's own.
type plan struct {
	lines      []line
	ufrag, pwd string
	hash       string // of the DTLS certificate: a=fingerprint
	setup      string
	candidates []string
	allowMixed bool // one- and two-byte header extensions in one stream (RFC 8285)
	flows      []flow
}

// A line is one m-line.
type line struct {
	kind   stream.Kind
	mid    string
	send   bool // the publisher will send; otherwise it is answered inactive
	codec  codec
	helper *codec // RTX of video, RED of audio

	preferred bool // the offer puts the helper first: the publisher would rather send RED

	extensions []extension
	ssrc, rtx  uint32 // 0 where the offer names none
	layers     []layer
	small      bool // reduced-size RTCP (RFC 5506)
}

type extension struct {
	id  uint8
	uri string
}

// A flow is one layer or audio track: where in the plan it comes from and what the stream says of it.
type flow struct {
	line   int
	format stream.Format
}

// Header extensions of the hop between publisher and origin.
const (
	uriMid         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriRID         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	uriRepairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	uriSendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// answered says whether the origin has a use for a header extension.
func answered(uri string) bool {
	switch uri {
	case uriMid, uriRID, uriRepairedRID, uriSendTime, uriTransportCC:
		return true
	}
	return meshID(uri) != 0
}

// meshID returns the id that an extension has in the mesh, 0 where it ends at the origin.
func meshID(uri string) uint8 {
	for id, u := range rtpq.ExtensionURI {
		if u == uri {
			return id
		}
	}
	return 0
}

// newPlan reads an offer that passed rtc.CheckOffer. The error is a *problem.Problem of 422.
func newPlan(offer string) (*plan, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return nil, unsupported("the offer does not parse as SDP")
	}
	first := d.MediaDescriptions[0]
	p := &plan{
		ufrag: value(&d, first, "ice-ufrag"), pwd: value(&d, first, "ice-pwd"),
		hash: value(&d, first, "fingerprint"), setup: orElse(value(&d, first, "setup"), "actpass"),
	}
	_, p.allowMixed = d.Attribute("extmap-allow-mixed")
	for _, m := range d.MediaDescriptions {
		l, err := newLine(m, p.lines, len(d.MediaDescriptions))
		if err != nil {
			return nil, err
		}
		p.lines = append(p.lines, l)
		for _, a := range m.Attributes {
			if a.Key == "candidate" {
				p.addCandidate(a.Value)
			}
		}
	}
	p.addFlows(d.Origin.Username == "rtc") // libdatachannel, that is OBS
	if len(p.flows) == 0 {
		return nil, unsupported("no m-line of the offer sends anything")
	}
	return p, nil
}

// newLine reads one of count m-lines, those before it being read already.
func newLine(m *sdp.MediaDescription, before []line, count int) (line, error) {
	number := strconv.Itoa(len(before) + 1)
	l := line{kind: stream.Video, send: sends(m)}
	if m.MediaName.Media == "audio" {
		l.kind = stream.Audio
	}
	l.mid, _ = m.Attribute("mid")
	_, l.small = m.Attribute("rtcp-rsize")
	all := offeredCodecs(m)
	found := false
	for _, c := range all {
		if c, found = c.known(l.kind); found {
			l.codec = c
			break
		}
	}
	if !found {
		return l, unsupported("m-line " + number + " (" + l.kind.String() + ") offers no codec that is carried: " +
			"H.264 baseline, main or high, VP8, VP9 profile 0 or 2, AV1, Opus in stereo")
	}
	for _, other := range before {
		// pion agrees on codecs once for each kind of media.
		if other.kind == l.kind && (other.codec.pt != l.codec.pt || other.codec.Codec != l.codec.Codec) {
			return l, unsupported("m-lines of one kind must begin with the same codec under the same payload type")
		}
	}
	helper := rtx
	if l.kind == stream.Audio {
		helper = red
	}
	if c, ok := helper(all, l.codec); ok {
		l.helper = &c
		at := func(pt uint8) int { return slices.IndexFunc(all, func(c codec) bool { return c.pt == pt }) }
		l.preferred = l.kind == stream.Audio && at(c.pt) < at(l.codec.pt)
	}
	l.extensions = offeredExtensions(m, before)
	l.ssrc, l.rtx = offeredSSRCs(m, l.helper != nil && l.kind == stream.Video)
	if l.kind == stream.Video {
		l.layers = offeredLayers(m)
	}
	if l.send && l.ssrc == 0 && len(l.layers) == 0 && count > 1 {
		return l, unsupported("m-line " + number + " names neither its SSRC nor rids, so its packets could not be told apart")
	}
	return l, nil
}

// sends says whether an m-line's media flows from the publisher.
func sends(m *sdp.MediaDescription) bool {
	_, receives := m.Attribute("recvonly")
	_, inactive := m.Attribute("inactive")
	_, bundled := m.Attribute("bundle-only") // then port 0 refuses nothing (RFC 8843, section 7.2)
	return !receives && !inactive && (m.MediaName.Port.Value != 0 || bundled)
}

// offeredExtensions returns the header extensions of an m-line that will be answered. One id means one
// extension in all bundled m-lines (RFC 8843); an m-line that breaks this loses the extension.
func offeredExtensions(m *sdp.MediaDescription, before []line) []extension {
	var all []extension
	for _, a := range m.Attributes {
		if a.Key != "extmap" {
			continue
		}
		fields := strings.Fields(a.Value)
		if len(fields) < 2 {
			continue
		}
		number, _, _ := strings.Cut(fields[0], "/")
		id, err := strconv.ParseUint(number, 10, 8)
		e := extension{uint8(id), fields[1]}
		if err != nil || id == 0 || id == 15 || !answered(e.uri) || slices.ContainsFunc(all, e.clashes) {
			continue
		}
		if !slices.ContainsFunc(before, func(l line) bool { return slices.ContainsFunc(l.extensions, e.clashes) }) {
			all = append(all, e)
		}
	}
	return all
}

// clashes says whether both cannot be in use at once.
func (e extension) clashes(o extension) bool { return (e.id == o.id) != (e.uri == o.uri) }

// offeredSSRCs returns an m-line's media SSRC and, where it is repaired, that of its retransmissions
// (RFC 5576). Of several streams without rids, which cannot be told apart by quality, it is the first.
func offeredSSRCs(m *sdp.MediaDescription, repaired bool) (media, repair uint32) {
	repairs := map[uint32]uint32{}
	var all []uint32
	for _, a := range m.Attributes {
		fields := strings.Fields(a.Value)
		switch {
		case a.Key == "ssrc-group" && len(fields) == 3 && fields[0] == "FID":
			repairs[ssrc(fields[2])] = ssrc(fields[1])
		case a.Key == "ssrc" && len(fields) > 0:
			all = append(all, ssrc(fields[0]))
		}
	}
	for _, id := range all {
		if _, isRepair := repairs[id]; !isRepair && id != 0 {
			media = id
			break
		}
	}
	for r, of := range repairs {
		if of == media && repaired {
			repair = r
		}
	}
	return media, repair
}

func ssrc(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// addFlows lists what the m-lines send, the layers of a track from the lowest up.
func (p *plan) addFlows(highestFirst bool) {
	count := map[stream.Kind]int{}
	for i, l := range p.lines {
		if !l.send {
			continue
		}
		count[l.kind]++
		track := l.kind.String()
		if n := count[l.kind]; n > 1 {
			track += "-" + strconv.Itoa(n)
		}
		f := stream.Format{Track: track, Kind: l.kind, Codec: l.codec.Codec, RED: l.kind == stream.Audio && l.helper != nil}
		if len(l.layers) == 0 {
			p.flows = append(p.flows, flow{i, f})
		}
		for rank, y := range order(l.layers, highestFirst) {
			f.RID, f.Rank = y.rid, rank
			p.flows = append(p.flows, flow{i, f})
		}
	}
}

func (p *plan) formats() []stream.Format {
	var all []stream.Format
	for _, f := range p.flows {
		all = append(all, f.format)
	}
	return all
}

// find returns the index of the flow that an m-line's rid carries, -1 where there is none. An m-line
// is "" where it is the only one (pion does not say then).
func (p *plan) find(mid, rid string) int {
	return slices.IndexFunc(p.flows, func(f flow) bool {
		return (p.lines[f.line].mid == mid || mid == "" && len(p.lines) == 1) && f.format.RID == rid
	})
}

// mapping says how to bring the packets of a flow into the mesh's form.
func (p *plan) mapping(flow int) ingest.Mapping {
	l := p.lines[p.flows[flow].line]
	m := ingest.Mapping{Types: map[uint8]uint8{}, Extensions: map[uint8]uint8{}}
	if l.kind == stream.Video {
		m.Types[l.codec.pt] = rtpq.TypeVideo
	} else {
		m.Types[l.codec.pt] = rtpq.TypeOpus
		if l.helper != nil {
			m.Types[l.helper.pt] = rtpq.TypeRED
		}
	}
	for _, e := range l.extensions {
		if id := meshID(e.uri); id != 0 {
			m.Extensions[e.id] = id
		}
	}
	return m
}

// addCandidate keeps a candidate that ICE over UDP can use.
func (p *plan) addCandidate(v string) {
	if c, err := ice.UnmarshalCandidate(v); err == nil && c.NetworkType().IsUDP() {
		p.candidates = append(p.candidates, v)
	}
}

func value(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if v, ok := m.Attribute(key); ok {
		return v
	}
	v, _ := d.Attribute(key)
	return v
}

func unsupported(detail string) *problem.Problem {
	return problem.New(http.StatusUnprocessableEntity, "sdp-unsupported", "SDP not supported", detail)
}
