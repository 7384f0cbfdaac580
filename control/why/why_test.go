package why

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/route"
)

func TestLog(t *testing.T) {
	l, now, session := New(), time.Unix(1000, 0), uuid.New()
	if _, ok := l.Of(session, now); ok {
		t.Error("a session that nobody knows")
	}
	l.Keep(session, route.Decision{At: now, Choice: "edge-1"})
	l.Keep(session, route.Decision{At: now.Add(time.Minute), Choice: "edge-2"})
	if d, ok := l.Of(session, now.Add(long)); !ok || d.Choice != "edge-2" {
		t.Errorf("%+v %v", d, ok)
	}
	if _, ok := l.Of(session, now.Add(time.Minute+long)); ok {
		t.Error("told after a day")
	}
	// What is older than a day goes when others come.
	l.Keep(uuid.New(), route.Decision{At: now.Add(2 * long)})
	if n := l.all.Len(); n != 1 {
		t.Errorf("%d are kept, want 1", n)
	}
}

func TestLogIsBounded(t *testing.T) {
	l, now, first := New(), time.Unix(1000, 0), uuid.New()
	l.Keep(first, route.Decision{At: now})
	for range most {
		l.Keep(uuid.New(), route.Decision{At: now})
	}
	if _, ok := l.Of(first, now); ok || l.all.Len() != most {
		t.Errorf("%d are kept, the first among them: %v", l.all.Len(), ok)
	}
}
