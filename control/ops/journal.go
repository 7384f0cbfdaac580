package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"freshet/control/quorum"
	"freshet/control/quorum/ledger"
	pb "freshet/proto"
)

// An Action is what may be done to the cluster.
type Action string

// Actions.
const (
	Drain       Action = "drain"
	Cordon      Action = "cordon"
	TakeBack    Action = "take-back"
	Remove      Action = "remove"
	Token       Action = "token"
	GossipKeys  Action = "gossip-keys"
	SigningKeys Action = "signing-keys"
)

// An Outcome is what became of an act.
type Outcome string

// Outcomes. Open is that of an act which goes on, or whose control node died over it.
const (
	Open    Outcome = "open"
	Done    Outcome = "done"
	Refused Outcome = "refused"
)

// An Entry tells of one act. Persons stand in it by their ids; erasing one changes nothing.
type Entry struct {
	At      time.Time  `json:"at"`
	Action  Action     `json:"action" enum:"drain,cordon,take-back,remove,token,gossip-keys,signing-keys"`
	Node    string     `json:"node,omitempty" doc:"What it was done to"`
	Role    string     `json:"role,omitempty" doc:"Of whom a token lets in"`
	Person  *uuid.UUID `json:"person,omitempty" doc:"Who did it on the console; missing: it was a command"`
	Asked   string     `json:"asked,omitempty" doc:"Control node with whose directory a command asked"`
	By      string     `json:"by" doc:"Control node that did it"`
	Outcome Outcome    `json:"outcome" enum:"open,done,refused" doc:"open: it goes on, or its control node died over it"`
	Why     string     `json:"why,omitempty" doc:"Of a refusal, in English"`
}

// Ledger is what control nodes agree on; see control/quorum.
type Ledger interface {
	Apply(ctx context.Context, e *pb.Entry) (quorum.Result, error)
	State() *ledger.State
}

// A Journal is of what was done to the cluster. It stands in the ledger, as what it tells of does: an act and its entry are
// both possible or neither, also while the database is away, and all control nodes have it. The chains of control/audit would not do: each is an
// account's, and in the database. Its methods may be called from any goroutine.
type Journal struct{ ledger Ledger }

// NewJournal returns the journal in l.
func NewJournal(l Ledger) *Journal { return &Journal{l} }

const (
	journalMost = 200 // entries; a ledger has room for 256 settings
	journalName = "ops-log."
	whyMost     = 400 // bytes
)

// add writes e as the newest entry, and returns its name, under which set writes it anew. The oldest make room.
func (j *Journal) add(ctx context.Context, e Entry) (name string, err error) {
	all := j.names()
	for _, old := range all[:max(0, len(all)-journalMost+1)] {
		if err := j.put(ctx, old, nil); err != nil {
			return "", err
		}
	}
	id, err := uuid.NewV7() // they sort by their time
	if err != nil {
		return "", err
	}
	name = journalName + id.String()
	return name, j.set(ctx, name, e)
}

func (j *Journal) set(ctx context.Context, name string, e Entry) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return j.put(ctx, name, b)
}

func (j *Journal) put(ctx context.Context, name string, value []byte) error {
	done, err := j.ledger.Apply(ctx, &pb.Entry{Body: &pb.Entry_PutSetting{PutSetting: &pb.PutSetting{Name: name, Value: value}}})
	if err == nil {
		err = done.Err()
	}
	if err != nil {
		return fmt.Errorf("log of operations: %w", err)
	}
	return nil
}

// names are those of the entries, oldest first.
func (j *Journal) names() []string {
	all := slices.Sorted(maps.Keys(j.ledger.State().Settings))
	return slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, journalName) })
}

// Entries returns what was done last, newest first. What a newer release wrote, and this one does not know, is left out.
func (j *Journal) Entries() []Entry {
	settings, out := j.ledger.State().Settings, []Entry{}
	for _, name := range slices.Backward(j.names()) {
		var e Entry
		if json.Unmarshal(settings[name], &e) == nil {
			out = append(out, e)
		}
	}
	return out
}
