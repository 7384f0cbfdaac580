package permit

import (
	"fmt"
	"strings"
	"testing"
)

// The whole table, cell by cell: acts, and which of owner, organizer, collaborator, presenter, a key that reads and a
// key that writes may.
func TestTable(t *testing.T) {
	want := map[Act]string{
		SeeAccount:   "owner organizer collaborator presenter read write",
		EditAccount:  "owner",
		SeeMembers:   "owner organizer read write",
		EditMembers:  "owner",
		SeeAudit:     "owner read write",
		EditKeys:     "owner",
		EditWebhooks: "owner write",
		CreateEvents: "owner organizer write",
		SeeEvent:     "owner organizer collaborator presenter read write",
		EditEvent:    "owner organizer write",
		RunEvent:     "owner organizer collaborator presenter write",
		EditStreams:  "owner organizer collaborator write",
		SeeOrder:     "owner organizer read write",
		SeeGuests:    "owner organizer collaborator read write",
		EditGuests:   "owner organizer collaborator write",
		EditUsers:    "owner organizer",
		SeeContacts:  "owner organizer read write",
		EditContacts: "owner organizer write",
	}
	for _, act := range Acts() {
		var may []string
		for _, role := range Roles {
			if role.May(act) {
				may = append(may, string(role))
			}
		}
		for _, scope := range []Scope{ReadScope, WriteScope} {
			if KeyMay([]Scope{scope}, act) {
				may = append(may, string(scope))
			}
		}
		if got := strings.Join(may, " "); got != want[act] {
			t.Errorf("%s: %s, want %s", act, got, want[act])
		}
		delete(want, act)
	}
	if len(want) > 0 {
		t.Errorf("not in the table: %v", fmt.Sprint(want))
	}
}

func TestUnknownIsRefused(t *testing.T) {
	if Owner.May("fly") || Role("").May(SeeEvent) || Role("admin").May(SeeEvent) || KeyMay(nil, SeeEvent) || KeyMay([]Scope{"", "all"}, EditAccount) {
		t.Error("something unknown is allowed")
	}
}

func TestIn(t *testing.T) {
	for _, row := range []struct{ account, event, want Role }{
		{Owner, "", Owner},
		{Organizer, Presenter, Organizer},
		{Collaborator, "", ""}, // of no event
		{Collaborator, Presenter, Presenter},
		{Presenter, Organizer, Organizer},
		{"", "", ""},
	} {
		if got := In(row.account, row.event); got != row.want {
			t.Errorf("%q in the account, %q in the event: %q, want %q", row.account, row.event, got, row.want)
		}
	}
}
