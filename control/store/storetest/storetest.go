// Package storetest gives tests a new database of each engine: SQLite always, PostgreSQL and CockroachDB where there is
// a server. Whatever reads or writes tables is held to the same on all of them.
package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/cockroach-go/v2/testserver"
	"github.com/jackc/pgx/v5"
	"github.com/lmittmann/tint"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/control/store"
)

// Where servers are, which a test may make databases on.
const (
	postgresEnv  = "FRESHET_TEST_POSTGRES"  // postgresql://… ; deploy/ci/postgres.sh starts one
	cockroachEnv = "FRESHET_TEST_COCKROACH" // postgresql://…
	binaryEnv    = "COCKROACH_BINARY"       // a server is started from it
)

// A DB is a database of a test.
type DB struct {
	*store.DB
	Metrics *prometheus.Registry
}

// Metric returns the value of a counter of db, or how much a histogram of it has seen.
func (db *DB) Metric(t testing.TB, name string) float64 {
	t.Helper()
	families, err := db.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// Each runs test once for each engine, with a new database that has all tables.
func Each(t *testing.T, test func(t *testing.T, db *DB)) {
	t.Helper()
	for _, engine := range []struct {
		name string
		kind store.Kind
		cfg  func(*testing.T) store.Config
	}{
		{"SQLite", store.SQLite, func(t *testing.T) store.Config { return store.Config{Dir: copied(t)} }},
		{"PostgreSQL", store.Postgres, func(t *testing.T) store.Config { return store.Config{URL: cloned(t, postgres(t))} }},
		{"CockroachDB", store.Cockroach, func(t *testing.T) store.Config { return store.Config{URL: newDatabase(t, cockroach(t), "")} }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Helper()
			db := Open(t, engine.cfg(t))
			if db.Kind != engine.kind {
				t.Fatalf("the server is %s", db.Kind) // or what passes would say nothing of the one that is named
			}
			test(t, db)
		})
	}
}

// New returns a new SQLite database with all tables, for tests of what stands above the store.
func New(t testing.TB) *DB {
	t.Helper()
	return Open(t, store.Config{Dir: copied(t)})
}

// Open opens a database until the test ends.
func Open(t testing.TB, cfg store.Config) *DB {
	t.Helper()
	metrics := prometheus.NewRegistry()
	db, err := store.Open(t.Context(), cfg, store.Deps{Log: log(t), Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &DB{db, metrics}
}

// Empty returns the address of a new database without tables.
func Empty(t *testing.T, kind store.Kind) string {
	t.Helper()
	if kind == store.Cockroach {
		return newDatabase(t, cockroach(t), "")
	}
	return newDatabase(t, postgres(t), "")
}

// Refuse has a database of Empty's, of PostgreSQL, take no connections and end those it has, or take them again.
func Refuse(t *testing.T, address string, refused bool) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	name, server := strings.TrimPrefix(u.Path, "/"), postgres(t)
	command(t.Context(), t, server, fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", name, !refused))
	if refused {
		command(t.Context(), t, server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'")
	}
}

// Deps are what a test's database is given.
func Deps(t testing.TB) store.Deps {
	return store.Deps{Log: log(t), Metrics: prometheus.NewRegistry()}
}

func log(t testing.TB) *slog.Logger {
	return slog.New(tint.NewTextHandler(t.Output(), &tint.Options{NoColor: true}))
}

// postgres returns the address of a server.
func postgres(t *testing.T) string {
	t.Helper()
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL: deploy/ci/postgres.sh COMMAND runs one for it, and sets %s", postgresEnv)
	}
	return server
}

// cockroach returns the address of a server.
func cockroach(t *testing.T) string {
	t.Helper()
	if server := os.Getenv(cockroachEnv); server != "" {
		return server
	}
	if os.Getenv(binaryEnv) == "" { // without it testserver would download one
		t.Skipf("no CockroachDB: neither %s nor %s is set", cockroachEnv, binaryEnv)
	}
	server, err := testserver.NewTestServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.PGURL().String()
}

// newDatabase makes a database on the server at address, as a copy of like where that is named, and has it dropped when
// the test ends.
func newDatabase(t *testing.T, address, like string) string {
	t.Helper()
	name := fmt.Sprintf("freshet_%x", store.NewID())
	sql := "CREATE DATABASE " + name
	if like != "" {
		sql += " TEMPLATE " + like
	}
	command(t.Context(), t, address, sql)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		command(ctx, t, address, "DROP DATABASE "+name)
	})
	return within(t, address, name)
}

// within is the address of a database on the server at address.
func within(t *testing.T, address, database string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + database
	return u.String()
}

func command(ctx context.Context, t *testing.T, address, sql string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it has nothing more to say
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Errorf("%s: %v", strings.Fields(sql)[0], err)
	}
}
