package api

import (
	"net/http"
	"strings"
	"time"
)

// redirect sends POST /whip/{stream} on to the origin of the stream with 307, query and all (RFC 9725
// section 4.6). The origin checks the key.
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
	s := a.survey(time.Now())
	o, ok := s.origin(rec)
	if !ok || o.Facts.Whip == "" {
		a.m.redirects.WithLabelValues(string(redirectNoOrigin)).Inc()
		unavailable("No origin is there to take this stream yet.").Write(w)
		return
	}
	to := o.Facts.Whip + "/" + id
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	a.m.redirects.WithLabelValues(string(redirectDone)).Inc()
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
