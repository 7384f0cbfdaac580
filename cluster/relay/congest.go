package relay

import "time"

const (
	congestEvery = 200 * time.Millisecond // between two steps of a controller
	congestSteps = 5                      // that a count of what was lost looks back: 1 s

	delayFull  = 60 * time.Millisecond // smoothed round trip over its least: the path's buffer fills
	delayJump  = 80 * time.Millisecond // the newest round trip, twice in a row: as good, and sooner
	delaySome  = 20 * time.Millisecond // enough for loss to be taken for a full buffer's
	delayQuiet = 30 * time.Millisecond // the path is not full
	fullSteps  = 2                     // in a row in which the delay is high and packets get lost
	delaySteps = 3                     // and without: a key frame's is over by then, or falls, and so is a busy machine's
	groupSteps = 5                     // of each kind while a cached group is sent: its pacer sees to it
	groupAfter = 3 * congestEvery      // until what was the group's doing is over

	lossFull  = 0.15 // with delay
	lossAlone = 0.25 // without: a path that polices and does not queue
	lossLeast = 40   // packets; fewer are a burst
	lossStep  = 20   // packets of one step, beside a high delay
	lossSteps = 3    // in a row in which packets were lost, or refused: an outage is over in fewer

	waitSteps = 2                       // in a row with ...
	waitMany  = 200                     // ... that many packets in the queue ...
	waitLong  = 150 * time.Millisecond  // ... the oldest of which waits that long; a key frame alone leaves sooner
	waitFew   = 300 * time.Millisecond  // of a link that sends few
	staleFor  = 500 * time.Millisecond  // a path that has not answered for longer tells nothing
	shareSafe = 0.85                    // of what was delivered: the rest empties the buffer
	sharePace = 0.95                    // of the room known, for all there is to send while the path is narrow
	shareWait = 0.6                     // until its buffer is empty
	holdAfter = 1200 * time.Millisecond // after a cut, before the next: what QUIC had taken must leave first

	burstMost = 1500 * time.Millisecond // for flows that fit by their rates to be through with a burst

	repairQuiet = 400 * time.Millisecond // before the repair layer may resend again
	backQuiet   = 1400 * time.Millisecond
	backFirst   = 2 * time.Second // from a cut to the first attempt to undo it
	backMost    = time.Minute
	failWithin  = 10 * time.Second // a cut that soon after a return says that the return was wrong
	goodAfter   = 30 * time.Second // without a cut: the past is forgotten
)

// signals is what a link shows of the path to its peer at one moment. Counts grow, or begin anew.
type signals struct {
	rtt, minRTT, lastRTT time.Duration // smoothed, least, newest; 0 while not known
	rttAt                time.Time     // when the newest was taken

	sent, asked, refused uint64    // UDP packets: sent, asked for again, and not resent for want of budget
	delivered            uint64    // bytes that arrived there
	deliveredAt          time.Time // when the peer said so
	probes               bool      // the peer can be probed
	probeRTT             time.Duration
	probedAt             time.Time // when the last probe was answered, which took probeRTT

	waiting int           // live packets in the queue
	oldest  time.Duration // how long the first of them has been there
	groups  bool          // cached groups are being sent

	flows []load // by priority: audio, base layers, higher layers
}

// A load is a flow as the controller sees it.
type load struct {
	rate float64 // bits a second on the wire
	must bool    // never held back
	shed bool    // held back now
}

// A cause is what shows that a path is full.
type cause string

const (
	causeNone    cause = ""
	causeDelay   cause = "delay"
	causeLoss    cause = "loss"
	causeRefused cause = "refused" // the repair layer has no budget left
	causeQueue   cause = "queue"   // QUIC's window takes less than there is
)

// A verdict is what is to be done until the next step.
type verdict struct {
	carry  int     // the first so many flows go, the others are held back
	repair bool    // the repair layer may resend
	slow   bool    // the path is full, or was a moment ago
	clear  bool    // delay and loss do not show a full path, and no cached group is being sent
	probe  int     // bytes of padding to send within probeFor; 0 is none
	room   float64 // bits a second that the path is thought to carry; 0 while nothing has shown its end
	pace   float64 // bits a second to send at most, so that bursts wait here and not on the path; 0 is no bound
	why    cause   // the path was found full in this step
	cut    bool    // flows were held back in this step
	back   bool    // flows came back in this step
}

