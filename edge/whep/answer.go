// Package whep answers the offers of viewers (draft-ietf-wish-whep): from an offer and a stream it works
// out what is sent under which payload types, numbers and extension ids. It is pure but for random numbers.
package whep

import (
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"freshet/cluster/stream"
	"freshet/edge/egress"
	"freshet/proto/problem"
	"freshet/proto/rtpq"
)

const (
	sendTimeURI  = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	transportURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
)

// A Node is what an answer says of the edge.
type Node struct {
	Local       egress.Credentials
	Fingerprint string // sha-256, as SDP writes it
	Addresses   []netip.Addr
	Port        uint16
	CName       string
}

// A Result is what was agreed on.
type Result struct {
	SDP         string
	Peer        egress.Credentials
	Fingerprint egress.Fingerprint
	Video       egress.Media
	Audio       egress.Media
}

// Answer answers an offer that passed rtc.CheckOffer with what s has. It returns a *problem.Problem of
// 406 where the viewer can play none of it, or not its video though it asks for video, and of 422 where
// the viewer leaves the first step to the edge.
func Answer(offer string, s *stream.Stream, n Node) (Result, error) {
	var o sdp.SessionDescription
	if err := o.UnmarshalString(offer); err != nil {
		return Result{}, problem.New(http.StatusBadRequest, "sdp-malformed", "SDP not readable", "the offer does not parse as SDP (RFC 8866)")
	}
	a := &answer{offer: &o, stream: s, node: n}
	a.build()
	if why := a.deadlock(); why != "" {
		return Result{}, problem.New(http.StatusUnprocessableEntity, "sdp-unsupported", "SDP not supported", why)
	}
	if a.refused != "" {
		return Result{}, problem.New(http.StatusNotAcceptable, "codec-unsupported", "Codec not supported", a.refused)
	}
	b, err := a.out.Marshal()
	if err != nil {
		return Result{}, err
	}
	a.result.SDP = string(b)
	return a.result, nil
}

// answer is one answer being made.
type answer struct {
	offer   *sdp.SessionDescription
	stream  *stream.Stream
	node    Node
	out     *sdp.SessionDescription
	result  Result
	refused string
}

func (a *answer) build() {
	addr, family := a.address()
	a.out = &sdp.SessionDescription{
		Origin:           sdp.Origin{Username: "-", SessionID: rand.Uint64() >> 2, SessionVersion: 1, NetworkType: "IN", AddressType: family, UnicastAddress: addr},
		SessionName:      "-",
		TimeDescriptions: []sdp.TimeDescription{{}},
	}
	var mids []string
	for _, m := range a.offer.MediaDescriptions {
		mid, _ := m.Attribute("mid")
		d := a.media(m)
		if d == nil {
			d = a.rejected(m)
		} else {
			mids = append(mids, mid)
			a.transport(m)
		}
		d.WithValueAttribute("mid", mid)
		a.out.MediaDescriptions = append(a.out.MediaDescriptions, d)
	}
	if a.refused == "" && len(mids) == 0 {
		a.refused = "the stream has nothing that the offer asks for: it sends " + a.sends()
	}
	a.out.WithValueAttribute("group", strings.Join(append([]string{"BUNDLE"}, mids...), " "))
	if a.mixed() {
		a.out.WithPropertyAttribute("extmap-allow-mixed")
	}
	a.out.WithPropertyAttribute("ice-lite")
	a.out.WithValueAttribute("msid-semantic", " WMS "+a.stream.ID)
}

// media answers one m-line, or returns nil where it is not served.
func (a *answer) media(m *sdp.MediaDescription) *sdp.MediaDescription {
	if has(m, "sendonly") || has(m, "inactive") || m.MediaName.Port.Value == 0 && !has(m, "bundle-only") {
		return nil
	}
	all := formats(m)
	switch m.MediaName.Media {
	case "video":
		if a.result.Video.Codec.Name != "" {
			return nil
		}
		return a.video(m, all)
	case "audio":
		if a.result.Audio.Codec.Name != "" {
			return nil
		}
		return a.audio(m, all)
	}
	return nil
}

