package member

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

const (
	tellGap     = 200 * time.Millisecond // between two words of this node, however much changes
	tellEvery   = time.Second            // though nothing changed: load and round trips do
	tellNodes   = 64                     // a second, by all nodes together: beyond that each speaks more rarely
	refresh     = 4                      // parts of announcements a word, in turn, whose figures changed or that someone may lack
	tellCert    = 4 * time.Second        // the certificate again, for who has missed it
	introduce   = 5 * time.Second        // of a process, or of a new certificate: it comes with each word
	maxQueued   = 4096                   // messages to pass on; the ones sent most often go
	sweepEvery  = 5 * time.Second
	partingWait = 2 * time.Second // for the last word to reach anybody
)

// A voice is what the goroutine that tells knows of its own words.
type voice struct {
	packer  packer
	version uint64
	turn    int // part that is refreshed next
	cert    []byte
	newAt   time.Time     // since when it is cert
	certAt  time.Time     // when it was told last
	sent    chan struct{} // closed when the next facts are on their way to others
}

// tell says what this node is: at once when that changes, and again and again since figures age.
func (m *Member) tell(ctx context.Context, v *voice) {
	swept, replaced := m.now(), m.table.replaced
	for {
		changed := m.d.Changed()
		m.speak(v, false)
		if now := m.now(); now.Sub(swept) >= sweepEvery {
			swept = now
			m.table.sweep(now)
			m.queue.Prune(maxQueued)
		}
		m.count()
		if !sleep(ctx, tellGap) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-replaced:
			m.m.superseded.Set(1)
			m.log.Error("a newer process runs under this node's name, this one counts no more")
			replaced = nil
		case <-changed:
		case <-time.After(m.pause() - tellGap):
		}
	}
}

// pause is how long this node is silent while nothing changes.
func (m *Member) pause() time.Duration {
	return max(tellEvery, time.Duration(m.table.size())*time.Second/tellNodes)
}

// Slack is how much longer than a second nodes are silent while all is well, in a mesh of as many as this.
func (m *Member) Slack() time.Duration { return m.pause() - tellEvery }

func (t *table) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.nodes)
}

// speak signs the facts, and announcements that changed, and queues them.
func (m *Member) speak(v *voice, leaving bool) {
	s := proto.CloneOf(m.d.Facts(m.now()))
	parts := v.packer.pack(s.Announcements)
	m.m.streamsOver.Set(float64(v.packer.over))
	for range min(refresh, len(v.packer.parts)) {
		v.turn = v.turn%len(v.packer.parts) + 1
		parts = append(parts, v.turn)
	}
	s.Announcements, s.Part, s.Parts = nil, 0, uint32(len(v.packer.parts))
	s.Role, s.Region, s.Leaving = m.cfg.Role, m.cfg.Region, leaving
	if s.Addresses == nil {
		s.Addresses = &pb.Addresses{}
	}
	s.Addresses.Gossip = m.Addr()
	s.GossipKeys = m.ring.ids()
	s.Coordinate = writeCoordinate(m.here.GetCoordinate())
	m.say(v, s)
	slices.Sort(parts)
	for _, i := range slices.Compact(parts) {
		m.say(v, &pb.NodeState{Part: uint32(i), Announcements: v.packer.parts[i-1].list})
	}
}

// say signs one part and queues it, with the certificate where that is due.
func (m *Member) say(v *voice, s *pb.NodeState) {
	v.version++
	s.Node, s.Boot, s.StartedMs, s.Version = m.cfg.Node, m.boot.id, m.boot.started, v.version
	signed, cert, err := m.sign(s)
	if err != nil {
		m.m.untold.Inc()
		m.log.Error("what this node says of itself does not go out", "err", err)
		return
	}
	now := m.now()
	if !bytes.Equal(cert, v.cert) {
		v.cert, v.newAt = cert, now
		m.table.learn(cert, now)
	}
	m.table.putOwn(s, signed, now)
	m.m.told.Inc()
	msg, word := &pb.MeshMessage{State: signed}, &broadcast{name: stateName(s)}
	if s.Part == 0 {
		word.sent, v.sent = v.sent, nil
		if now.Sub(v.newAt) < introduce || now.Sub(v.certAt) >= tellCert {
			v.certAt, msg.Certificate = now, cert
		}
	}
	if proto.Size(msg) > maxMessage {
		msg.Certificate = nil
		m.pass(&broadcast{name: certificateName(cert)}, &pb.MeshMessage{Certificate: cert})
	}
	m.pass(word, msg)
}

// sign returns s as others take it, and the certificate that they need for it.
func (m *Member) sign(s *pb.NodeState) (signed *pb.SignedState, cert []byte, err error) {
	if err := checkState(s); err != nil {
		return nil, nil, err
	}
	b, err := proto.Marshal(s)
	if err != nil {
		return nil, nil, err
	}
	sig, cert, err := m.d.Identity.Sign(domain, b)
	if err != nil {
		return nil, nil, err
	}
	if n := len(b) + len(sig) + shortID; n > maxSigned {
		return nil, nil, fmt.Errorf("%d bytes, at most %d", n, maxSigned)
	}
	return signedState(b, sig, cert), cert, nil
}

func stateName(s *pb.NodeState) string { return "state/" + s.Node + "/" + strconv.Itoa(int(s.Part)) }

func certificateName(der []byte) string { return "certificate/" + certificateID(der) }

// pass queues msg in the place of an older one of its name.
func (m *Member) pass(as *broadcast, msg *pb.MeshMessage) {
	b, err := proto.Marshal(msg)
	if err != nil || len(b) > maxMessage {
		m.m.untold.Inc()
		return
	}
	as.b = b
	m.queue.QueueBroadcast(as)
}

// part says that this node leaves, and waits until that is on its way: before memberlist tells that the process is gone, or
// others would hold it for dead.
func (m *Member) part(v *voice) bool {
	sent := make(chan struct{})
	v.sent = sent
	m.speak(v, true)
	select {
	case <-sent:
		return true
	case <-time.After(partingWait):
		return false
	}
}

// newQueue returns a queue that is never empty: memberlist's numbers its messages from the start again whenever it is, though
// some of them are still under way, and of two with one number and one length the first is lost (hashicorp/memberlist#263).
// The words of a node that this hits once are lost for as long as others' come in the same order. What keeps the queue from
// that is too long for any packet, and so never sent.
func newQueue(nodes func() int) *memberlist.TransmitLimitedQueue {
	q := &memberlist.TransmitLimitedQueue{NumNodes: nodes, RetransmitMult: tuned().RetransmitMult}
	q.QueueBroadcast(&broadcast{name: "anchor", b: make([]byte, packetBytes+1)})
	return q
}

// A broadcast is a message on its way through the mesh; the next of its name takes its place.
type broadcast struct {
	name string
	b    []byte
	sent chan struct{} // closed when it was sent as often as it is to be; nil where nobody waits
}

func (b *broadcast) Name() string    { return b.name }
func (b *broadcast) Message() []byte { return b.b }
func (b *broadcast) Finished() {
	if b.sent != nil {
		close(b.sent)
	}
}

// Invalidates is not asked of those that have a name.
func (b *broadcast) Invalidates(memberlist.Broadcast) bool { return false }

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
