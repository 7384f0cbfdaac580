package load

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"
	"time"
)

// A crowd plays the viewers of a swarm, all in one mode.
type crowd interface {
	// run serves viewers until ctx ends, and returns when all it started has ended.
	run(ctx context.Context) error
	// join takes s from its offer to its first picture, and returns then, or when it has come to nothing.
	// Whether it did is what it returns; why not, is in the record.
	join(ctx context.Context, s *seat) bool
	// begin and end are where the steady window lies.
	begin()
	end()
	// leave has all go who are there. From its return on nobody writes to a record.
	leave()
	// delays are those of the steady window, all viewers together.
	delays() *histogram
}

// A cutter is a crowd whose steady window can be told in pieces.
type cutter interface {
	// cut returns the delays since begin, or since it was called last. It is called between begin and end.
	cut() *histogram
}

// A seat is one viewer of a swarm. Its record belongs to the crowd from join to leave.
type seat struct {
	record ViewerRecord
	due    time.Time // all times of the record count from here
	counts *swarmCounts
}

// since returns how long after s was due now is, in milliseconds.
func (s *seat) since(now time.Time) float64 { return milliseconds(now.Sub(s.due)) }

// A joinError is why a viewer did not come to a picture.
type joinError struct {
	end End
	err error
}

func (e *joinError) Error() string { return e.err.Error() }
func (e *joinError) Unwrap() error { return e.err }

// refusal says where an exchange of offer and answer came to nothing.
func refusal(err error) error {
	if _, ok := errors.AsType[*StatusError](err); ok {
		return &joinError{EndRefused, err}
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return &joinError{EndHTTP, err}
	}
	return &joinError{EndAnswer, err}
}

// fail notes why r came to nothing: err, or that it was told to stop meanwhile.
func (r *ViewerRecord) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		r.End = EndStopped
		return
	}
	r.End, r.Detail = EndHTTP, printable(err.Error())
	if e, ok := errors.AsType[*joinError](err); ok {
		r.End = e.end
	}
}

// swarmCounts are for progress while records are being written.
type swarmCounts struct {
	started, joined, failed, ended atomic.Int64
	packets, bytes                 atomic.Int64
}