func (a *answer) video(m *sdp.MediaDescription, all []format) *sdp.MediaDescription {
	f, codec, any := a.find(stream.Video, all)
	if !any {
		return nil
	}
	if codec.Name == "" {
		a.refused = "the stream's video is " + describe(a.first(stream.Video)) + ", which the offer does not take"
		return nil
	}
	media := egress.Media{Codec: codec, SSRC: rand.Uint32(), RTX: retransmission(all, f.typ)}
	media.Form.Type = f.typ
	if media.RTX != 0 {
		media.RTXSSRC = rand.Uint32()
	}
	d := a.line(m)
	d.WithCodec(f.typ, f.name, f.rate, 0, f.raw)
	feedback := func(what string) { d.WithValueAttribute("rtcp-fb", strconv.Itoa(int(f.typ))+" "+what) }
	// Without RTX nothing is retransmitted: sealing a packet again as it was would need every byte kept.
	if media.RTX != 0 {
		feedback("nack")
	}
	a.extensions(m, d, &media.Form)
	for _, what := range append([]string{"nack pli", "ccm fir"}, congestion(&media.Form)) {
		if feeds(m, f.typ, what) {
			feedback(what)
		}
	}
	if media.RTX != 0 {
		d.WithCodec(media.RTX, "rtx", f.rate, 0, "apt="+strconv.Itoa(int(f.typ)))
		d.WithValueAttribute("ssrc-group", "FID "+number(media.SSRC)+" "+number(media.RTXSSRC))
	}
	a.ssrcs(d, "video", media.SSRC, media.RTXSSRC)
	a.result.Video = media
	return d
}

func (a *answer) audio(m *sdp.MediaDescription, all []format) *sdp.MediaDescription {
	f, codec, any := a.find(stream.Audio, all)
	if !any || codec.Name == "" {
		return nil
	}
	media := egress.Media{Codec: codec, SSRC: rand.Uint32()}
	media.Form.Type = f.typ
	d := a.line(m)
	if red, redParams := redundancy(all, f.typ); red != 0 && a.redundant() {
		media.Form.RED = red
		d.WithCodec(red, "red", 48000, f.channels, redParams)
	}
	d.WithCodec(f.typ, f.name, f.rate, f.channels, f.raw)
	a.extensions(m, d, &media.Form)
	if what := congestion(&media.Form); feeds(m, f.typ, what) {
		d.WithValueAttribute("rtcp-fb", strconv.Itoa(int(f.typ))+" "+what)
	}
	a.ssrcs(d, "audio", media.SSRC, 0)
	a.result.Audio = media
	return d
}

// find returns the viewer's payload type for the first flow of kind that it can take; any says whether
// the stream has such flows at all.
func (a *answer) find(kind stream.Kind, all []format) (f format, c stream.Codec, any bool) {
	for _, flow := range a.stream.Flows {
		if flow.Format.Kind != kind {
			continue
		}
		any = true
		if f, ok := match(all, flow.Format.Codec); ok {
			return f, flow.Format.Codec, true
		}
	}
	return format{}, stream.Codec{}, any
}

func (a *answer) first(kind stream.Kind) stream.Codec {
	for _, flow := range a.stream.Flows {
		if flow.Format.Kind == kind {
			return flow.Format.Codec
		}
	}
	return stream.Codec{}
}

func (a *answer) redundant() bool {
	return slices.ContainsFunc(a.stream.Flows, func(f *stream.Flow) bool { return f.Format.Kind == stream.Audio && f.Format.RED })
}

// secure writes what an m-line says of ICE and DTLS.
func (a *answer) secure(d *sdp.MediaDescription) {
	d.WithICECredentials(a.node.Local.Ufrag, a.node.Local.Pwd)
	d.WithFingerprint("sha-256", a.node.Fingerprint)
	d.WithValueAttribute("setup", "passive")
	d.WithPropertyAttribute("rtcp-mux")
}

