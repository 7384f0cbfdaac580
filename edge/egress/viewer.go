package egress

import (
	"log/slog"
	"time"

	"freshet/cluster/ring"
	"freshet/cluster/stream"
	"freshet/edge/estimate"
	"freshet/edge/layer"
)

// mono is a moment on the monotonic clock, counted from the start of the shard.
type mono = time.Duration

// Credentials are the ICE credentials of one side.
type Credentials struct{ Ufrag, Pwd string }

// Media is what a viewer's SDP agreed on for one m-line.
type Media struct {
	Form    Form
	Codec   stream.Codec // of the flows that can be sent; empty where the m-line is not served
	RTX     uint8        // payload type of RFC 4588 retransmission, 0 where the viewer knows none
	SSRC    uint32
	RTXSSRC uint32
}

// A Source tells which stream to serve: the newest epoch. It may be called from any goroutine and does not block.
type Source interface{ Stream() *stream.Stream }

// A Join is all that the shard must know of a new viewer. It does not change any more.
type Join struct {
	Session     string
	StreamID    string
	Source      Source
	Local, Peer Credentials
	Fingerprint Fingerprint // of the viewer's certificate
	CName       string
	Video       Media
	Audio       Media
	Standby     bool // it gets no media before Play
	Log         *slog.Logger

	// Ready is called once media can flow, Turned after each Play and Pause that changed something, Ended once when the
	// viewer is gone; all by the shard's loop, so they must not block.
	Ready  func()
	Turned func(plays bool)
	Ended  func(Reason)
}

// How long a viewer may be silent or unfinished.
const (
	handshakeTimeout = 10 * time.Second       // RELIABILITY section 4
	consentTimeout   = 30 * time.Second       // no STUN and no RTCP: gone (RFC 7675)
	probeEvery       = 400 * time.Millisecond // after a sign that the viewer closed ...
	probes           = 5                      // ... it is gone unless it answers one of so many checks
	pliEvery         = time.Second            // PLI and FIR answered, a viewer; each soon after the last doubles it ...
	pliLast          = 16 * time.Second       // ... up to this: a cached group may be far more than the stream's rate
)

// A viewer is owned by its shard's loop; nothing else may touch it. It has no goroutine, channel, lock or timer.
type viewer struct {
	join  Join
	feed  *feed
	place int // in shard.viewers
	seat  int // in feed.viewers, -1 before the keys are there

	// ICE.
	to      endpoint // where it is; no address before the first check
	locals  [2]Credentials
	peer    Credentials
	checks  checkList
	conn    *conn  // while DTLS is needed
	hello   *hello // while the ClientHello is being put together
	added   mono
	seen    mono // last authentic packet
	sentAt  mono // last packet to it
	probing int  // checks left to answer; 0 when not in doubt
	probeAt mono
	doubted bool // in the shard's list of those in doubt
	joined  bool // it was live once
	standby bool // it gets no media
	urgent  bool // it stood by: its picture stands, and any at once is better than a good one soon

	seal   *sealer // nil before the handshake is done
	video  lane
	audio  lane
	choice layer.Chooser
	asked  Selection
	pli    wish

	askedAt  mono // when asked was last heeded at once
	playedAt mono // when it last began to play; 0 where it never stood by

	rtt    time.Duration // 0 while unknown
	resend bucket

	path   *estimate.Estimator // nil where it gives no feedback to go by
	common *commonPath
}

// A lane is one m-line of a viewer: where its packets come from and what they are called. At any time it
// is attached (src), or catching up (catch), or waiting for a key frame (want), or attached and waiting
// to go over to another layer (src and want), or idle.
type lane struct {
	media *Media
	rewriter
	src   *source // it gets what src gets, batch by batch
	shape *shape  // of src or catch.src
	seat  int     // in src.seats

	catch *catchUp

	want     *source // waits for a key frame of it
	wantSeat int     // in want.waiting
	after    int64   // the key frame must be newer than this Seq
	since    mono

	fresh   bool // the next packet of src opens a segment; audio has no key frames to wait for
	rtxSeq  int64
	packets uint32
	octets  uint32
	report  report
	resent  *resent // nil until a packet is asked for again
}

