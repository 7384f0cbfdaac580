package access

import (
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/audit"
	"freshet/control/permit"
)

func TestJudge(t *testing.T) {
	var (
		anyone   = Anyone(huma.Operation{})
		person   = Person(huma.Operation{})
		ops      = Ops(huma.Operation{})
		account  = Allow(huma.Operation{}, permit.CreateEvents)
		inEvent  = AllowIn(huma.Operation{}, permit.EditStreams)
		usersFor = AllowIn(huma.Operation{}, permit.EditUsers) // no key may
	)
	ofAccount := func(role, in permit.Role) Actor { return Actor{Kind: audit.Person, Role: role, In: in} }
	key := func(in permit.Role, scopes ...permit.Scope) Actor {
		return Actor{Kind: audit.Key, In: in, Scopes: scopes}
	}
	for name, c := range map[string]struct {
		op   huma.Operation
		a    Actor
		want Verdict
	}{
		"nobody, for anyone":                 {anyone, Actor{}, Granted},
		"nobody, for persons":                {person, Actor{}, Unknown},
		"nobody, in an event":                {inEvent, Actor{}, Unknown},
		"a key, for persons":                 {person, key(""), Refused},
		"nobody, for ops":                    {ops, Actor{}, Unknown},
		"an owner, for ops":                  {ops, ofAccount(permit.Owner, ""), Refused},
		"a key, for ops":                     {ops, key("", permit.WriteScope), Refused},
		"ops, of no account":                 {ops, Actor{Kind: audit.Person, Ops: true}, Granted},
		"organizer of the account":           {account, ofAccount(permit.Organizer, ""), Granted},
		"organizer of an event, outside":     {account, ofAccount(permit.Collaborator, permit.Organizer), Refused},
		"collaborator of the event":          {inEvent, ofAccount(permit.Collaborator, permit.Collaborator), Granted},
		"collaborator of another event":      {inEvent, ofAccount(permit.Collaborator, ""), Hidden},
		"presenter of the event":             {inEvent, ofAccount(permit.Collaborator, permit.Presenter), Refused},
		"organizer, another account's event": {inEvent, ofAccount(permit.Organizer, ""), Hidden},
		"a key that writes":                  {inEvent, key(permit.Organizer, permit.WriteScope), Granted},
		"a key that reads":                   {inEvent, key(permit.Organizer, permit.ReadScope), Refused},
		"a key, another account's event":     {inEvent, key("", permit.WriteScope), Hidden},
		"a key, where none may":              {usersFor, key(permit.Organizer, permit.WriteScope), Refused},
	} {
		if got := Judge(&c.op, c.a); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		ifMatch []string
		want    bool
	}{{[]string{`"3"`}, true}, {[]string{`"2"`}, false}, {[]string{`"2"`, `"3"`}, true}, {[]string{"*"}, true}, {[]string{`"33"`}, false}} {
		if got := Matches(c.ifMatch, 3); got != c.want {
			t.Errorf("%q: %v", c.ifMatch, got)
		}
	}
	if Conditional(nil) == nil || Conditional([]string{"*"}) != nil {
		t.Error("If-Match is not asked for, or asked for twice")
	}
}
