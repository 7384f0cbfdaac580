package ingest

import (
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

func errStopped() *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", "the node is stopping")
	p.RetryAfter = time.Second
	return p
}
