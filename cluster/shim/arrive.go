package shim

import "time"

// Here is what a peer does with what comes from it. The Conn's reader calls all of it; ask is Run's too.

// plain takes a packet of plain QUIC.
func (p *peer) plain(n int, now int64) {
	p.heard.Store(now)
	p.received.Add(uint64(n))
	p.packets.Add(1)
	p.plainRecv.Add(uint64(n))
	if p.mayBePlain(now) { // where the packet was forged, the next PONG tells
		p.c.restand(p, standPlain, now)
	}
}

// mayBePlain tells whether the peer does not show that it has the layer. A proven one that stopped answering may
// have gone back to an older version.
func (p *peer) mayBePlain(now int64) bool {
	s := p.standing()
	return s == standUnproven || s == standProven && now-p.proof.Load() > proofFor
}

// input takes a packet of n bytes, b what follows its header. It returns whether b goes up to QUIC.
func (p *peer) input(h header, b []byte, n int, now int64) (up bool) {
	p.heard.Store(now)
	p.received.Add(uint64(n))
	p.packets.Add(1)
	if !p.spoke.Load() {
		p.spoke.Store(true)
		p.pingAt.Store(now)
	}
	why := dropNot
	switch h.kind {
	case kindData, kindResent:
		up = p.data(h, len(b), now)
	case kindTail:
		why = p.tail(h, now)
	case kindNack:
		why = p.nack(h, b, now)
	case kindPing:
		why = p.pinged(h, parseEcho(b).opaque, now)
	case kindPong:
		why = p.answered(h, parseEcho(b), now)
	}
	p.c.drop(why)
	if at := p.pingAt.Load(); at <= now && p.pings(now) {
		p.wake(at, now)
	}
	return up
}

func (p *peer) data(h header, n int, now int64) (up bool) {
	p.recvMu.Lock()
	r := p.recv
	if !r.known {
		r.begin(h.id, h.seq, 0, now)
	}
	if r.id != h.id { // until a PONG vouches for it
		p.other.note(h.id, h.seq)
		up = true
	} else {
		var repaired bool
		up, repaired = r.data(h.seq, h.kind == kindResent, now)
		p.patience.Store(r.wait)
		if repaired {
			p.urgent.Store(now + urgentFor)
		}
	}
	if up {
		r.received++
		r.receivedBytes += uint64(n)
	}
	p.askSoon(now)
	p.recvMu.Unlock()
	return up
}

// tail takes the number in a TAIL or PING. Where nothing else has come, a TAIL tells the id: its DATA was lost.
func (p *peer) tail(h header, now int64) dropReason {
	p.recvMu.Lock()
	defer p.recvMu.Unlock()
	switch r := p.recv; {
	case !r.known:
		if h.kind != kindTail { // PINGs come from who has sent nothing yet, too
			return dropNot
		}
		r.begin(h.id, h.seq, 0, now)
	case r.id != h.id:
		return dropForeign
	case r.beyond(h.seq): // if that is true, DATA or a PONG will say so too
		return dropJump
	default:
		r.tail(h.seq, now)
	}
	p.askSoon(now)
	return dropNot
}

// pinged answers a PING. Those of a stream that is not the peer's, as of one that starts again, have a bucket of
// their own: a forger, who does not know the id, does not empty the other.
func (p *peer) pinged(h header, opaque uint64, now int64) dropReason {
	why := p.tail(h, now)
	b := &p.pongs[0]
	if why == dropForeign {
		b, why = &p.pongs[1], dropNot
	}
	if !b.take(now) {
		return dropFlood
	}
	p.pong(opaque)
	return why
}

const (
	pongEvery = int64(10 * time.Millisecond) // five times as often as a PING may come
	pongBurst = 20                           // PINGs that waited somewhere
)

// A bucket lets one through each pongEvery, and pongBurst at once.
type bucket struct{ full int64 } // when it has pongBurst again

func (b *bucket) take(now int64) bool {
	at := max(b.full, now) + pongEvery
	if at-now > pongBurst*pongEvery {
		return false
	}
	b.full = at
	return true
}

// vouch takes h's id as the peer's, and its number where what was heard before cannot be: it came with a PONG.
func (p *peer) vouch(h header, now int64) {
	p.recvMu.Lock()
	defer p.recvMu.Unlock()
	switch r := p.recv; {
	case r.known && r.id == h.id:
	case p.other.id == h.id:
		r.begin(h.id, p.other.next, p.other.seen, now)
	default:
		r.begin(h.id, h.seq, 0, now)
	}
	if ahead := int32(p.recv.next - h.seq); ahead > maxAhead { // by a forged number: all since seemed old
		p.recv.begin(h.id, h.seq, 0, now)
	}
	p.recv.tail(h.seq, now)
	p.askSoon(now)
}

// askSoon has ask called when it has something to do: at the end of the batch, which may fill a gap by itself,
// or from the wheel. The reader calls it, with recvMu held.
func (p *peer) askSoon(now int64) {
	if p.recv.due > now {
		p.wake(p.recv.due, now)
	} else if !p.asks {
		p.asks = true
		p.c.asking = append(p.c.asking, p)
	}
}

func (p *peer) ask(now int64) (due int64) {
	p.recvMu.Lock()
	defer p.recvMu.Unlock()
	if p.recv.due <= now {
		p.recv.ask(now, p.rtt.Load())
	}
	return p.recv.due
}

func (p *peer) nack(h header, b []byte, now int64) dropReason {
	p.sendMu.Lock()
	if h.id != p.send.id {
		p.sendMu.Unlock()
		return dropForeign
	}
	ok := p.send.answer(b, now, orDefault(p.rtt.Load()))
	due := p.send.due()
	p.sendMu.Unlock()
	p.wake(due, now)
	if !ok {
		return dropUnsent
	}
	return dropNot
}

func (p *peer) answered(h header, e echo, now int64) dropReason {
	p.sendMu.Lock()
	ok := p.clock.pong(e, now)
	if ok {
		p.rtt.Store(p.clock.rtt)
		p.proof.Store(now)
		p.send.prove()
	}
	p.sendMu.Unlock()
	if !ok {
		return dropPong
	}
	if p.standing() != standProven {
		p.c.restand(p, standProven, now)
	}
	p.vouch(h, now)
	return dropNot
}
