package egress

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig drives one shard by hand, under a clock of its own: no loop runs, each round is called. Sockets,
// sealing and rings are the real ones.
type rig struct {
	t   testing.TB
	e   *Egress
	s   *Shard
	now time.Time
	reg *prometheus.Registry
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), reg: prometheus.NewRegistry()}
	e, err := New(Config{Media: netip.MustParseAddrPort("127.0.0.1:0"), Shards: 1},
		Deps{Log: slog.New(slog.DiscardHandler), Metrics: r.reg, Now: func() time.Time { return r.now }})
	if err != nil {
		t.Fatal(err)
	}
	r.e, r.s = e, e.shards[0]
	t.Cleanup(func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// step lets d pass in rounds of 5 ms, and calls each after each.
func (r *rig) step(d time.Duration, each func()) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(5 * time.Millisecond)
		r.s.round()
		if each != nil {
			each()
		}
	}
}

type source1 struct{ s *stream.Stream }

func (s source1) Stream() *stream.Stream { return s.s }

// client is a viewer's end: a socket and the keys.
type client struct {
	r       *rig
	v       *viewer
	sock    *socket
	in      *srtp.Context
	out     *srtp.Context
	packets []rtp.Packet
	at      []time.Time
	reports []rtcp.Packet
	ended   []Reason
	turns   []bool
}

func (r *rig) media(form Form, codec stream.Codec, rtx uint8, ssrc uint32) Media {
	return Media{Form: form, Codec: codec, RTX: rtx, SSRC: ssrc, RTXSSRC: ssrc + 100}
}

var (
	vp8  = stream.Codec{Name: "VP8", ClockRate: 90000}
	opus = stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2}
)

// key makes keys that differ for each viewer.
func key(n int) (k [2][]byte, salt [2][]byte) {
	for i := range 2 {
		k[i], salt[i] = make([]byte, 16), make([]byte, 12)
		binary.BigEndian.PutUint32(k[i], uint32(n*2+i))
		binary.BigEndian.PutUint32(salt[i], uint32(n*2+i))
	}
	return k, salt
}

// join seats a viewer of s, as after its handshake.
func (r *rig) join(s *stream.Stream, session string, video, audio Form) *client {
	r.t.Helper()
	sock, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = sock.close() })
	return r.joinAt(sock, s, session, video, audio)
}

// joinAt is join with a socket that is there already.
func (r *rig) joinAt(sock *socket, s *stream.Stream, session string, video, audio Form) *client {
	r.t.Helper()
	return r.joinAs(sock, s, Join{Session: session}, video, audio)
}

// standby seats a session of s that stands by.
func (r *rig) standby(s *stream.Stream, session string) *client {
	r.t.Helper()
	sock, err := openSocket(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = sock.close() })
	return r.joinAs(sock, s, Join{Session: session, Standby: true}, Form{Type: 96}, Form{Type: 111})
}

// joinAs seats a viewer of what j says and the rest that every one has.
func (r *rig) joinAs(sock *socket, s *stream.Stream, j Join, video, audio Form) *client {
	r.t.Helper()
	c := &client{r: r, sock: sock}
	session := j.Session
	at := r.now.Sub(r.s.started)
	r.s.now = at
	n := len(r.s.viewers) + 1
	r.s.admit(Join{
		Session: session, Standby: j.Standby, StreamID: s.ID, Source: source1{s}, CName: "c", Log: slog.New(slog.DiscardHandler),
		Local: Credentials{session, "password-of-the-edge-side"}, Peer: Credentials{"peer", "password-of-the-viewer-side"},
		Video: r.media(video, vp8, 97, uint32(1000*n)), Audio: r.media(audio, opus, 0, uint32(1000*n+1)),
		Ready: func() {}, Turned: func(plays bool) { c.turns = append(c.turns, plays) }, Ended: func(why Reason) { c.ended = append(c.ended, why) },
	}, at)
	c.v = r.s.bySess[session]
	r.s.move(c.v, sock.local)
	k, salt := key(n)
	var err error
	if c.v.seal, err = newGCM(k[0], salt[0], k[1], salt[1]); err != nil {
		r.t.Fatal(err)
	}
	if c.in, err = srtp.CreateContext(k[0], salt[0], srtp.ProtectionProfileAeadAes128Gcm, srtp.SRTPReplayProtection(1024)); err != nil {
		r.t.Fatal(err)
	}
	if c.out, err = srtp.CreateContext(k[1], salt[1], srtp.ProtectionProfileAeadAes128Gcm); err != nil {
		r.t.Fatal(err)
	}
	r.s.enter(c.v, at)
	r.s.batch.flush()
	return c
}

// read takes what has arrived. pion's replay protection fails on a number that comes twice.
func (c *client) read() {
	c.r.t.Helper()
	c.sock.receive(1<<20, func(b []byte, _ netip.AddrPort) {
		if b[0] < 128 {
			return // a check of ICE
		}
		if b[1] >= 192 && b[1] <= 223 {
			plain, err := c.in.DecryptRTCP(nil, b, nil)
			if err != nil {
				c.r.t.Fatalf("srtcp: %v", err)
			}
			all, err := rtcp.Unmarshal(plain)
			if err != nil {
				c.r.t.Fatalf("rtcp: %v", err)
			}
			c.reports = append(c.reports, all...)
			return
		}
		plain, err := c.in.DecryptRTP(nil, b, nil)
		if err != nil {
			c.r.t.Fatalf("srtp: %v", err)
		}
		var p rtp.Packet
		if err := p.Unmarshal(plain); err != nil {
			c.r.t.Fatalf("rtp: %v", err)
		}
		c.packets, c.at = append(c.packets, p), append(c.at, c.r.now)
	})
}

