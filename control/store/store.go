// Package store keeps what control must not lose: in CockroachDB or PostgreSQL, or in SQLite on one machine. It knows
// connections, transactions and migrations; the statements stand with the nouns whose tables they read.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/cluster/trace"
)

// ErrNone is returned where a statement should have brought a row and brought none.
var ErrNone = errors.New("no such row")

// Config says where the data are.
type Config struct {
	URL string // postgresql://…, of CockroachDB or PostgreSQL; empty: SQLite in Dir
	Dir string // of the SQLite file: a local disk, of this process alone
}

// Deps are what a database is given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// A Kind is what understands the SQL.
type Kind string

// The kinds of a database.
const (
	SQLite    Kind = "sqlite"
	Postgres  Kind = "postgresql"
	Cockroach Kind = "cockroachdb"
)

// Args are the values of a statement's @names: strings, numbers, booleans, times, UUIDs, JSON, byte strings, pointers to
// them for what may be NULL, and slices of strings and UUIDs, which SQLite gets as a JSON array.
type Args map[string]any

// A Querier runs statements: a DB each for itself, a transaction's one all or none.
type Querier interface {
	exec(ctx context.Context, s Statement, args Args) (affected int64, err error)
	// query has read take the rows: from the first again, where others' changes undid what it has read.
	query(ctx context.Context, s Statement, args Args, read func(rows) error) error
}

// rows are what both drivers call rows.
type rows interface {
	Columns() ([]string, error)
	Next() bool
	Scan(into ...any) error
	Err() error
}

type engine interface {
	Querier
	inTx(ctx context.Context, do func(ctx context.Context, q Querier) error) error
	migrate(ctx context.Context) (applied int, err error)
	backup(ctx context.Context, to string) error
	close() error
}

// A DB is an open database. Its methods may be called from any goroutine.
type DB struct {
	engine
	Kind Kind

	closed func() error
}

// Open connects to the database and brings its tables up to date. Of several nodes that start together one does
// that, and the others wait.
func Open(ctx context.Context, cfg Config, d Deps) (*DB, error) {
	db, err := Connect(ctx, cfg, d)
	if err != nil {
		return nil, err
	}
	n, err := db.migrate(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("migrate the %s database: %w", db.Kind, err), db.Close())
	}
	if n > 0 {
		d.Log.Info("database is up to date", "engine", db.Kind, "migrations", n)
	}
	return db, nil
}

// Connect does what Open does, and leaves the tables as they are.
func Connect(ctx context.Context, cfg Config, d Deps) (*DB, error) {
	m := newMetrics(d.Metrics)
	if cfg.URL == "" {
		e, err := openSQLite(ctx, cfg.Dir, m)
		if err != nil {
			return nil, err
		}
		return &DB{engine: e, Kind: SQLite, closed: sync.OnceValue(e.close)}, nil
	}
	e, err := openPostgres(ctx, cfg.URL, m)
	if err != nil {
		return nil, err
	}
	return &DB{engine: e, Kind: e.kind, closed: sync.OnceValue(e.close)}, nil
}

// Migrate brings the tables up to date, and returns how many migrations that took.
func (db *DB) Migrate(ctx context.Context) (applied int, err error) { return db.migrate(ctx) }

// Backup writes a copy of an SQLite database to the file to, which must not exist, while others go on using it. The
// other kinds have tools of their own for that, and an error says so.
func (db *DB) Backup(ctx context.Context, to string) error { return db.backup(ctx, to) }

// Close ends all connections. Once that is done it does nothing.
func (db *DB) Close() error { return db.closed() }

// InTx runs do in a serializable transaction: all of what do writes is kept, or nothing where it returns an error.
// Where others changed what do has read it runs again from the start, so it must do nothing but statements of q, and
// set what it returns anew each time. On SQLite, transactions that wait for one another share one commit. With do's
// ctx only q may be used: another transaction of db would wait for this one.
func (db *DB) InTx(ctx context.Context, do func(ctx context.Context, q Querier) error) error {
	if inside(ctx) {
		panic("store: a transaction within a transaction")
	}
	var after []func()
	tries := 0
	ctx, span := trace.Start(ctx, "transaction")
	err := db.inTx(ctx, func(ctx context.Context, q Querier) error {
		after, tries = nil, tries+1
		return do(context.WithValue(ctx, afterKey{}, &after), q)
	})
	span.Count("freshet.tries", tries)
	span.End(err)
	if err == nil {
		for _, f := range after {
			f()
		}
	}
	return judged(err)
}

type afterKey struct{}

// inside says whether ctx is of a transaction.
func inside(ctx context.Context) bool { return ctx.Value(afterKey{}) != nil }

// After has f called once what ctx's transaction has written is kept, and not where it is not.
func After(ctx context.Context, f func()) {
	if after, ok := ctx.Value(afterKey{}).(*[]func()); ok {
		*after = append(*after, f)
		return
	}
	f()
}

// NewID returns an id that is unique and sorts by time (RFC 9562, version 7).
func NewID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Moment returns t as databases keep it: in UTC, in whole microseconds.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