// A resent remembers when numbers were last sent again. Most viewers ask for none.
type resent [64]struct {
	seq uint16
	at  uint32 // ms of the shard's clock, of which 49 days are told apart; 0: never
}

// again notes that number n is sent again at now. It returns false where that was done less than apart before.
func (r *resent) again(n uint16, now mono, apart time.Duration) bool {
	last := &r[n%uint16(len(r))]
	ms := uint32(now/time.Millisecond) | 1
	if last.seq == n && last.at != 0 && time.Duration(ms-last.at)*time.Millisecond < apart {
		return false
	}
	last.seq, last.at = n, ms
	return true
}

// A catchUp is the way from a cached key frame to live.
type catchUp struct {
	src   *source
	shape *shape
	pos   int64 // Seq of the next packet
	key   uint32
	lastT uint32 // timestamp of the last packet sent
	began mono
	took  time.Duration // to become live; 0: at once
	hole  mono          // since when the packet at pos is missing; -1 when it is not
	until mono          // by then it is live, or goes on to a newer key frame
}

// served says whether the m-line was agreed on.
func (l *lane) served() bool { return l.media.Codec.Name != "" }

// flow returns the flow that the lane shows or is on its way to show, nil when idle.
func (l *lane) flow() *stream.Flow {
	switch {
	case l.want != nil:
		return l.want.flow
	case l.catch != nil:
		return l.catch.src.flow
	case l.src != nil:
		return l.src.flow
	}
	return nil
}

// fits says whether packets of codec c may be sent under what the viewer agreed on.
func (m *Media) fits(c stream.Codec) bool {
	return m.Codec.Name == c.Name && m.Codec.ClockRate == c.ClockRate
}

// put seals q for the viewer's lane l into the batch.
func (v *viewer) put(b *batch, l *lane, q *prepared, now mono) {
	if l.fresh {
		l.open(q.p, now)
	}
	n, ts, ok := l.rewriter.place(q.p.Seq, q.p.Timestamp, q.p.Marker, now)
	if !ok {
		return
	}
	l.packets++
	l.octets += uint32(len(q.body))
	v.resend.earn(len(q.body))
	own := numbers{ssrc: l.media.SSRC, n: n, ts: ts}
	if q.picture.At > 0 {
		own.picture, own.names = &q.picture, l.name(&q.picture, n == l.high)
	}
	v.number(&own, q, len(q.head)+len(q.body), now)
	b.add(&v.to, v.seal.seal(b.room(len(q.head)+len(q.body)+maxExpansion), q.head, q.body, &own))
}

// open begins the segment of a lane that joined a source without a key frame.
func (l *lane) open(p *ring.Packet, now mono) {
	out := l.lastTS
	if l.started {
		out = l.next(l.src.flow, p.Timestamp, now)
	}
	l.begin(l.src.flow, p.Seq, p.Timestamp, out, speedOne, now)
	l.fresh = false
}

// A Fingerprint is a viewer's certificate as its offer names it.
type Fingerprint struct {
	Hash string // sha-256, sha-384, sha-512
	Sum  []byte
}

// A wish is when a viewer's wish for a key frame was last heeded.
type wish struct {
	at   mono // 0: never
	wait time.Duration
}

// heed says whether another one is heeded at now.
func (r *wish) heed(now mono) bool {
	switch {
	case r.at == 0 || now-r.at >= 2*r.wait:
		r.wait = pliEvery
	case now-r.at < r.wait:
		return false
	default:
		r.wait = min(2*r.wait, pliLast)
	}
	r.at = now
	return true
}

// A Selection is what a viewer asked to see.
type Selection struct {
	AudioOnly bool
	Fixed     bool // RID is asked for; else the edge chooses by feedback
	RID       string
}
