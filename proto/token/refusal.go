package token

import (
	"errors"
	"net/http"

	"freshet/proto/problem"
)

// Missing is what a viewer without a token is told, where one is needed.
func Missing() *problem.Problem {
	return problem.New(http.StatusUnauthorized, "token-missing", "Token missing",
		"This event asks for a password, a personal link or a registration. Enter it first, and send the token that you get as a bearer.")
}

// Wrong is what a viewer is told whose token does not count, or not any more.
func Wrong() *problem.Problem {
	return problem.New(http.StatusUnauthorized, "token-wrong", "Token not accepted", "This token does not open this event, or not any more. Enter the event again.")
}

// Refusal is what a viewer is told whose token Check has refused with err.
func Refusal(err error) *problem.Problem {
	switch {
	case errors.Is(err, ErrExpired):
		return problem.New(http.StatusUnauthorized, "token-expired", "Token has run out", "Enter the event again.")
	case errors.Is(err, ErrRole):
		return problem.New(http.StatusForbidden, "token-role", "Token of another kind", "This token is not one for watching.")
	}
	return Wrong()
}
