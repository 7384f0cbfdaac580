package edge

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"freshet/cluster/rtc"
	"freshet/cluster/stream"
	"freshet/edge/admit"
	"freshet/proto/problem"
)

// MaxNext bounds Config.Next: a refusal names all of them.
const MaxNext = 8

// full is what a viewer gets who is refused for why.
func (e *Edge) full(id string, why admit.Reason) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "full", "Edge is full", "this edge takes no more viewers now")
	p.RetryAfter = why.RetryAfter()
	for _, base := range e.next() {
		p.Next = append(p.Next, base+"/"+id)
	}
	return p
}

// enter keeps a place for the viewer of o, or returns what the viewer is told. It costs next to nothing, so
// that a rush of viewers who cannot be served takes nothing from those who are.
func (e *Edge) enter(o rtc.Offer) (*admit.Place, error) {
	if p := e.away(o.Stream); p != nil {
		e.m.refused.WithLabelValues(string(refusedDraining)).Inc()
		return nil, p
	}
	switch o.Standby {
	case "":
		place, why := e.gate.Enter(o.Stream)
		if why != admit.Open {
			e.m.refused.WithLabelValues(string(why)).Inc()
			return nil, e.full(o.Stream, why)
		}
		return place, nil
	case standbyWarm:
		place, why := e.gate.Stand(o.Stream)
		if why != admit.Open {
			e.m.refused.WithLabelValues(string(refusedStandby)).Inc()
			return nil, e.full(o.Stream, why)
		}
		return place, nil
	}
	return nil, problem.New(http.StatusBadRequest, "standby-unknown", "Unknown kind of standby", `standby is "warm" or not there`)
}

// admission tells the gate what goes on, until ctx ends.
func (e *Edge) admission(ctx context.Context) error {
	tick := time.NewTicker(admit.Every)
	defer tick.Stop()
	rates := forecast{}
	was := admit.Open
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		e.closeSurplus()
		now := time.Now()
		e.drain(now)
		e.m.load(e.gate.Tick(now, e.egress.Work(), rates.look(now, e.pool.Streams())))
		why := e.gate.Full()
		if why == was {
			continue
		}
		if was == admit.Open {
			e.deps.Log.Warn("edge is full, viewers are refused", "reason", string(why))
		} else if why == admit.Open {
			e.deps.Log.Info("edge takes viewers again")
		}
		was = why
	}
}

// check says whether the viewer of o may watch, and keeps a seat of its token, nil where none is asked for. It returns a
// *problem.Problem: that of Access, 409 where the token has as many sessions as it may, 429 where as many are connecting,
// or where too many come from there without a valid token.
func (e *Edge) check(o rtc.Offer) (*admit.Seat, error) {
	now := time.Now()
	session, err := e.deps.Access.CheckViewer(o.Stream, o.Bearer, now)
	if err != nil {
		why := admit.Reason(refusedAccess)
		if p, ok := errors.AsType[*problem.Problem](err); ok && p.Status < http.StatusInternalServerError {
			if wait := e.quota.Knock(o.Remote.Addr(), now); wait > 0 {
				why, err = admit.Stranger, often("Too many joins without a valid token come from this address. This one was not looked at.", wait)
			}
		}
		e.m.refused.WithLabelValues(string(why)).Inc()
		return nil, err
	}
	if session == "" {
		return nil, nil
	}
	take := e.quota.Take
	if o.Standby != "" {
		take = e.quota.Stand
	}
	share, why := take(session, o.Stream)
	switch why {
	case admit.Open:
		return share, nil
	case admit.TokenLive:
		err = tooManySessions()
	default:
		err = often("this token has as many connections under way as it may", unfinishedRetry)
	}
	e.m.refused.WithLabelValues(string(why)).Inc()
	return nil, err
}

func tooManySessions() *problem.Problem {
	return problem.New(http.StatusConflict, "too-many-sessions", "Watching already", "this token is in use as often as it may be: close another player first")
}

// unfinishedRetry is when those that do not get anywhere have been reaped (rtc).
const unfinishedRetry = 10 * time.Second

func often(detail string, wait time.Duration) *problem.Problem {
	p := problem.New(http.StatusTooManyRequests, "too-many", "Too many requests", detail)
	p.RetryAfter = wait
	return p
}

// tooMany has s closed by the admission's goroutine, which may wait for a shard's loop.
func (e *Edge) tooMany(s *session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.surplus = append(e.surplus, s)
}

func (e *Edge) closeSurplus() {
	e.mu.Lock()
	all := e.surplus
	e.surplus = nil
	e.mu.Unlock()
	for _, s := range all {
		e.m.refused.WithLabelValues(string(admit.TokenLive)).Inc()
		s.Close("more than the token may have")
	}
}

// forecastEvery is how often a stream is looked at: shorter would tell key frames from other pictures.
const forecastEvery = time.Second

// A forecast is what a viewer of each stream is going to take. It is owned by the admission's goroutine.
type forecast struct {
	last  time.Time
	seen  map[*stream.Stream][]flowRate // by Flow.Index
	rates map[string]admit.Rate
}

// A flowRate is what one flow brings. While it brings nothing the last figure stays: viewers will want it again.
type flowRate struct {
	packets, bytes int64 // since the flow began
	looks          int
	rate           admit.Rate
}

// look returns what a viewer of each of streams takes; without those that are known for less than two looks. The
// map is the caller's to keep.
func (f *forecast) look(now time.Time, streams []*stream.Stream) map[string]admit.Rate {
	passed := now.Sub(f.last)
	if passed < forecastEvery {
		return f.rates
	}
	f.last = now
	seen := make(map[*stream.Stream][]flowRate, len(streams))
	rates := make(map[string]admit.Rate, len(streams))
	for _, s := range streams {
		flows := f.seen[s]
		if flows == nil {
			flows = make([]flowRate, len(s.Flows))
		}
		var video, audio admit.Rate
		for i, flow := range s.Flows {
			flows[i].add(flow, passed)
			if flow.Format.Kind == stream.Audio {
				audio = larger(audio, flows[i].rate)
			} else {
				video = larger(video, flows[i].rate) // a viewer begins at the best layer
			}
		}
		seen[s] = flows
		if r := video.Plus(audio); r.Packets > 0 {
			rates[s.ID] = r
		}
	}
	f.seen, f.rates = seen, rates
	return rates
}

// add takes what flow has brought by now. What comes until the second look tells nothing: the cached group of a
// stream that has just been pulled comes as fast as it can.
func (r *flowRate) add(flow *stream.Flow, passed time.Duration) {
	packets, bytes := flow.Ring.Head(), flow.Bytes()
	if r.looks++; r.looks > 2 && packets > r.packets {
		per := func(n int64) int64 { return int64(float64(n) / passed.Seconds()) }
		now := admit.Rate{Packets: per(packets - r.packets), Bits: per(8 * (bytes - r.bytes))}
		if r.rate.Packets == 0 {
			r.rate = now
		}
		// A second with a key frame is not what the layer brings.
		r.rate.Packets += (now.Packets - r.rate.Packets) / 4
		r.rate.Bits += (now.Bits - r.rate.Bits) / 4
	}
	r.packets, r.bytes = packets, bytes
}

func larger(a, b admit.Rate) admit.Rate {
	return admit.Rate{Packets: max(a.Packets, b.Packets), Bits: max(a.Bits, b.Bits)}
}

// validNext says whether base is the address under which an edge has its streams.
func validNext(base string) bool {
	u, err := url.Parse(base)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" &&
		u.Fragment == "" && !strings.HasSuffix(base, "/") && !strings.ContainsAny(base, " <>\"?#")
}
