package event

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"freshet/control/account"
	"freshet/proto/problem"
)

// A FieldKind is how a field of a form is answered.
type FieldKind string

// The kinds of fields.
const (
	TextField     FieldKind = "text"
	ChoiceField   FieldKind = "choice" // one of its options
	CheckboxField FieldKind = "checkbox"
	ConsentField  FieldKind = "consent" // its label is what the guest agrees to
)

// A FormField is one of what is asked of those who register. Name and email are always asked, and are none.
type FormField struct {
	ID       string    `json:"id,omitempty" maxLength:"32" pattern:"^[a-z0-9-]+$" patternDescription:"a-z, 0-9 and -" doc:"Of its answers; one is given to a field without"`
	Label    string    `json:"label" minLength:"1" maxLength:"200"`
	Kind     FieldKind `json:"kind" enum:"text,choice,checkbox,consent"`
	Options  []string  `json:"options,omitempty" maxItems:"50" nullable:"false" doc:"Of a choice, each of at most 200 characters"`
	Required bool      `json:"required,omitempty"`
}

// optionMost is how long an option of a choice is, in runes: as a label.
const optionMost = 200

// capMost is the highest cap; above it, none says as much.
const capMost = 1_000_000

// A MaybeNumber is a number, null or not given at all.
type MaybeNumber struct {
	Given bool
	N     *int64
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *MaybeNumber) UnmarshalJSON(b []byte) error {
	m.Given = true
	return json.Unmarshal(b, &m.N)
}

// Schema implements huma.SchemaProvider.
func (MaybeNumber) Schema(huma.Registry) *huma.Schema {
	least, most := 1.0, float64(capMost)
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most, Nullable: true}
}

func (f *EventFields) applyRegistration(e *Event, wrong *problem.Faults) {
	if f.Cap.Given {
		e.Cap = f.Cap.N
	}
	if f.Approval != nil {
		e.Approval = *f.Approval
	}
	if f.Form != nil {
		e.Form.V = fields(*f.Form, wrong)
	}
	if e.Options.V.Registration {
		return
	}
	for pointer, asked := range map[string]bool{"/form": len(e.Form.V) > 0, "/cap": e.Cap != nil, "/approval": e.Approval} {
		if asked {
			wrong.Add(pointer, "Registration was not ordered.")
		}
	}
}

// fields returns all as they are kept: each with an id of its own, and options where it is a choice.
func fields(all []FormField, wrong *problem.Faults) []FormField {
	kept := []FormField{}
	used := map[string]bool{}
	for i, f := range all {
		if f.ID != "" && used[f.ID] {
			wrong.Add(fmt.Sprintf("/form/%d/id", i), "Two fields have this id.")
		}
		used[f.ID] = true
	}
	for i, f := range all {
		at := fmt.Sprintf("/form/%d", i)
		for n := i + 1; f.ID == ""; n++ {
			if id := fmt.Sprintf("field-%d", n); !used[id] {
				f.ID, used[id] = id, true
			}
		}
		if f.Label = account.Text(f.Label); f.Label == "" {
			wrong.Add(at+"/label", "A field has a label.")
		}
		f.Options = options(f, at, wrong)
		kept = append(kept, f)
	}
	return kept
}

func options(f FormField, at string, wrong *problem.Faults) []string {
	if f.Kind != ChoiceField {
		if len(f.Options) > 0 {
			wrong.Add(at+"/options", "Only a choice has options.")
		}
		return nil
	}
	var kept []string
	for i, o := range f.Options {
		o = account.Text(o)
		switch {
		case o == "" || len([]rune(o)) > optionMost:
			wrong.Add(fmt.Sprintf("%s/options/%d", at, i), "An option has 1 to 200 characters.")
		case slices.Contains(kept, o):
			wrong.Add(fmt.Sprintf("%s/options/%d", at, i), "This option is there twice.")
		default:
			kept = append(kept, o)
		}
	}
	if len(kept) < 2 {
		wrong.Add(at+"/options", "A choice has two options or more.")
	}
	return kept
}

// Registering says what becomes of somebody who wants to register.
type Registering string

// What may be said of that.
const (
	RegistrationClosed Registering = "closed"
	RegistrationOpen   Registering = "open"
	WaitingList        Registering = "waiting-list" // every place is taken
)

// Full says whether as many guests have a place in e as may.
func (e *Event) Full() bool { return e.Cap != nil && e.Taken >= *e.Cap }

// TakesGuests says whether e's rule and state let anybody register.
func (e *Event) TakesGuests() bool {
	return e.Access == Registration && (e.State == Scheduled || e.State == Preparation || e.State == Live)
}

// Registers says what becomes of somebody who wants to register for e.
func (e *Event) Registers() Registering {
	switch {
	case !e.TakesGuests():
		return RegistrationClosed
	case e.Full():
		return WaitingList
	}
	return RegistrationOpen
}
