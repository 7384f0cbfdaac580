package relay

import (
	"slices"
	"time"

	pb "freshet/proto"
)

// waitVersion is the first version of the protocol with subscribe.wait.
const waitVersion = 3

const (
	offerKept    = 500 * time.Millisecond // an answer of the standby, while the origin is heard of here
	standbyAgain = 5 * time.Second        // after a subscription that came to nothing, before another
	maxOffered   = 64                     // messages of such an answer
)

// A standbyAsk is the subscription that whoever takes a stream from its origin has at its standby. That publishes what a
// second publisher sends under the stream's next epoch, and answers when it does not hear the origin any more: so the
// new epoch is under way while this node finds out itself. It is taken once the first upstream is not well here either.
type standbyAsk struct {
	feed  *feed     // nil while there is none
	said  []event   // the answer, and what came behind it
	at    time.Time // when it began to come
	again time.Time // no other before
}

// mindStandby subscribes at the standby where that is of use, and lets go what is not any more.
func (u *puller) mindStandby(now time.Time) {
	w := &u.standby
	src := u.standbySource()
	if w.feed != nil {
		until := w.at.Add(offerKept)
		switch {
		case w.feed.source == src && len(w.said) == 0:
			return
		case w.feed.source == src && now.Before(until):
			u.reviewBy(until)
			return
		}
		u.dropStandby(true, now)
	}
	switch {
	case src == nil || !src.link.speaks(waitVersion) || src.standing() != alive: // linked hears of another
	case now.Before(w.again):
		u.reviewBy(w.again)
	default:
		u.below = u.p.below()
		ask := u.ask(true)
		ask.Wait = true
		w.feed = src.subscribe(u.p, ask)
	}
}

// standbySource returns the link to the stream's standby, nil where there is none, or the first feed is not from the origin.
func (u *puller) standbySource() *source {
	if u.first == nil || len(u.first.path) != 2 {
		return nil
	}
	name := u.r.ways.guide.Standby(u.p.id)
	i := slices.IndexFunc(u.ups, func(up *uplink) bool { return up.to.Node == name })
	if i < 0 || u.ups[i] == u.first.source.up {
		return nil
	}
	return u.ups[i].source()
}

func (u *puller) reviewBy(t time.Time) {
	if u.reviewAt.IsZero() || t.Before(u.reviewAt) {
		u.reviewAt = t
	}
}

// dropStandby lets the waiting subscription go.
func (u *puller) dropStandby(tell bool, now time.Time) {
	if u.standby.feed != nil {
		u.standby.feed.source.drop(u.standby.feed, tell)
	}
	u.standby = standbyAsk{again: now.Add(standbyAgain)}
}

// waited takes what the standby says of the waiting subscription.
func (u *puller) waited(e event, now time.Time) {
	w := &u.standby
	switch e.kind {
	case eventAccept, eventGroup, eventPause:
	case eventRefuse, eventEnd, eventLost:
		u.dropStandby(false, now)
		u.reviewBy(u.standby.again)
		return
	case eventSigns, eventRoute:
		return
	}
	switch {
	case len(w.said) == maxOffered:
		u.dropStandby(true, now)
		return
	case len(w.said) == 0:
		w.at = now
		u.reviewBy(now.Add(offerKept))
	}
	w.said = append(w.said, e)
	u.takeStandby(now)
}

// takeStandby takes what the standby has answered where the first feed is not well. It returns false where it does not.
func (u *puller) takeStandby(now time.Time) bool {
	f, said := u.standby.feed, u.standby.said
	if len(said) == 0 || u.first != nil && u.first.source.standing() == alive {
		return false
	}
	if now.Sub(u.standby.at) > offerKept { // what came first is gone
		u.dropStandby(true, now)
		return false
	}
	u.standby = standbyAsk{again: now.Add(standbyAgain)}
	if u.second != nil {
		u.dropSecond(true, now)
	}
	if u.first != nil && !u.first.open() {
		u.letGo(u.first, true, now)
		u.first = nil
	}
	u.join(f, now)
	if u.first == nil {
		u.first = f
	} else {
		u.second = f
	}
	for _, e := range said {
		u.event(e, now)
	}
	return true
}

// wake has the standby answer the waiting subscription now. It returns nil where none waits at src.
func (u *puller) wake(src *source, ask *pb.Subscribe, now time.Time) *feed {
	f := u.standby.feed
	if f == nil || f.source != src {
		return nil
	}
	if len(u.standby.said) > 0 || !src.wake(f, ask) { // what was said is of a while ago
		u.dropStandby(true, now)
		return nil
	}
	u.standby = standbyAsk{again: now.Add(standbyAgain)}
	return f
}
