// Package permit says who may do what: roles, acts, and the table that joins them. What stands in no cell is refused.
package permit

import "slices"

// A Role is what a member is in an account, or in one of its events.
type Role string

// The roles. Owner and organizer hold for a whole account; organizer, collaborator and presenter also for one event.
const (
	Owner        Role = "owner"
	Organizer    Role = "organizer"
	Collaborator Role = "collaborator"
	Presenter    Role = "presenter"
)

// Roles are all roles, the mightiest first.
var Roles = []Role{Owner, Organizer, Collaborator, Presenter}

// An Act is what somebody wants to do with what belongs to an account.
type Act string

// The acts. Those of an event are allowed by a role in the account or in that event.
const (
	SeeAccount   Act = "see-account"
	EditAccount  Act = "edit-account"
	SeeMembers   Act = "see-members"
	EditMembers  Act = "edit-members"
	SeeAudit     Act = "see-audit"
	EditKeys     Act = "edit-keys"
	EditWebhooks Act = "edit-webhooks"
	CreateEvents Act = "create-events"
	SeeEvent     Act = "see-event"
	EditEvent    Act = "edit-event"
	RunEvent     Act = "run-event"
	EditStreams  Act = "edit-streams" // of one event, and their keys
	SeeOrder     Act = "see-order"
	SeeGuests    Act = "see-guests"
	EditGuests   Act = "edit-guests"
	EditUsers    Act = "edit-users" // of one event
	SeeContacts  Act = "see-contacts"
	EditContacts Act = "edit-contacts" // and put them on lists of guests
)

// A cell names the roles that may, and whether an API key may.
type cell struct {
	roles []Role
	scope Scope // an API key needs it; empty: no key may
}

// A Scope is what an API key is allowed.
type Scope string

// The scopes of API keys.
const (
	ReadScope  Scope = "read"  // see what an organizer sees
	WriteScope Scope = "write" // and change events, guests and registrations
)

var table = map[Act]cell{
	SeeAccount:   {[]Role{Owner, Organizer, Collaborator, Presenter}, ReadScope},
	EditAccount:  {[]Role{Owner}, ""},
	SeeMembers:   {[]Role{Owner, Organizer}, ReadScope},
	EditMembers:  {[]Role{Owner}, ""},
	SeeAudit:     {[]Role{Owner}, ReadScope},
	EditKeys:     {[]Role{Owner}, ""},
	EditWebhooks: {[]Role{Owner}, WriteScope},
	CreateEvents: {[]Role{Owner, Organizer}, WriteScope},
	SeeEvent:     {[]Role{Owner, Organizer, Collaborator, Presenter}, ReadScope},
	EditEvent:    {[]Role{Owner, Organizer}, WriteScope},
	RunEvent:     {[]Role{Owner, Organizer, Collaborator, Presenter}, WriteScope},
	EditStreams:  {[]Role{Owner, Organizer, Collaborator}, WriteScope},
	SeeOrder:     {[]Role{Owner, Organizer}, ReadScope},
	SeeGuests:    {[]Role{Owner, Organizer, Collaborator}, ReadScope},
	EditGuests:   {[]Role{Owner, Organizer, Collaborator}, WriteScope},
	EditUsers:    {[]Role{Owner, Organizer}, ""},
	SeeContacts:  {[]Role{Owner, Organizer}, ReadScope},
	EditContacts: {[]Role{Owner, Organizer}, WriteScope},
}

// Acts returns all acts, by name.
func Acts() []Act {
	var all []Act
	for act := range table {
		all = append(all, act)
	}
	slices.Sort(all)
	return all
}

// OfEvent says whether act is done to one event, so that a role in that event may allow it.
func OfEvent(act Act) bool {
	switch act {
	case SeeEvent, EditEvent, RunEvent, EditStreams, SeeOrder, SeeGuests, EditGuests, EditUsers:
		return true
	}
	return false
}

// Whole says whether role holds for every event of an account.
func (role Role) Whole() bool { return role == Owner || role == Organizer }

// In returns what a member of an account is in one of its events: what it is in the account where that holds for every
// event, else what it is in that event alone; empty for nothing.
func In(account, event Role) Role {
	if account.Whole() {
		return account
	}
	return event
}

// Role says whether a member with role may do act.
func (role Role) May(act Act) bool { return slices.Contains(table[act].roles, role) }

// KeyMay says whether an API key with scopes may do act. Who may write may read.
func KeyMay(scopes []Scope, act Act) bool {
	need := table[act].scope
	return need != "" && (slices.Contains(scopes, need) || need == ReadScope && slices.Contains(scopes, WriteScope))
}