// line begins an answered m-line.
func (a *answer) line(m *sdp.MediaDescription) *sdp.MediaDescription {
	d := &sdp.MediaDescription{MediaName: sdp.MediaName{Media: m.MediaName.Media, Port: sdp.RangedPort{Value: int(a.node.Port)}, Protos: m.MediaName.Protos}}
	addr, family := a.address()
	d.ConnectionInformation = &sdp.ConnectionInformation{NetworkType: "IN", AddressType: family, Address: &sdp.Address{Address: addr}}
	a.secure(d)
	d.WithPropertyAttribute("sendonly")
	if has(m, "rtcp-rsize") {
		d.WithPropertyAttribute("rtcp-rsize")
	}
	d.WithValueAttribute("msid", a.stream.ID+" "+m.MediaName.Media)
	for i, addr := range a.node.Addresses {
		d.WithCandidate(Candidate(i, addr, a.node.Port))
	}
	d.WithPropertyAttribute("end-of-candidates")
	return d
}

// Candidate returns the value of a=candidate for the i-th address of the edge, preferred in that order.
func Candidate(i int, addr netip.Addr, port uint16) string {
	priority := 126<<24 | (65535-i)<<8 | 255 // host, component 1: RFC 8445, section 5.1.2.1
	return strconv.Itoa(i+1) + " 1 udp " + strconv.Itoa(priority) + " " + addr.String() + " " + strconv.Itoa(int(port)) + " typ host"
}

// rejected answers an m-line that is not served. There are peers that read it all the same: pion v3 looks
// its format up, GStreamer's webrtcbin wants credentials and a fingerprint. So it has them.
func (a *answer) rejected(m *sdp.MediaDescription) *sdp.MediaDescription {
	d := &sdp.MediaDescription{MediaName: sdp.MediaName{Media: m.MediaName.Media, Protos: m.MediaName.Protos, Formats: m.MediaName.Formats[:min(1, len(m.MediaName.Formats))]}}
	d.ConnectionInformation = &sdp.ConnectionInformation{NetworkType: "IN", AddressType: "IP4", Address: &sdp.Address{Address: "0.0.0.0"}}
	for _, x := range m.Attributes {
		if typ, _, _ := strings.Cut(x.Value, " "); x.Key == "rtpmap" && len(d.MediaName.Formats) > 0 && typ == d.MediaName.Formats[0] {
			d.WithValueAttribute(x.Key, x.Value)
		}
	}
	a.secure(d)
	d.WithPropertyAttribute("inactive")
	return d
}

// congestion returns which feedback the viewer's bandwidth is judged by: transport-wide where its packets are numbered for
// that, else what the receiver itself thinks.
func congestion(form *egress.Form) string {
	if form.Transport != 0 {
		return "transport-cc"
	}
	return "goog-remb"
}

// extensions agrees on the header extensions that both sides know, under the viewer's ids.
func (a *answer) extensions(m, d *sdp.MediaDescription, form *egress.Form) {
	form.Mixed = a.mixed()
	for _, x := range m.Attributes {
		if x.Key != "extmap" {
			continue
		}
		id, uri, _ := strings.Cut(x.Value, " ")
		id, direction, _ := strings.Cut(id, "/")
		uri, _, _ = strings.Cut(uri, " ")
		n, err := strconv.ParseUint(id, 10, 8)
		limit := uint64(14)
		if form.Mixed {
			limit = 255
		}
		if err != nil || n == 0 || n == 15 || n > limit || direction == "sendonly" || direction == "inactive" {
			continue
		}
		if uri == sendTimeURI {
			form.SendTime = uint8(n)
		} else if uri == transportURI && feeds(m, form.Type, "transport-cc") {
			form.Transport = uint8(n)
		} else if c := canonical(uri); c != 0 {
			form.Ext[c] = uint8(n)
		} else {
			continue
		}
		if direction == "recvonly" {
			id += "/sendonly" // RFC 8285, section 6
		}
		d.WithValueAttribute("extmap", id+" "+uri)
	}
}

