package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/store"
	"freshet/control/store/migrations"
)

// To make the tables takes longer than most tests do. They are made once and copied: on SQLite by each process, on a
// PostgreSQL server for good, in a database that is named after what the tables are made by.

// sqliteTables returns a file with all tables and nothing in them.
var sqliteTables = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "freshet-tables-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of a folder for what is temporary
	if err := makeTables(context.Background(), store.Config{Dir: dir}); err != nil {
		return nil, err
	}
	return os.ReadFile(store.File(dir))
})

// copied returns a folder with an SQLite database that has all tables.
func copied(t testing.TB) string {
	t.Helper()
	tables, err := sqliteTables()
	dir := t.TempDir()
	if err == nil {
		err = os.WriteFile(store.File(dir), tables, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// cloned returns the address of a database with all tables on the PostgreSQL server at address.
func cloned(t *testing.T, address string) string {
	t.Helper()
	template := "freshet_tables_" + version(t)
	if err := makeTemplate(t, address, template); err != nil {
		t.Fatal(err)
	}
	return newDatabase(t, address, template)
}

// version names what PostgreSQL's tables are made by.
func version(t *testing.T) string {
	t.Helper()
	hash := sha256.New()
	err := fs.WalkDir(migrations.Files, "postgres", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := migrations.Files.ReadFile(path)
		hash.Write(fmt.Appendf(nil, "%s %d %s", path, len(content), content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8])
}

// makingTables is the advisory lock of who makes a template, of several processes on one server.
const makingTables = 0x66726573

// makeTemplate makes the database name with all tables, where there is none.
func makeTemplate(t *testing.T, address, name string) error {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the lock goes with it
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", makingTables); err != nil {
		return err
	}
	there := false
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return err
	}
	half := name + "_half" // of a process that was killed meanwhile
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + half, "CREATE DATABASE " + half} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := makeTables(ctx, store.Config{URL: within(t, address, half)}); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+half+" RENAME TO "+name)
	return err
}

func makeTables(ctx context.Context, cfg store.Config) error {
	db, err := store.Open(ctx, cfg, store.Deps{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		return err
	}
	return db.Close()
}
