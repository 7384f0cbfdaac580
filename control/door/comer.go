package door

import (
	"net/http"

	"golang.org/x/text/language"

	"freshet/control/account"
	"freshet/proto/problem"
)

// introduced puts into e who c says to be. It returns a *problem.Problem that names all that is not valid; a name and an
// address may be left out where they are not needed.
func (e *Entry) introduced(c Comer, needed bool) error {
	var wrong problem.Faults
	if e.Name = account.Text(c.Name); e.Name == "" && (needed || c.Name != "") {
		wrong.Add("/name", "Say your name.")
	}
	if needed || c.Email != "" {
		var err error
		if e.Email, err = account.Address(c.Email); err != nil {
			wrong.Add("/email", "This is not an email address.")
		}
	}
	if c.Language != "" {
		t, err := language.Parse(c.Language)
		if e.Language = t.String(); err != nil || t == language.Und {
			wrong.Add("/language", "A language is a tag of BCP 47, such as en or fr-CA.")
		}
	}
	return wrong.Err()
}

func errPasswordMissing() error {
	return problem.New(http.StatusUnauthorized, "password-missing", "Password missing", "This event asks for a password.")
}

func errPasswordWrong() error {
	return problem.New(http.StatusUnauthorized, "password-wrong", "Password wrong", "The password is wrong. It is one for all who come to this event.")
}

func errPassMissing() error {
	return problem.New(http.StatusUnauthorized, "pass-missing", "Personal link missing", "This event is entered by the personal link in your invitation or confirmation.")
}

func errPassWrong() error {
	return problem.New(http.StatusUnauthorized, "pass-wrong", "Personal link not valid", "This personal link opens this event not, or not any more.")
}

func errPassInUse() error {
	return problem.New(http.StatusConflict, "pass-in-use", "In use elsewhere", "This personal link is in use in another place. It can be used here instead; the other place then cannot come in again.")
}
