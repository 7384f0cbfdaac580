package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/keys"
	"freshet/control/login"
	"freshet/control/person"
	"freshet/control/store"
)

// adminCommand is the group of commands for whoever runs control: they work on its database.
type adminCommand struct {
	Backup  adminBackupCommand  `cmd:"" help:"Copy the SQLite database, while control goes on using it, and control's secret keys."`
	Restore adminRestoreCommand `cmd:"" help:"Put a copy in the place of the SQLite database and of the keys, while control is stopped. Who was erased since is erased again when control starts."`
	Migrate adminMigrateCommand `cmd:"" help:"Bring the database's tables up to date, as control does when it starts."`
	Audit   adminAuditCommand   `cmd:"" help:"Look after the audit log."`
	Quote   adminQuoteCommand   `cmd:"" help:"Decide on the quotes that were asked for."`
	Ops     adminOpsCommand     `cmd:"" help:"Say who operates the installation on its pages."`
	Export  adminExportCommand  `cmd:"" help:"Print all that is kept of a person, as JSON."`
	Erase   adminEraseCommand   `cmd:"" help:"Forget a person. This cannot be undone."`

	EndSecondStep adminEndSecondStepCommand `cmd:"" help:"Have a person who lost the app and all recovery codes log in without them. Be sure who asks: the password alone then lets in."`
}

// adminFlags say which database.
type adminFlags struct {
	databaseFlag
	Data string `default:".freshet" placeholder:"DIR" help:"Directory of control's files, where the SQLite database is. Default .freshet."`
}

// open connects to the database, and leaves its tables as they are.
func (f adminFlags) open(p *program) (*store.DB, error) {
	cfg, err := f.in(f.Data)
	if err != nil {
		return nil, err
	}
	if cfg.URL == "" {
		if _, err := os.Stat(store.File(f.Data)); err != nil {
			return nil, badConfig("data", "there is no database: %w", err)
		}
	}
	db, err := store.Connect(p.ctx, cfg, store.Deps{Log: p.log, Metrics: prometheus.NewRegistry()})
	if err != nil {
		return nil, badConfig("database", "%w", err)
	}
	return db, nil
}

type adminBackupCommand struct {
	adminFlags
	File string `arg:"" help:"Where the copy goes. It must not be there."`
}

// Run copies the database.
func (c *adminBackupCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	if err := errors.Join(db.Backup(p.ctx, c.File), db.Close()); err != nil {
		return err
	}
	names, err := keys.Copy(c.Data, c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "copied to %s\n", strings.Join(append([]string{c.File}, names...), ", "))
	if err == nil && len(names) > 1 {
		_, err = fmt.Fprintln(p.stdout, "whoever has the two files of keys can let anybody in: keep them as the data directory is kept")
	}
	return err
}

type adminRestoreCommand struct {
	Data string `default:".freshet" placeholder:"DIR" help:"Directory of control's files. Default .freshet."`
	File string `arg:"" type:"existingfile" help:"A copy that admin backup has made."`
}

// Run puts the copy in place. What was there stays beside it.
func (c *adminRestoreCommand) Run(p *program) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return badConfig("data", "%w", err)
	}
	kept, err := store.Restore(p.ctx, c.File, c.Data)
	if err != nil {
		return err
	}
	where, err := filepath.Abs(store.File(c.Data))
	if err != nil {
		return err
	}
	secrets, err := keys.Restore(c.File, c.Data, time.Now())
	if err != nil {
		return fmt.Errorf("the database was restored to %s, its keys were not: %w", where, err)
	}
	what := "without keys, as there are none beside the copy: personal links sent before do not work where those in the directory are others"
	if secrets {
		what = "with its keys"
	}
	if _, err := fmt.Fprintf(p.stdout, "restored to %s, %s\n", where, what); err != nil || kept == "" {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "what was there is %s now\n", kept)
	return err
}

type adminMigrateCommand struct{ adminFlags }

// Run brings the tables up to date.
func (c *adminMigrateCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	n, err := db.Migrate(p.ctx)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "%d migrations, the %s database is up to date\n", n, db.Kind)
	return err
}

type adminAuditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"See that no entry of the audit log was changed or taken out; name the first that was."`
}

type auditVerifyCommand struct {
	outputFlag
	adminFlags
}

// errBroken is what audit verify ends with where a log is not whole.
var errBroken = errors.New("the audit log is not as it was written")

// Run goes through the log of every account.
func (c *auditVerifyCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	found, err := audit.VerifyAll(p.ctx, db)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	entries, broken := int64(0), 0
	for _, f := range found {
		entries += f.Entries
		if f.Broken != nil {
			broken++
		}
	}
	if c.Output == outputJSON {
		err = json.NewEncoder(p.stdout).Encode(found)
	} else {
		for _, f := range found {
			if f.Broken != nil && err == nil {
				_, err = fmt.Fprintln(p.stdout, f.Broken)
			}
		}
		if err == nil {
			_, err = fmt.Fprintf(p.stdout, "%d entries of %d accounts, %d logs are broken\n", entries, len(found), broken)
		}
	}
	if err == nil && broken > 0 {
		err = errBroken
	}
	return err
}

type adminExportCommand struct {
	adminFlags
	Email string `arg:"" name:"person-email" help:"Address of the person."`
}

// Run prints all that is kept of the person.
func (c *adminExportCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	one, err := personWith(p.ctx, db, c.Email)
	var all *person.Export
	if err == nil {
		all, err = person.Of(p.ctx, db, one, time.Now())
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(all)
}

// personWith returns the person with an address.
func personWith(ctx context.Context, q store.Querier, email string) (account.Person, error) {
	email, err := account.Address(email)
	if err != nil {
		return account.Person{}, err
	}
	one, err := account.PersonByEmail(ctx, q, email)
	if errors.Is(err, store.ErrNone) {
		err = errors.New("nobody has this address")
	}
	return one, err
}

type adminEndSecondStepCommand struct {
	adminFlags
	Email string `arg:"" name:"person-email" help:"Address of the person."`
}

// Run ends the second step and all log-ins of the person.
func (c *adminEndSecondStepCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	var one account.Person
	err = db.InTx(p.ctx, func(ctx context.Context, q store.Querier) error {
		if one, err = personWith(ctx, q, c.Email); err != nil {
			return err
		}
		return login.EndSecondStep(ctx, q, one.ID, audit.Act{Actor: audit.System, Action: "end-second-step"}, time.Now())
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "person %s logs in without a second step now, and anew everywhere\n", one.ID)
	return err
}

type adminEraseCommand struct {
	adminFlags
	Yes   bool   `help:"Do it. Without this it only says what it would do, and fails."`
	Email string `arg:"" name:"person-email" help:"Address of the person."`
}

// errUnsure is what erase ends with where nobody has said that it is meant.
var errUnsure = errors.New("nothing was erased: say --yes, this cannot be undone")

// Run forgets the person.
func (c *adminEraseCommand) Run(p *program) error {
	db, err := c.open(p)
	if err != nil {
		return err
	}
	var one account.Person
	var of []account.Account
	err = db.InTx(p.ctx, func(ctx context.Context, q store.Querier) error {
		if one, err = personWith(ctx, q, c.Email); err != nil {
			return err
		}
		if of, err = account.AccountsOf(ctx, q, one.ID); err != nil || !c.Yes {
			return err
		}
		return person.Erase(ctx, q, one, audit.Act{Actor: audit.System, Action: "erase-person"}, time.Now())
	})
	if err == nil && c.Yes {
		err = person.In(c.Data).Add(one.ID, time.Now())
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if !c.Yes {
		if _, err := fmt.Fprintf(p.stdout, "person %s, a member of %d accounts, would be erased\n", one.ID, len(of)); err != nil {
			return err
		}
		return errUnsure
	}
	_, err = fmt.Fprintf(p.stdout, "person %s was erased, and is left by this id alone in the audit logs of %d accounts\n", one.ID, len(of))
	return err
}
