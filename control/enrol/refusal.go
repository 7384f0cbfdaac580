package enrol

import (
	"errors"
	"fmt"
	"strings"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

// A refusal is what a node is told. Its text stands in the node's log: what is wrong, and what to do.
type refusal struct {
	code pb.EnrolCode
	text string
}

func (r *refusal) Error() string { return r.text }

// reason names r in metrics and notes.
func (r *refusal) reason() string { return reasonOf(r.code) }

func reasonOf(c pb.EnrolCode) string {
	return strings.ToLower(strings.TrimPrefix(c.String(), "ENROL_CODE_"))
}

func refuse(code pb.EnrolCode, format string, args ...any) *refusal {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

const anotherToken = "ask for a new one: freshet cluster token"

// known are refusals by the error of whoever decided.
var known = []struct {
	err  error
	code pb.EnrolCode
	text string
}{
	{ErrTokenUnknown, pb.EnrolCode_ENROL_CODE_TOKEN_UNKNOWN, "this cluster does not know the join token; " + anotherToken},
	{ErrTokenExpired, pb.EnrolCode_ENROL_CODE_TOKEN_EXPIRED, "the join token has expired; " + anotherToken},
	{ErrTokenUsed, pb.EnrolCode_ENROL_CODE_TOKEN_USED, "the join token was used by another machine, it lets one in; " + anotherToken},
	{ErrWrongRole, pb.EnrolCode_ENROL_CODE_WRONG_ROLE, "the join token is for another role; " + anotherToken + " --role ROLE"},
	{ErrNameTaken, pb.EnrolCode_ENROL_CODE_NAME_TAKEN, "a machine with another key has this name; take another --node, or remove that one: freshet cluster remove NODE"},
	{ErrRemoved, pb.EnrolCode_ENROL_CODE_REMOVED, "this machine was removed from the cluster; to have it in again, delete node.key and node.pem in its data directory and join with a new token"},
	{ErrUnregistered, pb.EnrolCode_ENROL_CODE_UNREGISTERED, "the cluster knows no machine of this name, role and key; delete node.pem in its data directory and join with a new token"},
	{identity.ErrLapsed, pb.EnrolCode_ENROL_CODE_LAPSED, "its certificate ran out more than 7 days ago; delete node.pem in its data directory and join with a new token"},
	{identity.ErrLife, pb.EnrolCode_ENROL_CODE_CERTIFICATE, "its certificate is not valid yet by the clock here; set the clocks of both"},
	{identity.ErrCA, pb.EnrolCode_ENROL_CODE_CERTIFICATE, "its certificate is of another cluster; join this one with a token"},
	{identity.ErrNoPeer, pb.EnrolCode_ENROL_CODE_CERTIFICATE, "it shows no certificate to renew; join with a token"},
}

// refusalOf is what a node is told of err.
func refusalOf(err error) *refusal {
	if r := (*refusal)(nil); errors.As(err, &r) {
		return r
	}
	for _, k := range known {
		if errors.Is(err, k.err) {
			return &refusal{code: k.code, text: k.text}
		}
	}
	return refuse(pb.EnrolCode_ENROL_CODE_UNAVAILABLE, "control cannot decide now; try again in a moment")
}
