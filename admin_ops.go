package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/store"
)

// adminOpsCommand is the group of commands on who operates the installation on the pages of the ops console.
type adminOpsCommand struct {
	Grant  opsGrantCommand  `cmd:"" help:"Let a person see the mesh and decide of its nodes. It shows no content and no names of customers."`
	Revoke opsRevokeCommand `cmd:"" help:"Take that right away. It ends with the person's next request."`
	List   opsListCommand   `cmd:"" help:"Print who has it."`
}

// opsFlags say whose right it is.
type opsFlags struct {
	adminFlags
	Email string `arg:"" name:"person-email" help:"Address of the person, who has logged in or was invited before."`
}

// with changes the right of the person, and says what that came to.
func (f opsFlags) with(p *program, change func(ctx context.Context, q store.Querier, person uuid.UUID) (bool, error), done, already string) error {
	db, err := f.open(p)
	if err != nil {
		return err
	}
	var one account.Person
	var changed bool
	err = db.InTx(p.ctx, func(ctx context.Context, q store.Querier) error {
		if one, err = personWith(ctx, q, f.Email); err == nil {
			changed, err = change(ctx, q, one.ID)
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	said := already
	if changed {
		said = done
	}
	_, err = fmt.Fprintf(p.stdout, "person %s %s\n", one.ID, said)
	return err
}

type opsGrantCommand struct{ opsFlags }

// Run gives the right.
func (c *opsGrantCommand) Run(p *program) error {
	return c.with(p, func(ctx context.Context, q store.Querier, person uuid.UUID) (bool, error) {
		return account.Grant(ctx, q, person, time.Now())
	}, "operates the installation now", "operates the installation already")
}

type opsRevokeCommand struct{ opsFlags }

// Run takes the right away.
func (c *opsRevokeCommand) Run(p *program) error {
	return c.with(p, account.Revoke, "does not operate the installation any more", "did not operate the installation")
}

type opsListCommand struct {
	outputFlag
	adminFlags
}

// A shownOps is who operates the installation as JSON has it.
type shownOps struct {
	ID    uuid.UUID `json:"id"`
	Email string    `json:"email"`
	Since time.Time `json:"since"`
}

// Run prints who has the right.
func (c *opsListCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	all, err := account.Ops(p.ctx, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	shown := []shownOps{}
	for _, one := range all {
		shown = append(shown, shownOps{one.ID, *one.Email, one.OpsSince.UTC()}) // who was erased has neither
	}
	if c.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(shown)
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	_, err = fmt.Fprintln(t, "EMAIL\tSINCE\tPERSON")
	for _, one := range shown {
		if err == nil {
			_, err = fmt.Fprintf(t, "%s\t%s\t%s\n", one.Email, when(one.Since, "UTC"), one.ID)
		}
	}
	return errors.Join(err, t.Flush())
}
