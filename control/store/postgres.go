package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	serialization = "40001" // SQLSTATE: others changed what the transaction read
	deadlock      = "40P01"

	// maxAttempts of a transaction. With 32 writers of one row, each gets through in its turn, at some five attempts.
	maxAttempts = 200
	backoffFrom = time.Millisecond
	backoffTo   = 100 * time.Millisecond
)

// A pgEngine is CockroachDB or PostgreSQL.
type pgEngine struct {
	pool *pgxpool.Pool
	kind Kind
	m    *metrics
}

func openPostgres(ctx context.Context, url string, m *metrics) (*pgEngine, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database: the address is none: postgresql://USER@HOST:PORT/NAME") // pgx's error may quote a password
	}
	cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
	cfg.ConnConfig.RuntimeParams["timezone"] = "UTC"
	cfg.ConnConfig.RuntimeParams["application_name"] = "freshet"
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{ // else times come out in the machine's zone
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", cfg.ConnConfig.Host, err)
	}
	var version string
	if err := pool.QueryRow(ctx, "SELECT version()").Scan(&version); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database %s: %w", cfg.ConnConfig.Host, err)
	}
	e := &pgEngine{pool: pool, kind: Postgres, m: m}
	if strings.HasPrefix(version, "CockroachDB") {
		e.kind = Cockroach
	}
	return e, nil
}

func (e *pgEngine) close() error {
	e.pool.Close()
	return nil
}

func (e *pgEngine) backup(context.Context, string) error {
	if e.kind == Cockroach {
		return errors.New("backup: CockroachDB copies itself, by its statement BACKUP INTO")
	}
	return errors.New("backup: PostgreSQL is copied by pg_dump")
}

// A retryable error has ExecuteCtx run a transaction again that a deadlock ended, too.
type retryable struct{ error }

func (retryable) SQLState() string { return serialization }
func (r retryable) Unwrap() error  { return r.error }

// inTx runs the whole transaction again after a conflict. Rolling back to a savepoint, as crdb.ExecuteTx does, keeps
// PostgreSQL's snapshot, and it takes the error of PostgreSQL's COMMIT for none.
func (e *pgEngine) inTx(ctx context.Context, do func(context.Context, Querier) error) error {
	err := e.again(ctx, func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, e.pool, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
			return do(ctx, pgQuerier{tx})
		})
	})
	if err == nil {
		e.m.commits.Inc()
	}
	return err
}

// exec is a transaction of one statement, which may meet a conflict like any other.
func (e *pgEngine) exec(ctx context.Context, s Statement, args Args) (n int64, err error) {
	err = e.again(ctx, func(ctx context.Context) error {
		n, err = pgQuerier{e.pool}.exec(ctx, s, args)
		return err
	})
	if err == nil {
		e.m.commits.Inc()
	}
	return n, err
}

func (e *pgEngine) query(ctx context.Context, s Statement, args Args, read func(rows) error) error {
	return e.again(ctx, func(ctx context.Context) error { return pgQuerier{e.pool}.query(ctx, s, args, read) })
}

// again runs do until it meets no conflict, with longer waits from one attempt to the next.
func (e *pgEngine) again(ctx context.Context, do func(context.Context) error) error {
	wait := backoffFrom
	attempts := 0
	err := crdb.ExecuteCtx(crdb.WithMaxRetries(ctx, maxAttempts-1), func(ctx context.Context, _ ...any) error {
		if attempts++; attempts > 1 {
			e.m.conflicts.Inc()
			select {
			case <-time.After(rand.N(wait)):
			case <-ctx.Done():
				return ctx.Err()
			}
			wait = min(2*wait, backoffTo)
		}
		err := do(ctx)
		if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == deadlock {
			return retryable{err}
		}
		return err
	})
	if err != nil && away(err) && !errors.Is(ctx.Err(), context.Canceled) { // a caller who left says nothing of the server
		e.m.away.Inc()
	}
	return err
}

// A pgConn is a pool or a transaction of it.
type pgConn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

type pgQuerier struct{ on pgConn }

func (q pgQuerier) exec(ctx context.Context, s Statement, args Args) (int64, error) {
	tag, err := q.on.Exec(ctx, s.postgres, pgx.NamedArgs(args))
	return tag.RowsAffected(), err
}

func (q pgQuerier) query(ctx context.Context, s Statement, args Args, read func(rows) error) error {
	found, err := q.on.Query(ctx, s.postgres, pgx.NamedArgs(args))
	if err != nil {
		return err
	}
	defer found.Close()
	return read(pgRows{found})
}

type pgRows struct{ pgx.Rows }

func (r pgRows) Columns() ([]string, error) {
	var names []string
	for _, f := range r.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names, nil
}