func canonical(uri string) uint8 {
	for id, u := range rtpq.ExtensionURI {
		if u == uri {
			return id
		}
	}
	return 0
}

func (a *answer) ssrcs(d *sdp.MediaDescription, label string, ssrc, rtx uint32) {
	for _, n := range []uint32{ssrc, rtx} {
		if n != 0 {
			d.WithValueAttribute("ssrc", number(n)+" cname:"+a.node.CName)
			d.WithValueAttribute("ssrc", number(n)+" msid:"+a.stream.ID+" "+label)
		}
	}
}

// transport takes the viewer's side of ICE and DTLS from its first m-line that is served.
func (a *answer) transport(m *sdp.MediaDescription) {
	if a.result.Peer.Ufrag != "" {
		return
	}
	// Copies: what is kept of a viewer must not keep the whole offer with it.
	a.result.Peer = egress.Credentials{Ufrag: strings.Clone(a.value(m, "ice-ufrag")), Pwd: strings.Clone(a.value(m, "ice-pwd"))}
	hash, sum, _ := strings.Cut(a.value(m, "fingerprint"), " ")
	b, _ := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(sum), ":", "")) // CheckOffer has looked at it
	a.result.Fingerprint = egress.Fingerprint{Hash: strings.Clone(strings.ToLower(hash)), Sum: b}
}

func (a *answer) value(m *sdp.MediaDescription, key string) string {
	if v, ok := m.Attribute(key); ok {
		return v
	}
	v, _ := a.offer.Attribute(key)
	return v
}

// deadlock says why neither side would begin: the edge is ICE-lite and a DTLS server, so the viewer must.
func (a *answer) deadlock() string {
	if _, lite := a.offer.Attribute("ice-lite"); lite {
		return "a=ice-lite: the edge is ICE-lite itself, so the viewer must send the checks"
	}
	for _, m := range a.offer.MediaDescriptions {
		if a.value(m, "setup") == "passive" {
			return "a=setup:passive: the viewer must open DTLS, so actpass or active"
		}
	}
	return ""
}

func (a *answer) mixed() bool {
	_, ok := a.offer.Attribute("extmap-allow-mixed")
	return ok
}

func (a *answer) address() (addr, family string) {
	if len(a.node.Addresses) == 0 {
		return "0.0.0.0", "IP4"
	}
	if first := a.node.Addresses[0]; first.Is6() {
		return first.String(), "IP6"
	}
	return a.node.Addresses[0].String(), "IP4"
}

func (a *answer) sends() string {
	var all []string
	for _, flow := range a.stream.Flows {
		if d := flow.Format.Kind.String() + " in " + describe(flow.Format.Codec); !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return strings.Join(all, ", ")
}

func describe(c stream.Codec) string {
	if c.FMTP == "" {
		return c.Name
	}
	return c.Name + " (" + c.FMTP + ")"
}

// feeds says whether m offers RTCP feedback of a kind for typ or for all types.
func feeds(m *sdp.MediaDescription, typ uint8, what string) bool {
	for _, a := range m.Attributes {
		value := strings.TrimRight(a.Value, " ") // pion ends it with one
		if a.Key == "rtcp-fb" && (value == strconv.Itoa(int(typ))+" "+what || value == "* "+what) {
			return true
		}
	}
	return false
}

func has(m *sdp.MediaDescription, key string) bool {
	_, ok := m.Attribute(key)
	return ok
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// Layers returns the layers of the video that viewers of s get, lowest first.
func Layers(s *stream.Stream) (all []stream.Format) {
	for _, f := range s.Flows {
		if f.Format.Kind == stream.Video && (len(all) == 0 || all[0].Track == f.Format.Track) {
			all = append(all, f.Format)
		}
	}
	slices.SortStableFunc(all, func(a, b stream.Format) int { return a.Rank - b.Rank })
	return all
}