// A controller decides how much of what is wanted goes over one link. It is a state machine without clock
// and goroutine, owned by the link's sink.
type controller struct {
	past [congestSteps]counts // of the last steps, the newest first
	jump time.Duration        // newest delay at the last step
	high int                  // steps in a row in which the delay was high
	bad  int                  // steps in a row in which it was, and packets were lost
	wait int                  // steps in a row in which packets waited long

	groupAt time.Time // last step in which cached groups were being sent

	since   time.Time // first step that found the path full; zero while it is quiet
	slowAt  time.Time // last such step
	quietAt time.Time // since when it is quiet; zero while it is not
	cutAt   time.Time
	hold    time.Time     // no cut before that
	peak    time.Duration // highest delay since the last cut
	backAt  time.Time     // last return
	failed  bool          // backAt's was undone
	pause   time.Duration // from a cut to the next return
	room    float64

	level   level
	probing probing
}

// counts are the sums of signals as they were at one step.
type counts struct {
	at                              time.Time
	sent, asked, refused, delivered uint64
	deliveredAt                     time.Time
}

// step judges s. It is to be called each congestEvery.
func (c *controller) step(now time.Time, signals *signals) verdict {
	s := c.level.above(now, signals)
	if last := c.past[0]; s.sent < last.sent || s.asked < last.asked || s.refused < last.refused || s.delivered < last.delivered {
		c.past = [congestSteps]counts{} // the peer has another address: counts begin anew
	}
	why := c.full(now, s)
	c.remember(now, s)
	carry := carried(s.flows)
	v := verdict{carry: carry, why: why}
	if why != causeNone {
		if c.slowAt = now; c.since.IsZero() {
			c.since = now
		}
		v.carry = c.cut(now, s, carry)
		v.cut = v.carry < carry
	}
	c.look(now, s, why != causeNone)
	if carry < len(s.flows) && c.mayReturn(now) {
		v.carry, v.probe = c.probing.step(now, s, &c.room)
		if v.carry > carry {
			v.back, c.backAt, c.failed = true, now, false
		}
	} else if carry == len(s.flows) {
		c.probing.stop()
	}
	if carry == len(s.flows) && now.Sub(c.slowAt) > goodAfter && now.Sub(c.backAt) > goodAfter {
		c.room, c.pause, c.cutAt = 0, 0, time.Time{}
	}
	v.repair = c.slowAt.IsZero() || !c.quietAt.IsZero() && now.Sub(c.quietAt) >= repairQuiet
	v.slow, v.room = !v.repair, c.room
	v.clear = !s.groups && (why == causeNone || why == causeQueue) && s.rtt-s.minRTT < delayFull && s.lastRTT-s.minRTT < delayJump &&
		s.refused == c.past[1].refused
	if v.slow || v.carry < len(s.flows) {
		v.pace = c.pace(s.flows)
	}
	return v
}

// carried returns how many flows go now: all before the first that is held back.
func carried(flows []load) int {
	for i, f := range flows {
		if f.shed && !f.must {
			return i
		}
	}
	return len(flows)
}

// full says by what the path, or QUIC's window, shows that it takes less than is sent.
func (c *controller) full(now time.Time, s *signals) cause {
	known := !s.rttAt.IsZero() && s.minRTT > 0
	if known && now.Sub(s.rttAt) > staleFor {
		c.high, c.bad, c.wait = 0, 0, 0
		return causeNone
	}
	if s.waiting > waitMany && s.oldest > waitLong || s.oldest > waitFew {
		c.wait++
	} else {
		c.wait = 0
	}
	if s.groups {
		c.groupAt = now
	}
	grouped := !c.groupAt.IsZero() && now.Sub(c.groupAt) <= groupAfter
	if c.wait >= steps(waitSteps, grouped) {
		return causeQueue
	}
	if c.probing.shows(now, s) { // what it sees is its own doing
		c.high, c.bad, c.jump = 0, 0, 0
		return causeNone
	}
	newest, smooth := s.lastRTT-s.minRTT, s.rtt-s.minRTT
	high := newest > delayQuiet && smooth > delayFull || newest > delayJump && c.jump > delayJump
	falls := newest < c.jump-c.jump/8 // as after a key frame
	c.jump = newest
	if known && high && !falls {
		c.high++
	} else if !high {
		c.high = 0
	}
	if known && newest > delayFull && c.losing(s) {
		c.bad++
	} else {
		c.bad = 0
	}
	switch {
	case c.bad >= steps(fullSteps, grouped):
		return causeLoss
	case c.high >= groupSteps, c.high >= delaySteps && !falls && !grouped:
		return causeDelay
	case c.lost(s, newest, steps(lossSteps, grouped)):
		return causeLoss
	case c.refused(s, steps(lossSteps, grouped)):
		return causeRefused
	}
	return causeNone
}

// steps returns how many steps in a row show a full path where n do without a cached group beside.
func steps(n int, grouped bool) int {
	if grouped {
		return groupSteps
	}
	return n
}

// losing says whether many packets were lost since the last step.
func (c *controller) losing(s *signals) bool {
	last := c.past[0]
	asked := s.asked - last.asked
	return !last.at.IsZero() && (s.refused > last.refused || asked >= lossStep && float64(asked) > lossFull*float64(s.sent-last.sent))
}

