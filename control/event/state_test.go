package event

import (
	"errors"
	"testing"
	"time"

	"freshet/control/permit"
)

// The whole machine, cell by cell: what each step makes of each state, of a webcast and of a permanent room. "=" is a
// step that leads where the event is already, "-" one that is refused.
func TestMoves(t *testing.T) {
	want := map[State]map[Step]string{
		Scheduled:   {Prepare: "preparation", Schedule: "=", Start: "live", End: "-", Archive: "-", Cancel: "cancelled"},
		Preparation: {Prepare: "=", Schedule: "scheduled", Start: "live", End: "-", Archive: "-", Cancel: "cancelled"},
		Live:        {Prepare: "-", Schedule: "-", Start: "=", End: "ended", Archive: "-", Cancel: "-"},
		Ended:       {Prepare: "-", Schedule: "-", Start: "live", End: "=", Archive: "archived", Cancel: "-"},
		Archived:    {Prepare: "-", Schedule: "-", Start: "-", End: "-", Archive: "=", Cancel: "-"},
		Cancelled:   {Prepare: "-", Schedule: "-", Start: "-", End: "-", Archive: "-", Cancel: "="},
	}
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for _, kind := range []Kind{Webcast, Permanent} {
		for _, from := range States {
			for _, m := range Moves {
				cell := want[from][m.Step]
				if kind == Permanent && m.Step == End {
					cell = map[State]string{Live: "scheduled", Scheduled: "="}[from]
					if cell == "" {
						cell = "-"
					}
				}
				ended := now.Add(-restart)
				e := Event{Line: Line{Kind: kind, State: from, EndedAt: &ended}}
				changed, err := e.Take(m, now)
				got := string(e.State)
				switch {
				case err != nil && e.State == from && !changed:
					got = "-"
				case !changed && e.State == from:
					got = "="
				}
				if got != cell || err != nil && !errors.Is(err, ErrStep) {
					t.Errorf("%s, %s by %s: %s (%v), want %s", kind, from, m.Step, got, err, cell)
				}
			}
		}
	}
	if len(want) != len(States) || len(want[Live]) != len(Moves) {
		t.Errorf("%d states and %d steps are not all there are", len(want), len(want[Live]))
	}
}

// Who may: those who run an event, but for what cannot be taken back.
func TestWhoMoves(t *testing.T) {
	for _, m := range Moves {
		final := m.To == Archived || m.To == Cancelled
		if permit.Presenter.May(m.Act) == final || permit.Collaborator.May(m.Act) == final || !permit.Organizer.May(m.Act) {
			t.Errorf("%s asks for %s", m.Step, m.Act)
		}
	}
}

func move(t *testing.T, e *Event, step Step, now time.Time) error {
	t.Helper()
	for _, m := range Moves {
		if m.Step == step {
			_, err := e.Take(m, now)
			return err
		}
	}
	t.Fatalf("no step %s", step)
	return nil
}

// An event is held once it was live, may go live again within a day, and its moments say so.
func TestMoments(t *testing.T) {
	t0 := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	e := Event{Line: Line{Kind: Webcast, State: Scheduled, StartsAt: t0}}
	for _, s := range []struct {
		step  Step
		after time.Duration
	}{{Prepare, 0}, {Start, time.Minute}, {End, time.Hour}, {Start, 25 * time.Hour}} {
		if err := move(t, &e, s.step, t0.Add(s.after)); err != nil {
			t.Fatalf("%s: %v", s.step, err)
		}
	}
	if !e.HeldAt.Equal(t0.Add(time.Minute)) || e.EndedAt != nil || e.State != Live {
		t.Errorf("%+v", e.Line)
	}
	if err := move(t, &e, End, t0.Add(26*time.Hour)); err != nil || !e.EndedAt.Equal(t0.Add(26*time.Hour)) {
		t.Errorf("%v %v", e.EndedAt, err)
	}
	if err := move(t, &e, Start, t0.Add(50*time.Hour+time.Second)); !errors.Is(err, ErrTooLate) || e.State != Ended {
		t.Errorf("%v %s", err, e.State)
	}
	e = Event{Line: Line{Kind: Webcast, State: Scheduled}}
	if err := move(t, &e, Cancel, t0); err != nil || !e.CancelledAt.Equal(t0) {
		t.Errorf("%v %v", e.CancelledAt, err)
	}
}

func TestDeletable(t *testing.T) {
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	line := func(kind Kind, state State, starts time.Duration, ends, held *time.Time) Event {
		return Event{Line: Line{Kind: kind, State: state, StartsAt: *ago(starts), EndsAt: ends, HeldAt: held}}
	}
	for name, c := range map[string]struct {
		e                Event
		deletable, swept bool
	}{
		"to come":                  {line(Webcast, Scheduled, -time.Hour, nil, nil), false, false},
		"late":                     {line(Webcast, Scheduled, 2*time.Hour, nil, nil), false, false},
		"past":                     {line(Webcast, Scheduled, 2*time.Hour, ago(time.Hour), nil), true, false},
		"past, in preparation":     {line(Webcast, Preparation, 2*time.Hour, ago(time.Hour), nil), true, false},
		"long past":                {line(Webcast, Scheduled, 40*time.Hour, ago(25*time.Hour), nil), true, true},
		"long past, without end":   {line(Webcast, Preparation, 49*time.Hour, nil, nil), true, true},
		"held":                     {line(Webcast, Ended, 90*time.Hour, ago(80*time.Hour), ago(90*time.Hour)), false, false},
		"live":                     {line(Webcast, Live, 90*time.Hour, ago(80*time.Hour), ago(90*time.Hour)), false, false},
		"cancelled":                {line(Webcast, Cancelled, -time.Hour, nil, nil), true, false},
		"cancelled, long past":     {line(Webcast, Cancelled, 90*time.Hour, nil, nil), true, true},
		"room":                     {line(Permanent, Scheduled, 900*time.Hour, nil, nil), true, false},
		"room that was held":       {line(Permanent, Scheduled, 900*time.Hour, nil, ago(time.Hour)), true, false},
		"room that is live":        {line(Permanent, Live, 900*time.Hour, nil, ago(time.Hour)), false, false},
		"room that is in use soon": {line(Permanent, Preparation, 900*time.Hour, nil, nil), false, false},
	} {
		if got := c.e.Deletable(now); got != c.deletable {
			t.Errorf("%s: deletable is %v", name, got)
		}
		if got := c.e.swept(now); got != c.swept {
			t.Errorf("%s: swept is %v", name, got)
		}
	}
}
