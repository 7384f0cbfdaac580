package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, row := range []struct {
		text string
		ok   bool
	}{
		{"SELECT a FROM t WHERE b = @b AND c = @b", true},
		{"SELECT a FROM t WHERE b = 'x@y.example' AND c = @c -- like a@b and @b", true},
		{"INSERT INTO t (a) VALUES (@a) ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE t.b < excluded.b RETURNING a", true},
		{"UPDATE t SET at = h.at FROM (SELECT unnest(@ids::UUID[]) AS id, unnest(@at::TIMESTAMPTZ[]) AS at) AS h WHERE t.id = h.id", true},
		{"SELECT id FROM t WHERE id = ANY(@ids) ORDER BY id LIMIT @n FOR UPDATE SKIP LOCKED", true},
		{"ALTER TABLE t ALTER PRIMARY KEY USING COLUMNS (id) USING HASH", true},
		{"-- Not a SERIAL, and no trigger.\nUPDATE t SET a = 'nextval of the serial' WHERE b = $$plpgsql$$;", true},
		{"WITH a AS MATERIALIZED (SELECT 1) SELECT * FROM a", true},
		{"", false},
		{"-- nothing", false},
		{"SELEC 1", false},
		{"SELECT 1; SELECT 2", false},
		{"INSERT OR REPLACE INTO t VALUES (1)", false},
		{"SELECT * FROM t WHERE a = ?1", false},
		{"SELECT * FROM t WHERE a = :a", false},
		{"CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT", false},
		{"CREATE TABLE t (id SERIAL PRIMARY KEY)", false},
		{"CREATE TABLE t (id BIGSERIAL PRIMARY KEY)", false},
		{"CREATE TABLE t (id INT8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", false},
		{"CREATE SEQUENCE s", false},
		{"INSERT INTO t (id) VALUES (nextval('s'))", false},
		{"CREATE UNLOGGED TABLE t (id UUID PRIMARY KEY)", false},
		{"CREATE EXTENSION pgcrypto", false},
		{"CREATE MATERIALIZED VIEW v AS SELECT 1", false},
		{"CREATE TRIGGER a AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", false},
		{"SELECT pg_advisory_lock(1)", false},
		{"SELECT pg_try_advisory_xact_lock(1)", false},
		{"SELECT ctid FROM t", false},
		{`SELECT "xmin" FROM t`, false},
		{"LISTEN x", false},
		{"NOTIFY x", false},
		{"SELECT pg_notify('x', 'y')", false},
		{"LOCK TABLE t", false},
		{"MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", false},
		{"DO $$ BEGIN PERFORM 1; END $$", false},
	} {
		n, err := statement{"", row.text, false}.check()
		if (err == nil) != row.ok || row.ok && n != 1 {
			t.Errorf("%q: %d, %v", row.text, n, err)
		}
	}
}

func TestCheckMigration(t *testing.T) {
	const up = "-- +goose NO TRANSACTION\n-- +goose Up\n"
	for _, row := range []struct {
		text string
		want int // 0: refused
	}{
		{up + "-- Its owner's @mail.\nCREATE TABLE IF NOT EXISTS t (id UUID PRIMARY KEY);\nCREATE INDEX IF NOT EXISTS i ON t (id);\n", 2},
		{up + "-- +goose StatementBegin\nALTER TABLE t ADD COLUMN IF NOT EXISTS a INT8;\n-- +goose StatementEnd\n", 1},
		{up + "CREATE TABLE t (id UUID PRIMARY KEY);\n", 0},
		{up + "CREATE TABLE IF NOT EXISTS t (id UUID PRIMARY KEY);\nCREATE INDEX i ON t (id);\n", 0},
		{up + "CREATE TABLE IF NOT EXISTS t (id SERIAL PRIMARY KEY);\n", 0},
		{up + "CREATE TABLE IF NOT EXISTS t (id UUID PRIMARY KEY,);\n", 0},
		{up, 0},
		{"-- +goose Up\nCREATE TABLE IF NOT EXISTS t (id UUID PRIMARY KEY);\n", 0},
	} {
		n, err := statement{"", row.text, true}.check()
		if n != row.want || (err == nil) != (row.want > 0) {
			t.Errorf("%q: %d, want %d: %v", row.text, n, row.want, err)
		}
	}
}

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a/q.sql", "-- about\n-- name: one\nSELECT 1;\n\n-- name: two \nSELECT 2;\n")
	write("a/q.sqlite.sql", "-- name: own\nSELECT 3\n")
	write("a/q.postgres.sql", "-- name: own\nSELECT 4\n")
	write("m/sqlite/00001_a.sql", "-- +goose Up\nSELECT 5;\n")
	write("m/postgres/00001_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 6;\nSELECT 7;\n")
	write("m/cockroach/00001_b.sql", "-- +goose Up\nSELECT 8;\n")
	all, err := collect([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		at, err := filepath.Rel(dir, s.at)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, at)
	}
	want := "a/q.postgres.sql: own, a/q.sql: one, a/q.sql: two, m/cockroach/00001_b.sql, m/postgres/00001_a.sql"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	write("a/nameless.sql", "SELECT 9\n")
	if _, err := collect([]string{dir}); err == nil {
		t.Error("a file without a name was taken")
	}
}