// send hands RTCP of the client to the shard.
func (c *client) send(all ...rtcp.Packet) {
	c.r.t.Helper()
	b, err := rtcp.Marshal(all)
	if err != nil {
		c.r.t.Fatal(err)
	}
	sealed, err := c.out.EncryptRTCP(nil, b, nil)
	if err != nil {
		c.r.t.Fatal(err)
	}
	c.r.s.datagram(sealed, c.sock.local)
}

// of returns what came on an SSRC in the order of its numbers, and when.
func (c *client) of(ssrc uint32) (all []rtp.Packet, at []time.Time) {
	var order []int
	for i := range c.packets {
		if c.packets[i].SSRC == ssrc {
			order = append(order, i)
		}
	}
	if len(order) == 0 {
		return nil, nil
	}
	first := c.packets[order[0]].SequenceNumber
	slices.SortStableFunc(order, func(a, b int) int {
		return int(int16(c.packets[a].SequenceNumber-first)) - int(int16(c.packets[b].SequenceNumber-first))
	})
	for _, i := range order {
		all, at = append(all, c.packets[i]), append(at, c.at[i])
	}
	return all, at
}

func (c *client) video() (all []rtp.Packet, at []time.Time) { return c.of(c.v.video.media.SSRC) }

// tape writes a stream: VP8 of a few packets a frame, 30 frames a second, under the rig's clock.
type tape struct {
	r     *rig
	s     *stream.Stream
	start time.Time
	frame int
	asked int
	seq   []uint16

	carries func(*stream.Flow) bool // what reaches this node of a layer, nil for all
	size    []int                   // of a layer's packets, some 620 where nil
}

const perFrame = 3

func (r *rig) tape(id string, epoch uint64, rids ...string) *tape {
	p := &tape{r: r, start: r.now}
	var formats []stream.Format
	for i, rid := range rids {
		formats = append(formats, stream.Format{Track: "v", Kind: stream.Video, RID: rid, Rank: i, Codec: vp8})
	}
	formats = append(formats, stream.Format{Track: "a", Kind: stream.Audio, Codec: opus, RED: true})
	p.s = stream.New(id, epoch, nil, formats, func(*stream.Flow) { p.asked++ })
	p.seq = make([]uint16, len(formats))
	return p
}

func (p *tape) at(frame int) time.Time { return p.start.Add(time.Duration(frame) * time.Second / 30) }

// packet makes packet n of the present frame of a layer.
func (p *tape) packet(layer, n int, key bool) []byte {
	size := 600
	if p.size != nil {
		size = p.size[layer]
	}
	b := make([]byte, 20, size+20-n)
	if n == 0 {
		b[0] = 0x10
	}
	if !key || n > 0 {
		b[1] = 1
	}
	binary.BigEndian.PutUint32(b[4:], uint32(p.frame))
	b[8], b[9] = byte(n), byte(layer)
	return marshal(p.r.t, rtp.Header{SequenceNumber: p.seq[layer] + uint16(n), Timestamp: uint32(p.frame) * 3000,
		PayloadType: rtpq.TypeVideo, Marker: n == perFrame-1}, b[:cap(b)])
}

// video writes a frame of each layer, but for the packets that skip names.
func (p *tape) video(key bool, skip ...int) {
	for layer, f := range p.s.Flows {
		if f.Format.Kind != stream.Video {
			continue
		}
		for n := range perFrame {
			if !slices.Contains(skip, n) && (p.carries == nil || p.carries(f)) {
				p.write(f, p.packet(layer, n, key))
			}
		}
		p.seq[layer] += perFrame
	}
	p.frame++
}

func (p *tape) write(f *stream.Flow, b []byte) {
	if _, err := f.Write(b, p.r.now); err != nil {
		p.r.t.Fatal(err)
	}
}

// due writes the frames whose time has come.
func (p *tape) due(key func(frame int) bool) {
	for !p.at(p.frame).After(p.r.now) {
		p.video(key(p.frame))
	}
}

// sound writes the packets of 20 ms each whose time has come.
func (p *tape) sound() {
	flow := len(p.s.Flows) - 1
	for ; !p.start.Add(time.Duration(p.seq[flow]) * 20 * time.Millisecond).After(p.r.now); p.seq[flow]++ {
		p.write(p.s.Flows[flow], marshal(p.r.t, rtp.Header{
			SequenceNumber: p.seq[flow], Timestamp: uint32(p.seq[flow]) * 960, PayloadType: rtpq.TypeOpus,
		}, make([]byte, 92)))
	}
}

// record lets d of media pass without a viewer.
func (p *tape) record(d time.Duration, key func(frame int) bool) {
	for end := p.r.now.Add(d); p.r.now.Before(end); p.r.now = p.r.now.Add(5 * time.Millisecond) {
		p.due(key)
	}
}

func marshal(t testing.TB, h rtp.Header, payload []byte) []byte {
	h.Version, h.SSRC = 2, 9
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func layerOf(p *rtp.Packet) int { return int(p.Payload[9]) }

func frameOf(p *rtp.Packet) int { return int(binary.BigEndian.Uint32(p.Payload[4:])) }

func onlyFirst(frame int) bool { return frame == 0 }
