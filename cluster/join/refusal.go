package join

import (
	"strings"
	"unicode"

	"freshet/cluster/identity"
	pb "freshet/proto"
)

const maxText = 500 // bytes of a refusal that are shown

// A Refusal is control's no. errors.Is knows it as identity.ErrRemoved or identity.ErrLapsed where that is why.
type Refusal struct {
	Code pb.EnrolCode
	Text string // what is wrong, and what to do
}

func (r *Refusal) Error() string { return "control refuses: " + r.Text }

func (r *Refusal) Is(target error) bool {
	switch r.Code {
	case pb.EnrolCode_ENROL_CODE_REMOVED:
		return target == identity.ErrRemoved
	case pb.EnrolCode_ENROL_CODE_LAPSED:
		return target == identity.ErrLapsed
	}
	return false
}

// passes says whether another control node, or a later time, may answer otherwise.
func (r *Refusal) passes() bool {
	return r.Code == pb.EnrolCode_ENROL_CODE_TOO_MANY || r.Code == pb.EnrolCode_ENROL_CODE_UNAVAILABLE
}

// refusalOf makes one line of what another program has written.
func refusalOf(r *pb.EnrolRefusal) *Refusal {
	text := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, r.GetText()[:min(len(r.GetText()), maxText)])
	return &Refusal{Code: r.GetCode(), Text: text}
}
