// Package access finds out who asks, and holds each operation of the API to the table of package permit.
package access

import (
	"context"
	"net/netip"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/audit"
	"freshet/control/permit"
)

// An Actor is who asks: a person in a browser that is logged in, an API key, or nobody.
type Actor struct {
	Kind    audit.Kind // empty for nobody
	ID      uuid.UUID  // of the person or the key
	Account uuid.UUID
	Role    permit.Role    // of a person in the account
	In      permit.Role    // of a person in the event that is asked about (AllowIn); empty: none, or another account's
	Scopes  []permit.Scope // of a key
	Login   uuid.UUID      // of a person
	Ops     bool           // a person who operates the installation; known where that is asked for (ForOps)
	From    netip.Addr
	Browser Browser

	// Recalled says that the database does not answer, and that Ops is as it said before.
	Recalled bool
}

// A Browser is what an answer must know of who asks.
type Browser struct {
	Jar       Jar
	Asked     string // the secret of one that has asked for a link to log in
	Half      string // of one whose log-in waits for its second step
	Challenge string // of one whose passkey is to sign something
	Agent     string // User-Agent, cut to 200 bytes
	Local     bool   // on this machine, on a page of ours or none, at an address of loopback
}

// Somebody says whether a is known.
func (a Actor) Somebody() bool { return a.Kind != "" }

// May says whether a may do act with what belongs to its account.
func (a Actor) May(act permit.Act) bool {
	if a.Kind == audit.Key {
		return permit.KeyMay(a.Scopes, act)
	}
	return a.Kind == audit.Person && a.Role.May(act)
}

// RoleIn returns what a is in an event of its account in which it has a role of its own, or none. An API key is as an
// organizer: what it may do, its scopes say.
func (a Actor) RoleIn(event permit.Role) permit.Role {
	if a.Kind == audit.Key {
		return permit.Organizer
	}
	return permit.In(a.Role, event)
}

// MayIn says whether a may do act with the event that is asked about.
func (a Actor) MayIn(act permit.Act) bool {
	if a.Kind == audit.Key {
		return a.In != "" && permit.KeyMay(a.Scopes, act)
	}
	return a.Kind == audit.Person && a.In.May(act)
}

// Act is an entry of the audit log for what a does.
func (a Actor) Act(action, subject, detail string) audit.Act {
	return audit.Act{Actor: a.Kind, ActorID: a.ID, From: a.From, Action: action, Subject: subject, Detail: detail}
}

type contextKey struct{}

// From returns who asks.
func From(ctx context.Context) Actor {
	a, _ := ctx.Value(contextKey{}).(Actor)
	return a
}

// With returns a context in which a asks.
func With(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// A rule is what an operation asks of its caller.
type rule struct {
	act    permit.Act // empty: none
	event  bool       // act is done to the event that the path names
	person bool       // somebody who is logged in, whatever its role
	ops    bool       // a person who operates the installation
}

const ruleKey = "access"

// Security schemes of the OpenAPI document.
const (
	cookieScheme = "login"
	bearerScheme = "key"
)

// EventParameter is the parameter of a path that names the event which AllowIn is about.
const EventParameter = "id"

// Allow has op ask for act, in all of the account.
func Allow(op huma.Operation, act permit.Act) huma.Operation {
	return set(secured(op, act), rule{act: act}, 401, 403)
}

// AllowIn has op ask for act in the event that its path names. To whom that event is nothing it does not exist.
func AllowIn(op huma.Operation, act permit.Act) huma.Operation {
	return set(secured(op, act), rule{act: act, event: true}, 401, 403, 404)
}

// secured has the document say how to ask for act.
func secured(op huma.Operation, act permit.Act) huma.Operation {
	op.Security = []map[string][]string{{cookieScheme: {}}}
	if permit.KeyMay([]permit.Scope{permit.WriteScope}, act) { // a key that may do all a key may
		op.Security = append(op.Security, map[string][]string{bearerScheme: {}})
	}
	return op
}

// Person has op ask for somebody who is logged in.
func Person(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{cookieScheme: {}}}
	return set(op, rule{person: true}, 401)
}

// Ops has op ask for a person who operates the installation, whatever its role in accounts.
func Ops(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{cookieScheme: {}}}
	return set(op, rule{ops: true}, 401, 403)
}

// Anyone has op ask for nothing.
func Anyone(op huma.Operation) huma.Operation { return set(op, rule{}) }

func set(op huma.Operation, r rule, errs ...int) huma.Operation {
	meta := map[string]any{ruleKey: r}
	for k, v := range op.Metadata {
		meta[k] = v
	}
	op.Metadata = meta
	op.Errors = append(op.Errors, errs...)
	return op
}

// Ruled says whether op says who may call it.
func Ruled(op *huma.Operation) bool {
	_, ok := op.Metadata[ruleKey].(rule)
	return ok
}

// A Verdict on a call.
type Verdict uint8

// What may be said of a call.
const (
	Granted Verdict = iota
	Unknown         // nobody has said who asks
	Refused
	Hidden // what is asked about does not exist for who asks
)

// InEvent says whether what op asks for is done to the event that its path names.
func InEvent(op *huma.Operation) bool {
	r, _ := op.Metadata[ruleKey].(rule)
	return r.event
}

// ForOps says whether op asks for a person who operates the installation.
func ForOps(op *huma.Operation) bool {
	r, _ := op.Metadata[ruleKey].(rule)
	return r.ops
}

// Judge says whether a may call op. It panics where op does not say who may: a fault of the program, which a test finds.
func Judge(op *huma.Operation, a Actor) Verdict {
	r, ok := op.Metadata[ruleKey].(rule)
	switch {
	case !ok:
		panic("operation " + op.OperationID + " does not say who may call it")
	case r.act == "" && !r.person && !r.ops:
		return Granted
	case !a.Somebody():
		return Unknown
	case r.event && a.In == "":
		return Hidden
	case r.event && a.MayIn(r.act):
		return Granted
	case r.event:
		return Refused
	case r.person && a.Kind != audit.Person, r.ops && !a.Ops, r.act != "" && !a.May(r.act):
		return Refused
	}
	return Granted
}

// Schemes are the security schemes that operations name.
func Schemes() map[string]*huma.SecurityScheme {
	return map[string]*huma.SecurityScheme{
		cookieScheme: {Type: "apiKey", In: "cookie", Name: secureCookie, Description: "Of a browser that is logged in"},
		bearerScheme: {Type: "http", Scheme: "bearer", Description: "An API key"},
	}
}