// lost says whether the last second's loss is that of a full path, in each of so many steps.
func (c *controller) lost(s *signals, delay time.Duration, steps int) bool {
	old := c.past[congestSteps-1]
	sent, asked := float64(s.sent-old.sent), float64(s.asked-old.asked)
	if old.at.IsZero() || asked < lossLeast {
		return false
	}
	if !(asked > lossAlone*sent || asked > lossFull*sent && delay > delaySome) {
		return false
	}
	newer := counts{sent: s.sent, asked: s.asked}
	for _, old := range c.past[:steps] {
		if float64(newer.asked-old.asked) < lossFull*float64(newer.sent-old.sent) || newer.asked == old.asked {
			return false
		}
		newer = old
	}
	return true
}

// refused says whether the repair layer is at the end of its budget, and was in so many steps.
func (c *controller) refused(s *signals, steps int) bool {
	n, newer := 0, s.refused
	for _, old := range c.past {
		if !old.at.IsZero() && newer > old.refused {
			n++
		}
		newer = old.refused
	}
	return n >= steps && s.refused > c.past[0].refused
}

func (c *controller) remember(now time.Time, s *signals) {
	copy(c.past[1:], c.past[:])
	c.past[0] = counts{now, s.sent, s.asked, s.refused, s.delivered, s.deliveredAt}
}

// rate returns the bits a second that arrived in the last 0.4 to 1 s, 0 where that is not known.
func (c *controller) rate() float64 {
	new := c.past[0]
	for _, old := range c.past[2:] {
		if old.at.IsZero() {
			break
		}
		if took := new.deliveredAt.Sub(old.deliveredAt); took >= 2*congestEvery*9/10 {
			return float64(new.delivered-old.delivered) * 8 / took.Seconds()
		}
	}
	return 0
}

// cut returns how many flows go on over a path that is full.
func (c *controller) cut(now time.Time, s *signals, carry int) int {
	delay := s.lastRTT - s.minRTT
	draining := delay < c.peak-c.peak/8
	c.peak = max(c.peak, delay)
	if now.Before(c.hold) || c.past[congestSteps-1].at.IsZero() { // so young that little is known of the path
		return carry
	}
	if !c.cutAt.IsZero() && now.Sub(c.cutAt) < goodAfter && draining && c.wait < waitSteps { // the last cut does its work
		c.peak, c.hold = delay, now.Add(2*congestEvery)
		return carry
	}
	c.room = c.rate()
	keep, sum := 0, 0.0
	if c.room == 0 {
		keep = carry // not known: one after the other
	}
	for i, f := range s.flows[:carry] {
		sum += f.rate
		if f.must || keep == i && sum <= shareSafe*c.room {
			keep = max(keep, i+1)
		}
	}
	if keep == carry && carry > 0 && !s.flows[carry-1].must {
		if c.room > 0 && now.Sub(c.since) < burstMost {
			return carry // they fit: a key frame, or what was asked for again, is on its way
		}
		keep-- // what was delivered is no measure, or the flows' rates are not
	}
	if keep == carry {
		return carry
	}
	c.cutAt, c.peak = now, delay
	c.hold = now.Add(holdAfter + 2*s.minRTT)
	c.probing.stop()
	switch {
	case !c.backAt.IsZero() && !c.failed && now.Sub(c.backAt) < failWithin:
		c.failed = true
		c.pause = min(2*max(c.pause, backFirst), backMost)
	case c.pause == 0:
		c.pause = backFirst
	}
	return keep
}

// pace returns the bits a second to send at most over a path that is narrow.
func (c *controller) pace(flows []load) float64 {
	if !c.quietAt.IsZero() {
		return sharePace * c.room
	}
	musts := 0.0
	for _, f := range flows {
		if f.must {
			musts += f.rate
		}
	}
	return min(max(shareWait*c.room, musts/sharePace), sharePace*c.room)
}

// look notes since when the path is quiet.
func (c *controller) look(now time.Time, s *signals, slow bool) {
	delay := min(s.lastRTT, s.rtt) - s.minRTT
	refused := s.refused > c.past[1].refused && !c.past[1].at.IsZero()
	switch {
	case slow || delay >= delayQuiet && !c.probing.shows(now, s) || refused:
		c.quietAt = time.Time{}
	case c.quietAt.IsZero():
		c.quietAt, c.since = now, time.Time{}
	}
}

// mayReturn says whether what was cut may be tried again.
func (c *controller) mayReturn(now time.Time) bool {
	return !c.quietAt.IsZero() && now.Sub(c.quietAt) >= backQuiet && now.Sub(c.cutAt) >= c.pause &&
		now.Sub(c.backAt) >= probeEvery
}
