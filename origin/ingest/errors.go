package ingest

import (
	"errors"
	"net/http"
	"time"

	"freshet/proto/problem"
)

func errThird() *problem.Problem {
	return problem.New(http.StatusConflict, "publishers", "Stream has two publishers",
		"one is on the air and one is its backup; end one of them first")
}

func errFormats() *problem.Problem {
	return problem.New(http.StatusConflict, "backup-formats", "Backup does not match",
		"a backup must offer the same tracks, codecs, profiles and layers as the publisher on the air")
}

func errElsewhere() *problem.Problem {
	return problem.New(http.StatusMisdirectedRequest, "placed-elsewhere", "Stream is placed elsewhere",
		"another origin has this stream now; publish at the address of a control node, which knows which")
}

func errStopped() *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", "the node is stopping")
	p.RetryAfter = time.Second
	return p
}

// A verdict says what a refusal means to a publisher that is seated already.
type verdict int

const (
	stays   verdict = iota // also while nobody knows: control was not heard yet
	keyGone                // revoked or renewed: the stream waits for the new key
	over                   // the stream is closed, or unknown: its event has ended
)

func verdictOf(err error) verdict {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return stays
	}
	switch p.Status {
	case http.StatusUnauthorized:
		return keyGone
	case http.StatusForbidden, http.StatusNotFound:
		return over
	}
	return stays
}
