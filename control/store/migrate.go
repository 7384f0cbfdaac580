package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"freshet/control/store/migrations"
)

// migrate implements engine. It has a connection of its own: the one that writes is held.
func (e *sqliteEngine) migrate(ctx context.Context) (n int, err error) {
	db, err := e.third()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return migrate(ctx, db, goose.DialectSQLite3, "sqlite")
}

// migrate implements engine. What only CockroachDB understands has versions of its own, after the tables.
func (e *pgEngine) migrate(ctx context.Context) (int, error) {
	db := stdlib.OpenDBFromPool(e.pool)
	defer db.Close()                             //nolint:errcheck // it has nothing to write
	locker, err := lock.NewPostgresTableLocker() // a lease in a table: CockroachDB has no advisory locks
	if err != nil {
		return 0, err
	}
	n, err := migrate(ctx, db, goose.DialectPostgres, "postgres", goose.WithLocker(locker))
	if err != nil || e.kind != Cockroach {
		return n, err
	}
	more, err := migrate(ctx, db, goose.DialectPostgres, "cockroach", goose.WithLocker(locker), goose.WithTableName("goose_cockroach_version"))
	return n + more, err
}

func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, dir string, options ...goose.ProviderOption) (applied int, err error) {
	files, err := fs.Sub(migrations.Files, dir)
	if err != nil {
		return 0, err
	}
	p, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return 0, err
	}
	results, err := p.Up(ctx)
	return len(results), err
}
