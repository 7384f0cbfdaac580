package ops

import (
	"strconv"
	"strings"
)

// words say in English what each kind of alert is; {node}, {upstream}, {percent} and {stream} stand for theirs. Pages have the same words.
var words = map[Kind]string{
	NodeFailed:   "{node} has failed",
	NodeSuspect:  "{node} does not answer this control node",
	NodeSilent:   "{node} has gone silent",
	NodeUnheard:  "{node} was never heard",
	NodeLeft:     "{node} has stopped",
	NodeFull:     "{node} is full",
	NodeDraining: "{node} is being drained",
	NodeCordoned: "{node} is cordoned",
	NoLeader:     "No control node leads",
	OutOfPart:    "{node} cannot do its part",
	PeerSilent:   "Control node {node} does not answer",
	PeerTrouble:  "Control node {node} cannot do its part",
	NoOrigin:     "Stream {stream} has no origin",
	StaleEpoch:   "Stream {stream} is placed on {node}, and published elsewhere",
	NoDatabase:   "The database does not answer {node}",
	LinkLossy:    "The link from {upstream} to {node} loses {percent} % of its packets",
}

// Text says what is wrong, in English.
func (a Alert) Text() string {
	return strings.NewReplacer("{node}", a.Node, "{stream}", a.Stream, "{upstream}", a.Upstream,
		"{percent}", strconv.FormatFloat(a.Percent, 'f', -1, 64)).Replace(words[a.Kind])
}
