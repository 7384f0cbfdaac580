package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"freshet/control/node"
	pb "freshet/proto"
	"freshet/proto/problem"
)

// placedWithin is how long a publisher waits at most for its stream to be placed.
const placedWithin = 2 * time.Second

// redirect sends POST /whip/{stream} on to the origin of the stream with 307, query and all (RFC 9725, section 4.6). A
// publisher that no longer reaches where it was sent says so with lost=HOST:PORT; its stream is moved then. A second one
// with backup=1 is sent to the standby, which goes on with what it sends when the origin dies. They go with a ticket:
// browsers do not send the key along to another address.
func (a *API) redirect(w http.ResponseWriter, r *http.Request) {
	id := strings.TrimPrefix(r.URL.Path, "/whip/")
	if r.Method != http.MethodPost {
		a.nothing(w, r)
		return
	}
	rec, ok := a.d.Records.Get(id)
	if !ok {
		a.m.redirects.WithLabelValues(string(redirectUnknown)).Inc()
		streamUnknown().Write(w)
		return
	}
	if p := mayPublish(rec, r.Header.Get("Authorization")); p != nil {
		a.m.redirects.WithLabelValues(string(redirectRefused)).Inc()
		p.Write(w)
		return
	}
	query, ask := asked(r.URL.RawQuery)
	rec, o, ok := a.publishAt(r.Context(), a.placed(r.Context(), rec), ask)
	if !ok || o.Facts.Whip == "" {
		a.m.redirects.WithLabelValues(string(redirectNoOrigin)).Inc()
		unavailable("No origin is there to take this stream yet.").Write(w)
		return
	}
	ticket, err := a.d.Door.PublisherTicket(rec, o.Name)
	if err != nil {
		a.d.Log.ErrorContext(r.Context(), "no ticket for a publisher", "stream", id, "err", err)
		problem.New(http.StatusInternalServerError, "internal", "Internal error", "").Write(w)
		return
	}
	query = append(query, "ticket="+ticket) // its alphabet needs no escapes
	a.m.redirects.WithLabelValues(string(redirectDone)).Inc()
	w.Header().Set("Location", o.Facts.Whip+"/"+id+"?"+strings.Join(query, "&"))
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// placed returns rec once it has a place, or as it is after placedWithin: a stream that was just prepared gets one in a moment,
// and encoders do not ask twice.
func (a *API) placed(ctx context.Context, rec *pb.StreamRecord) *pb.StreamRecord {
	ctx, cancel := context.WithTimeout(ctx, placedWithin)
	defer cancel()
	for {
		changed := a.d.Records.Changed()
		if now, ok := a.d.Records.Get(rec.Id); ok {
			rec = now
		}
		if rec.State != pb.StreamState_STREAM_STATE_WAITING {
			return rec
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return rec
		}
	}
}

// publishAt returns where rec is published: at another origin than the one it has, where that is silent, or is the one that
// the publisher has lost. A backup goes to the standby, or where that is not there beside the first publisher.
func (a *API) publishAt(ctx context.Context, rec *pb.StreamRecord, ask publisherAsk) (*pb.StreamRecord, node.Node, bool) {
	now := time.Now()
	s := a.survey(now)
	o, ok := s.origin(rec)
	if rec.Epoch == 0 || a.d.Move == nil {
		return rec, o, ok
	}
	well := func(n node.Node) bool {
		return now.Sub(n.Heard) <= node.Lately && !n.Failed && (ask.lost == "" || ask.lost != hostOf(n.Facts.GetWhip()))
	}
	if ask.backup && ok {
		if standby, there := s.fleet.Node(rec.Standby, now); there && well(standby) && standby.Facts.GetWhip() != "" {
			return rec, standby, true
		}
		return rec, o, true
	}
	if ok && well(o) {
		return rec, o, true
	}
	moved, err := a.d.Move(ctx, rec)
	if err != nil {
		a.d.Log.WarnContext(ctx, "a stream stays where its publisher reaches nobody", "stream", rec.Id, "origin", rec.Origin, "err", err)
		return rec, o, ok
	}
	o, ok = s.origin(moved)
	return moved, o, ok
}

// A publisherAsk is what a publisher says beside its key.
type publisherAsk struct {
	lost   string // host:port of the origin that it does not reach any more
	backup bool   // it is the second of two
}

// asked reads what is for control in a query, and returns what is for the origin.
func asked(raw string) (rest []string, ask publisherAsk) {
	for part := range strings.SplitSeq(raw, "&") {
		switch name, text, _ := strings.Cut(part, "="); {
		case name == "lost":
			ask.lost, _ = url.QueryUnescape(text) // malformed: of no host
		case name == "backup":
			ask.backup = text == "1"
			rest = append(rest, part) // the origin sends it to the standby as soon as there is one
		case part != "":
			rest = append(rest, part)
		}
	}
	return rest, ask
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Host
}

// mayPublish returns why who sends an Authorization header may not publish r, or nil.
func mayPublish(r *pb.StreamRecord, authorization string) *problem.Problem {
	scheme, key, _ := strings.Cut(authorization, " ")
	key = strings.TrimSpace(key)
	sum := sha256.Sum256([]byte(key))
	switch {
	case !strings.EqualFold(scheme, "Bearer") || key == "":
		return problem.New(http.StatusUnauthorized, "key-missing", "Stream key missing", "Send the stream key as a bearer token.")
	case subtle.ConstantTimeCompare(sum[:], r.GetKeySha256()) != 1:
		return problem.New(http.StatusUnauthorized, "key-wrong", "Stream key wrong", "This key does not open this stream.")
	case r.GetState() == pb.StreamState_STREAM_STATE_CLOSED:
		return problem.New(http.StatusForbidden, "stream-closed", "Stream closed", "This stream takes no publisher any more.")
	}
	return nil
}
