package naive

import (
	"net/http"
	"time"

	"freshet/proto/problem"
)

// A cause is why a request was refused.
type cause int

const (
	causeOffer    cause = iota // not SDP, or not such as is taken here
	causeLayers                // simulcast
	causeTaken                 // there is a publisher
	causeNobody                // there is none
	causeNotYet                // it has not sent all its tracks
	causeFull                  // as many sessions as there may be
	causeStopping              // the server is about to end
	causeUnknown               // no such session
	causeOther                 // what the check of requests says: content type, length
	causes                     // how many there are
)

// refusals are what each cause is over HTTP; retry is for who may come again.
var refusals = [causes]struct {
	status      int
	kind, title string
	retry       time.Duration
}{
	causeOffer:    {http.StatusUnprocessableEntity, "sdp-unsupported", "SDP not supported", 0},
	causeLayers:   {http.StatusUnprocessableEntity, "simulcast", "No simulcast", 0},
	causeTaken:    {http.StatusConflict, "stream-taken", "The stream has a publisher", 0},
	causeNobody:   {http.StatusNotFound, "stream-unknown", "Nobody publishes", time.Second},
	causeNotYet:   {http.StatusServiceUnavailable, "unavailable", "Not available now", time.Second},
	causeFull:     {http.StatusServiceUnavailable, "full", "Full", 5 * time.Second},
	causeStopping: {http.StatusServiceUnavailable, "stopping", "Stopping", time.Second},
	causeUnknown:  {http.StatusNotFound, "session-unknown", "Unknown session", 0},
	causeOther:    {http.StatusBadRequest, "request", "Request not understood", 0},
}

func (c cause) String() string { return refusals[c].kind }

// A refusal is a problem and what it is counted as.
type refusal struct {
	*problem.Problem
	cause cause
}

func refuse(c cause, detail string) *refusal {
	r := refusals[c]
	p := problem.New(r.status, r.kind, r.title, detail)
	p.RetryAfter = r.retry
	return &refusal{p, c}
}

// refuseWith is a refusal with another status than its cause mostly has.
func refuseWith(c cause, status int, detail string) *refusal {
	r := refuse(c, detail)
	r.Status = status
	return r
}
