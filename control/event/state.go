package event

import (
	"errors"
	"slices"
	"time"

	"freshet/control/permit"
	"freshet/control/store"
)

// A State of an event's life.
type State string

// The states. An event that is archived or cancelled stays so.
const (
	Scheduled   State = "scheduled"
	Preparation State = "preparation" // its presenters may send already
	Live        State = "live"
	Ended       State = "ended"
	Archived    State = "archived"
	Cancelled   State = "cancelled"
)

// States are all states, in the order of a life.
var States = []State{Scheduled, Preparation, Live, Ended, Archived, Cancelled}

// A Step is what leads an event from one state to another.
type Step string

// The steps.
const (
	Prepare  Step = "prepare"
	Schedule Step = "schedule" // back from preparation
	Start    Step = "start"
	End      Step = "end"
	Archive  Step = "archive"
	Cancel   Step = "cancel"
)

// A Move says where a step leads, from which states, and what it takes.
type Move struct {
	Step Step
	Act  permit.Act
	From []State
	To   State
}

// Moves are the whole machine. A step that leads where the event is already does nothing, so that it can be repeated.
var Moves = []Move{
	{Prepare, permit.RunEvent, []State{Scheduled}, Preparation},
	{Schedule, permit.RunEvent, []State{Preparation}, Scheduled},
	{Start, permit.RunEvent, []State{Scheduled, Preparation, Ended}, Live},
	{End, permit.RunEvent, []State{Live}, Ended},
	{Archive, permit.EditEvent, []State{Ended}, Archived},
	{Cancel, permit.EditEvent, []State{Scheduled, Preparation}, Cancelled},
}

// restart is how long an event that has ended may go live again: by a day later its viewers have gone, and its report
// was read.
const restart = 24 * time.Hour

// Errors of steps.
var (
	ErrStep    = errors.New("the event's state does not allow this")
	ErrTooLate = errors.New("the event ended more than a day ago")
)

// Take takes e a step on, and says whether that changed it. A permanent room is scheduled again when it has ended. It
// returns ErrStep or ErrTooLate, and then e is as it was.
func (e *Event) Take(m Move, now time.Time) (changed bool, err error) {
	to := m.To
	if to == Ended && e.Kind == Permanent {
		to = Scheduled
	}
	if e.State == to {
		return false, nil
	}
	if !slices.Contains(m.From, e.State) {
		return false, ErrStep
	}
	if e.State == Ended && to == Live && (e.EndedAt == nil || now.Sub(*e.EndedAt) > restart) {
		return false, ErrTooLate
	}
	at := store.Moment(now)
	switch m.Step {
	case Start:
		e.EndedAt = nil
		if e.HeldAt == nil {
			e.HeldAt = &at
		}
	case End:
		e.EndedAt = &at
	case Cancel:
		e.CancelledAt = &at
	}
	e.State = to
	return true, nil
}

// wait is how long an event that nobody started may still be: without an end, an event is over a day after its start.
const wait = 24 * time.Hour

// end is when e's time has passed. A permanent room's never does.
func (e *Event) end() time.Time {
	switch {
	case e.Kind == Permanent:
		return latest
	case e.EndsAt != nil:
		return *e.EndsAt
	}
	return e.StartsAt.Add(wait)
}

// Deletable says whether e may be deleted for good: it is over and was never held, or is a permanent room at rest.
func (e *Event) Deletable(now time.Time) bool {
	switch {
	case e.State == Live:
		return false
	case e.Kind == Permanent:
		return e.State != Preparation
	}
	return e.HeldAt == nil && (e.State == Cancelled || e.end().Before(now))
}

// Public says whether visitors may know of e.
func (e *Event) Public() bool { return e.State != Archived }
