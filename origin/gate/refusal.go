package gate

import (
	"net/http"
	"time"

	"freshet/proto/problem"
)

func elsewhere() *problem.Problem {
	return problem.New(http.StatusMisdirectedRequest, "placed-elsewhere", "Stream is placed elsewhere",
		"Another origin has this stream now. Publish at the address of a control node, which knows which.")
}

func wrong() *problem.Problem {
	return problem.New(http.StatusUnauthorized, "ticket-wrong", "Ticket not accepted",
		"This ticket was used, has run out, or is for something else. Publish at the address of a control node with the stream key.")
}

func busy() *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "unavailable", "Not available now", "Too many publishers came in the last minute.")
	p.RetryAfter = time.Second
	return p
}
