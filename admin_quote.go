package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"freshet/control/mail"
	"freshet/control/order"
	"freshet/control/store"
)

// adminQuoteCommand is the group of commands on quotes. Mails that they write are sent by control.
type adminQuoteCommand struct {
	List   quoteListCommand   `cmd:"" help:"Print the newest 1,000 quotes, the newest first."`
	Show   quoteShowCommand   `cmd:"" help:"Print a quote."`
	Accept quoteAcceptCommand `cmd:"" help:"Make the event that a quote asks for, and tell who asked."`
	Refuse quoteRefuseCommand `cmd:"" help:"Tell who asked that there will be no event, and why."`
}

// quotesMost are listed: more than anybody reads.
const quotesMost = 1000

// A shownQuote is a quote as JSON has it.
type shownQuote struct {
	ID uuid.UUID `json:"id"`
	order.Wish
	AskedAt   time.Time   `json:"askedAt"`
	State     order.State `json:"state"`
	Reason    string      `json:"reason,omitempty"`
	Account   *uuid.UUID  `json:"account,omitempty"`
	Event     *uuid.UUID  `json:"event,omitempty"`
	DecidedAt *time.Time  `json:"decidedAt,omitempty"`
}

func quoteOf(k order.Quote) shownQuote {
	return shownQuote{k.ID, k.Wish(), k.AskedAt, k.State, k.Reason, k.Account, k.Event, k.DecidedAt}
}

// when is a time in a zone, which is named.
func when(at time.Time, zone string) string {
	in, err := time.LoadLocation(zone)
	if err != nil {
		in = time.UTC
	}
	return at.In(in).Format("2006-01-02 15:04 ") + in.String()
}

type quoteListCommand struct {
	outputFlag
	adminFlags
}

// Run prints the quotes.
func (c *quoteListCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	all, err := order.Newest(p.ctx, db, quotesMost)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if c.Output == outputJSON {
		quotes := make([]shownQuote, len(all))
		for i, k := range all {
			quotes[i] = quoteOf(k)
		}
		return json.NewEncoder(p.stdout).Encode(quotes)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	_, err = fmt.Fprintln(t, "ID\tSTATE\tASKED\tSTARTS\tVIEWERS\tORGANIZATION\tTITLE")
	for _, k := range all {
		if err == nil {
			_, err = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", k.ID, k.State, when(k.AskedAt, "UTC"), when(k.StartsAt, k.TimeZone), k.Viewers, k.Organization, k.Title)
		}
	}
	return errors.Join(err, t.Flush())
}

// quoteFlags say which quote.
type quoteFlags struct {
	outputFlag
	adminFlags
	ID uuid.UUID `arg:"" help:"Number of the quote."`
}

// with runs do on the database, and prints the quote that comes of it.
func (f quoteFlags) with(p *program, do func(ctx context.Context, db *store.DB) (order.Quote, error)) error {
	db, err := f.open(p)
	if err != nil {
		return err
	}
	k, err := do(p.ctx, db)
	if errors.Is(err, store.ErrNone) {
		err = errors.New("there is no such quote, or no such account")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if f.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(quoteOf(k))
	}
	var ordered []string
	for _, o := range []struct {
		name string
		is   bool
	}{{"registration", k.Options.V.Registration}, {"poll", k.Options.V.Poll}, {"languages", k.Options.V.Languages}, {"sms", k.Options.V.SMS}} {
		if o.is {
			ordered = append(ordered, o.name)
		}
	}
	rows := [][2]string{
		{"Quote", k.ID.String()}, {"State", string(k.State)}, {"Asked", when(k.AskedAt, "UTC")}, {"Organization", k.Organization},
		{"Name", k.Name}, {"Email", k.Email}, {"Phone", k.Phone}, {"Title", k.Title}, {"Starts", when(k.StartsAt, k.TimeZone)},
		{"Duration", fmt.Sprintf("%d min", k.Minutes)}, {"Viewers", fmt.Sprint(k.Viewers)},
		{"Languages", strings.Join(k.Languages.V, ", ")}, {"Options", strings.Join(ordered, ", ")},
		{"Remarks", strings.ReplaceAll(strings.TrimSpace(k.Remarks), "\n", "\n\t")}, {"Reason", k.Reason},
	}
	if k.Account != nil {
		rows = append(rows, [2]string{"Account", k.Account.String()})
	}
	if k.Event != nil {
		rows = append(rows, [2]string{"Event", k.Event.String()})
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if err == nil && row[1] != "" {
			_, err = fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
		}
	}
	return errors.Join(err, t.Flush())
}

func desk(db *store.DB) *order.Desk {
	return &order.Desk{Store: db, Mail: mail.NewQueue(), Random: rand.Reader, Now: time.Now}
}

type quoteShowCommand struct{ quoteFlags }

// Run prints the quote.
func (c *quoteShowCommand) Run(p *program) error {
	return c.with(p, func(ctx context.Context, db *store.DB) (order.Quote, error) { return order.Get(ctx, db, c.ID) })
}

type quoteAcceptCommand struct {
	quoteFlags
	Account uuid.UUID `placeholder:"ID" help:"Account that gets the event. Default that of the member who asked, else a new one, which who asked is invited to own."`
}

// Run makes the event, and prints the quote with it.
func (c *quoteAcceptCommand) Run(p *program) error {
	return c.with(p, func(ctx context.Context, db *store.DB) (order.Quote, error) {
		return desk(db).Accept(ctx, c.ID, c.Account)
	})
}

type quoteRefuseCommand struct {
	quoteFlags
	Reason string `required:"" placeholder:"TEXT" help:"Why, for the mail to who asked: at most 1,000 characters."`
}

// Run refuses the quote, and prints it.
func (c *quoteRefuseCommand) Run(p *program) error {
	return c.with(p, func(ctx context.Context, db *store.DB) (order.Quote, error) {
		return desk(db).Refuse(ctx, c.ID, c.Reason)
	})
}
