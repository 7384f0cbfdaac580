package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	pb "freshet/proto"
	"freshet/proto/problem"
)

// redirect sends POST /whip/{stream} on to the origin of the stream with 307, query and all (RFC 9725, section 4.6), and with
// a ticket: browsers do not send the key along to another address.
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
	s := a.survey(time.Now())
	o, ok := s.origin(rec)
	if !ok || o.Facts.Whip == "" {
		a.m.redirects.WithLabelValues(string(redirectNoOrigin)).Inc()
		unavailable("No origin is there to take this stream yet.").Write(w)
		return
	}
	ticket, err := a.d.Door.PublisherTicket(rec, o.Name)
	if err != nil {
		a.d.Log.Error("no ticket for a publisher", "stream", id, "err", err)
		problem.New(http.StatusInternalServerError, "internal", "Internal error", "").Write(w)
		return
	}
	query := "ticket=" + ticket // its alphabet needs no escapes
	if r.URL.RawQuery != "" {
		query = r.URL.RawQuery + "&" + query
	}
	a.m.redirects.WithLabelValues(string(redirectDone)).Inc()
	w.Header().Set("Location", o.Facts.Whip+"/"+id+"?"+query)
	w.WriteHeader(http.StatusTemporaryRedirect)
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
