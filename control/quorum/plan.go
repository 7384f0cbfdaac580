package quorum

import "time"

const (
	maxServers = 32
	// A control node that was silent for so long is not coming back. The leader counts from its own start at the earliest.
	goneAfter = 24 * time.Hour
	maxLag    = batch // entries that a node may lack to be given a vote: the next message brings them
)

// voterCounts are how many vote: one, or as many as survive one or two deaths. More would only make each write wait for more.
var voterCounts = []int{1, 3, 5}

// A server is a control node, as the leader judges it.
type server struct {
	node    string
	voter   bool
	leader  bool          // it is the one that plans
	removed bool          // from the cluster, for good
	healthy bool          // answers, reads the entries, has room
	caught  bool          // lacks maxLag entries at most
	silent  time.Duration // since its last answer
}

type step int

const (
	stepNone    step = iota
	stepRemove       // node is no part of the quorum any more
	stepPromote      // node votes
	stepYield        // the leader hands over: it was removed, and can take out anybody but itself
)

// plan returns the next step towards a quorum of healthy nodes, at most one: the next is planned on what came of it.
func plan(all []server) (step, string) {
	for _, s := range all {
		if s.removed || s.silent >= goneAfter {
			switch {
			case s.leader && s.removed && mayLose(all, s.node):
				return stepYield, ""
			case !s.leader && mayLose(all, s.node):
				return stepRemove, s.node
			}
		}
	}
	votes, spare := 0, ""
	reachable := 0
	for _, s := range all {
		switch ready := s.healthy && s.caught && !s.removed; {
		case s.voter:
			votes++
		case ready && spare == "":
			spare = s.node
			reachable++
		case ready:
			reachable++
		}
	}
	want := 0
	for _, n := range voterCounts {
		if n <= votes+reachable {
			want = n
		}
	}
	if want > votes {
		return stepPromote, spare
	}
	return stepNone, ""
}

// mayLose says whether without node the healthy voters are still enough for a majority.
func mayLose(all []server, node string) bool {
	votes, healthy := 0, 0
	for _, s := range all {
		if s.node == node && !s.voter {
			return true
		}
		if !s.voter || s.node == node {
			continue
		}
		votes++
		if s.healthy {
			healthy++
		}
	}
	return healthy > votes/2
}
