package mail

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/store"
	"freshet/proto/problem"
)

// shown is how many mails the mailbox lists.
const shown = 100

// A Mailbox takes mails as a server does, and shows them to whoever sits at the machine: for trying Freshet out with
// nothing else installed. Its mails let anybody in, so it is for loopback alone.
type Mailbox struct {
	Store *store.DB
	Open  bool // false: there is none
}

// Send implements Server.
func (*Mailbox) Send(_ context.Context, letters []Letter, done func(Letter, error)) error {
	for _, l := range letters {
		done(l, nil)
	}
	return nil
}

// Kept is a mail in the mailbox, as the API shows it.
type Kept struct {
	ID      uuid.UUID `json:"id"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`
}

// KeptWhole is a mail with all it says.
type KeptWhole struct {
	Kept
	Text string `json:"text"`
	HTML string `json:"html"`
}

type keptOut struct {
	Body []Kept `nullable:"false"`
}

type keptIn struct {
	ID uuid.UUID `path:"id"`
}

type keptWholeOut struct{ Body KeptWhole }

// A row is a mail as it is kept.
type row struct {
	ID      uuid.UUID           `db:"id"`
	To      string              `db:"recipient"`
	At      time.Time           `db:"created_at"`
	Message store.JSON[Written] `db:"message"`
}

func (r row) kept() Kept { return Kept{ID: r.ID, To: r.To, Subject: r.Message.V.Subject, At: r.At} }

// Register adds the operations to api.
func (m *Mailbox) Register(api huma.API) {
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, "/dev/mails", "list-mails",
		"Mails of a mesh on one machine, the newest first; from loopback alone", http.StatusNotFound)),
		func(ctx context.Context, _ *struct{}) (*keptOut, error) {
			if err := m.closed(ctx); err != nil {
				return nil, err
			}
			all, err := store.All[row](ctx, m.Store, newestMails, store.Args{"n": shown})
			out := &keptOut{Body: []Kept{}}
			for _, r := range all {
				out.Body = append(out.Body, r.kept())
			}
			return out, err
		})
	huma.Register(api, access.Anyone(access.Op(http.MethodGet, "/dev/mails/{id}", "get-mail",
		"One of them", http.StatusNotFound)),
		func(ctx context.Context, in *keptIn) (*keptWholeOut, error) {
			if err := m.closed(ctx); err != nil {
				return nil, err
			}
			r, err := store.One[row](ctx, m.Store, mailByID, store.Args{"id": in.ID})
			if errors.Is(err, store.ErrNone) {
				return nil, problem.New(http.StatusNotFound, "not-found", "Not found", "There is no such mail.")
			}
			w := r.Message.V
			return &keptWholeOut{KeptWhole{Kept: r.kept(), Text: w.Text, HTML: w.HTML}}, err
		})
}

// closed returns an error where whoever asks may not look: as if there was nothing.
func (m *Mailbox) closed(ctx context.Context) error {
	if m.Open && access.From(ctx).Browser.Local {
		return nil
	}
	return problem.New(http.StatusNotFound, "not-found", "Not found", "There is no mailbox here.")
}
