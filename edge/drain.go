package edge

import (
	"net/http"
	"time"

	"freshet/proto/problem"
)

// A Service is what an edge does for viewers.
type Service int32

// The services.
const (
	Serving  Service = iota
	Cordoned         // takes nobody new, and keeps whom it has
	Draining         // and has them go
)

// Viewers of an edge that is drained are told by control to open another edge first. Who is still there after grace is told
// goodbye, a few at a time, so that other edges are not asked by all at once.
const (
	drainGrace = 10 * time.Second
	drainTakes = 10 * time.Second
)

// SetService has the edge serve, or not, from now on.
func (e *Edge) SetService(s Service) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.service == s {
		return
	}
	e.deps.Log.Info("edge is asked to", "service", [...]string{"serve", "take nobody new", "drain"}[s], "viewers", len(e.seated))
	e.service = s
	if s == Draining {
		e.drainFrom, e.drainOf = time.Now().Add(drainGrace), 0
	}
}

// away says why nobody is taken, nil where somebody may be.
func (e *Edge) away(id string) *problem.Problem {
	if e.inService() == Serving {
		return nil
	}
	return e.stopping(id)
}

// leaving says why a viewer who is here does not play: the edge is drained. Who is here when it is cordoned, stays.
func (e *Edge) leaving(id string) *problem.Problem {
	if e.inService() != Draining {
		return nil
	}
	return e.stopping(id)
}

func (e *Edge) inService() Service {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.service
}

func (e *Edge) stopping(id string) *problem.Problem {
	p := problem.New(http.StatusServiceUnavailable, "draining", "Edge takes nobody", "this edge is about to stop")
	p.RetryAfter = drainTakes
	for _, base := range e.next() {
		p.Next = append(p.Next, base+"/"+id)
	}
	return p
}

// drain says goodbye to those whose turn it is. The admission's goroutine calls it.
func (e *Edge) drain(now time.Time) {
	e.mu.Lock()
	var over []*session
	if e.service == Draining && !now.Before(e.drainFrom) {
		e.drainOf = max(e.drainOf, len(e.seated)) // as many were left when the goodbyes began
		may := int(float64(e.drainOf) * (1 - now.Sub(e.drainFrom).Seconds()/drainTakes.Seconds()))
		for s := range e.seated {
			if len(e.seated)-len(over) <= max(may, 0) {
				break
			}
			over = append(over, s)
		}
	}
	e.mu.Unlock()
	for _, s := range over {
		s.Close("the edge is drained")
	}
}
