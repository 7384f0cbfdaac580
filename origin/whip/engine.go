package whip

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v3"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
)

const (
	// mtu is the largest RTP packet read. Publishers send what fits Ethernet; larger ones are dropped.
	mtu = 1600

	// A publisher that says nothing for iceDisconnected is away, and after iceFailed more it is given up.
	// Its backup took over long before; this is how long it may take to restart ICE.
	iceDisconnected = 3 * time.Second
	iceFailed       = 5 * time.Second
	iceKeepalive    = time.Second

	// nackInterval trades how fast a loss is repaired against asking twice over long paths.
	nackInterval = 30 * time.Millisecond
	// nackTries of one packet: after 300 ms a key frame is the better repair.
	nackTries = 10

	// reportInterval of transport-wide congestion feedback: what browsers' bandwidth estimators expect.
	reportInterval = 100 * time.Millisecond

	socketBuffer = 4 << 20 // bytes: a second of thirty publishers
)

// An engine makes PeerConnections. All of pion's settings stand here.
type engine struct {
	mux         ice.UDPMux
	addr        netip.AddrPort
	advertise   []string
	loopback    bool
	certificate webrtc.Certificate
	logs        logging.LoggerFactory
}

// newEngine binds the UDP socket that all publishers' media shares.
func newEngine(media string, advertise []netip.Addr, logs logging.LoggerFactory) (*engine, error) {
	addr, err := net.ResolveUDPAddr("udp", media)
	if err != nil {
		return nil, fmt.Errorf("media address %q: %w", media, err)
	}
	cert, _, err := rtc.NewCertificate()
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("media port: %w", err)
	}
	// The system may give less; it counts what it drops.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	e := &engine{
		mux:         ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: logs.NewLogger("ice")}),
		addr:        conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		certificate: webrtc.CertificateFromX509(cert.PrivateKey, cert.Leaf),
		logs:        logs,
	}
	e.loopback = e.addr.Addr().Unmap().IsLoopback()
	e.advertise = onePerFamily(advertise)
	return e, nil
}

// onePerFamily returns the first IPv4 and the first IPv6 address: pion maps every local address of a
// family to one public one.
func onePerFamily(all []netip.Addr) (kept []string) {
	var four, six bool
	for _, a := range all {
		a = a.Unmap()
		seen := &six
		if a.Is4() {
			seen = &four
		}
		if !*seen {
			kept = append(kept, a.String())
		}
		*seen = true
	}
	return kept
}

func (e *engine) close() error { return e.mux.Close() }

// connection makes the PeerConnection for a plan. hooks see what pion has no callback for.
func (e *engine) connection(p *plan, h hooks) (*webrtc.PeerConnection, error) {
	media, err := mediaEngine(p)
	if err != nil {
		return nil, err
	}
	interceptors, err := newInterceptors(h)
	if err != nil {
		return nil, err
	}
	s, err := e.settings(p, h)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(interceptors), webrtc.WithSettingEngine(s))
	// No ICE servers, ever: STUN answers are not decoded on nodes (RELIABILITY, section 7).
	return api.NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{e.certificate}, SDPSemantics: webrtc.SDPSemanticsUnifiedPlan,
	})
}

func (e *engine) settings(p *plan, h hooks) (webrtc.SettingEngine, error) {
	s := webrtc.SettingEngine{LoggerFactory: e.logs, BufferFactory: h.buffer}
	s.SetICEUDPMux(e.mux)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.DisableActiveTCP(true)
	s.SetIncludeLoopbackCandidate(e.loopback)
	if len(e.advertise) > 0 {
		s.SetNAT1To1IPs(e.advertise, webrtc.ICECandidateTypeHost)
	}
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	s.SetReceiveMTU(mtu)
	// GCM costs a sixth of CM in Go (EGRESS-FINDINGS).
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	// RFC 8842, section 5.3: take the role that the offer leaves.
	role := webrtc.DTLSRoleClient
	if p.setup == "active" {
		role = webrtc.DTLSRoleServer
	}
	return s, s.SetAnsweringDTLSRole(role)
}

// mediaEngine knows the codecs of the plan under the publisher's own numbers and nothing else.
func mediaEngine(p *plan) (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	for _, l := range p.lines {
		kind := webrtc.RTPCodecTypeVideo
		if l.kind == stream.Audio {
			kind = webrtc.RTPCodecTypeAudio
		}
		codecs := []codec{l.codec}
		if l.helper != nil {
			codecs = append(codecs, *l.helper)
		}
		for _, c := range codecs {
			if err := m.RegisterCodec(c.parameters(l.kind), kind); err != nil {
				return nil, fmt.Errorf("codec %s: %w", c.Name, err)
			}
		}
		for _, x := range l.extensions {
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: x.uri}, kind); err != nil {
				return nil, fmt.Errorf("header extension: %w", err)
			}
		}
	}
	return m, nil
}

func (c codec) parameters(kind stream.Kind) webrtc.RTPCodecParameters {
	p := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(c.pt)}
	p.MimeType, p.ClockRate, p.Channels, p.SDPFmtpLine = kind.String()+"/"+c.Name, c.ClockRate, c.Channels, c.FMTP
	for _, f := range feedbacks {
		if c.wants(f) {
			p.RTCPFeedback = append(p.RTCPFeedback, feedback(f))
		}
	}
	return p
}

// newInterceptors asks again for what is lost (RFC 4585) and reports on what arrives (RFC 3550 and
// transport-wide), each only where it was agreed on.
func newInterceptors(h hooks) (*interceptor.Registry, error) {
	lost, err := nack.NewGeneratorInterceptor(nack.GeneratorInterval(nackInterval), nack.GeneratorMaxNacksPerPacket(nackTries),
		nack.GeneratorSize(1024))
	if err != nil {
		return nil, fmt.Errorf("nack: %w", err)
	}
	reports, err := report.NewReceiverInterceptor()
	if err != nil {
		return nil, fmt.Errorf("receiver reports: %w", err)
	}
	congestion, err := twcc.NewSenderInterceptor(twcc.SendInterval(reportInterval))
	if err != nil {
		return nil, fmt.Errorf("congestion feedback: %w", err)
	}
	r := &interceptor.Registry{}
	r.Add(filterRTCP{h}) // below the others: it sees what they write
	r.Add(lost)
	r.Add(reports)
	r.Add(congestion)
	r.Add(readRTCP{h}) // above the others: it reads through them
	return r, nil
}
