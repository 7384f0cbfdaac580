// Package place decides where streams are: which origin takes one, which stands by, and which hubs pass it on.
//
// Its functions are pure: a decision follows from what is given alone, in whatever order that comes. They hold no clock and
// start nothing. Who calls them, and when, is control's.
package place

import "freshet/cluster/tree"

// A Mesh is what is known of the nodes at one moment.
type Mesh struct {
	Nodes  []Node  // each once; one that is not there is gone
	Prices []Price // where distance does not say what a link costs
	Losses []Loss  // of lines between regions, each once; others lose nothing
	Degree int     // most links that a node has in one stream's tree, downwards; 0 is 32
}

// defaultDegree keeps what one hub's death leaves without an upstream small, and a tree of a thousand edges two hubs deep.
const defaultDegree = 32

// A Role says what a node can do. Nodes of other roles have no part in placement.
type Role string

// The roles.
const (
	RoleOrigin Role = "origin"
	RoleEdge   Role = "edge"
)

// A State is what people want of a node.
type State uint8

// The states. A cordoned node keeps what it has and takes nothing new; a draining one gives away all it can.
const (
	In State = iota
	Cordoned
	Draining
)

// keeps reports whether a node in state s may go on with what it has.
func (s State) keeps() bool { return s == In || s == Cordoned }

// A Node is one that lives.
type Node struct {
	Name, Region string
	Role         Role
	State        State
	At           Point
	Coordinate   *Coordinate // by measured round trips; nil is unknown
	CapacityBPS  int64       // what it can send
	LoadBPS      int64       // what it sends now
	RelayBPS     int64       // of that, to other nodes
}

// A Price is what a bit costs between two regions, both ways, where a thousand kilometres cost 1.
type Price struct {
	From, To string
	Price    float64
}

// A Loss is what share of its packets the line between two regions loses, before repair.
type Loss struct {
	From, To string
	Share    float64
}

// LossySince is the share from which on ways around a line are looked for. What is lost below it the repair layer mends in time
// for most pictures.
const LossySince = .03

// lossyTimes is how many times as long, and as dear, a line is that loses more: a picture waits for its last packet, and one
// that is asked for again comes a round trip late.
const lossyTimes = 3

// A Stream is one that is on the air.
type Stream struct {
	ID              string
	Origin, Standby string  // as placed
	Publisher       Point   // where it comes from
	LayerBPS        []int64 // what each layer adds, the lowest first and with the sound
	Demand          []Demand
}

// A Demand is what one edge wants of a stream.
type Demand struct {
	Edge    string
	Viewers int // 0: it still pulls
	Layer   int // the highest that any of its viewers watches
}

// A Placement is where a stream's publisher goes, and where it goes next.
type Placement struct{ Origin, Standby string }

// A Decision is one tree a stream.
type Decision struct {
	Trees map[string]tree.Tree
	Short []Short // by stream, then region
}

// A Short is a part of the mesh that no hub can serve. Its edges take the stream wherever their upstreams let them.
type Short struct {
	Stream, Region string // no region: the standby
	Edges          int
	Why            Reason
}

// A Reason says what is missing.
type Reason string

// The reasons.
const (
	NoOrigin Reason = "origin is not in the mesh" // the stream keeps the tree it had
	NoRoom   Reason = "no node has room"
)
