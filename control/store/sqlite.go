package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver
)

const (
	sqliteFile = "freshet.db"
	readers    = 4

	// takesUp is how long opening, committing and copying may wait for a disk.
	takesUp = 30 * time.Second
)

// An sqliteEngine is a file with one connection that writes and some that read. What was committed is on the disk.
// Statements are prepared once for each: they are kept by their text, as nouns may have names in common.
type sqliteEngine struct {
	path   string
	read   *sql.DB
	write  *sql.DB
	m      *metrics
	stmts  sync.Map // of readers: text to *sql.Stmt
	shared group

	// Of whoever leads shared.
	conn *sql.Conn // of write: the one there is
	kept map[string]*sql.Stmt
}

func openSQLite(ctx context.Context, dir string, m *metrics) (*sqliteEngine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	path, err := filepath.Abs(filepath.Join(dir, sqliteFile)) // an address of a file takes no other
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite would let others read it
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	e := &sqliteEngine{path: path, m: m, kept: map[string]*sql.Stmt{}}
	e.shared.run = e.runAll
	if e.write, err = sql.Open("sqlite", sqliteDSN(path)); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	e.write.SetMaxOpenConns(1)
	if e.read, err = sql.Open("sqlite", sqliteDSN(path)+"&_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, e.write.Close())
	}
	e.read.SetMaxOpenConns(readers)
	e.read.SetMaxIdleConns(readers)
	if e.conn, err = e.write.Conn(ctx); err != nil { // before a reader: it turns WAL on
		return nil, errors.Join(fmt.Errorf("database %s: %w", path, err), e.close())
	}
	return e, nil
}

func sqliteDSN(path string) string {
	q := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)",
	}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

// close closes statements first: SQLite keeps a file open for those that are left.
func (e *sqliteEngine) close() error {
	var err error
	if e.conn != nil { // in turn: somebody may still be at it
		err = e.shared.do(context.Background(), func(context.Context, Querier) (err error) {
			for text, s := range e.kept {
				err = errors.Join(err, s.Close())
				delete(e.kept, text)
			}
			return err
		})
	}
	e.stmts.Range(func(_, s any) bool {
		err = errors.Join(err, s.(*sql.Stmt).Close())
		return true
	})
	if e.conn != nil {
		err = errors.Join(err, e.conn.Close())
	}
	return errors.Join(err, e.read.Close(), e.write.Close())
}

// backup implements engine.
func (e *sqliteEngine) backup(ctx context.Context, to string) error {
	f, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // SQLite would let others read it
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	err = e.vacuumInto(ctx, to) // it takes an empty file
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(to))
	}
	return nil
}

func (e *sqliteEngine) vacuumInto(ctx context.Context, to string) error {
	db, err := e.third()
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return errors.Join(err, db.Close())
}

// third opens one more connection, for what takes long beside those who read and write.
func (e *sqliteEngine) third() (*sql.DB, error) {
	db, err := sql.Open("sqlite", sqliteDSN(e.path))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

func (e *sqliteEngine) inTx(ctx context.Context, do func(context.Context, Querier) error) error {
	if inside(ctx) {
		panic("store: a transaction within a transaction")
	}
	return e.shared.do(ctx, do)
}

// runAll runs what waits in one transaction, each in a savepoint of its own, so that one that fails undoes only itself.
// It is called by one goroutine at a time.
func (e *sqliteEngine) runAll(all []*work) {
	ctx, cancel := context.WithTimeout(context.Background(), takesUp)
	defer cancel()
	if _, err := e.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		fail(all, err)
		return
	}
	kept := false
	defer func() {
		if !kept {
			// SQLite may have ended it already. This waits for nothing, so it has no limit: with one that has run out
			// it would not be tried, and nobody could begin another.
			_, _ = e.conn.ExecContext(context.Background(), "ROLLBACK")
		}
	}()
	done := 0
	for _, w := range all {
		if err := e.runOne(ctx, w); err != nil {
			fail(all, err)
			return
		}
		if w.err == nil {
			done++
		}
	}
	if _, err := e.conn.ExecContext(ctx, "COMMIT"); err != nil {
		fail(all, err)
		return
	}
	kept = true
	e.m.commits.Add(float64(done))
	e.m.shared.Observe(float64(len(all)))
}

// runOne runs w. It returns an error where the whole transaction is lost.
func (e *sqliteEngine) runOne(ctx context.Context, w *work) error {
	if _, err := e.conn.ExecContext(ctx, "SAVEPOINT one"); err != nil {
		return err
	}
	w.run(sqliteWriter{e})
	if w.err != nil {
		if _, err := e.conn.ExecContext(ctx, "ROLLBACK TO one"); err != nil {
			return err
		}
	}
	_, err := e.conn.ExecContext(ctx, "RELEASE one")
	return err
}

func (e *sqliteEngine) exec(ctx context.Context, s Statement, args Args) (n int64, err error) {
	err = e.inTx(ctx, func(ctx context.Context, q Querier) (err error) {
		n, err = q.exec(ctx, s, args)
		return err
	})
	return n, err
}

// query reads beside whoever writes, but for statements that write and bring rows.
func (e *sqliteEngine) query(ctx context.Context, s Statement, args Args, read func(rows) error) error {
	if !reads(s.sqlite) {
		return e.inTx(ctx, func(ctx context.Context, q Querier) error { return q.query(ctx, s, args, read) })
	}
	kept, ok := e.stmts.Load(s.sqlite)
	if !ok {
		prepared, err := e.read.PrepareContext(ctx, s.sqlite)
		if err != nil {
			return err
		}
		if kept, ok = e.stmts.LoadOrStore(s.sqlite, prepared); ok {
			_ = prepared.Close() // another was first
		}
	}
	return sqliteQuery(ctx, kept.(*sql.Stmt), args, read)
}

// reads says whether a statement only reads, by its first word; one that begins with WITH must.
func reads(text string) bool {
	for _, line := range commentless(text) {
		if words := strings.Fields(line); len(words) > 0 {
			return strings.EqualFold(words[0], "SELECT") || strings.EqualFold(words[0], "WITH")
		}
	}
	return false
}

// An sqliteWriter is the transaction under way.
type sqliteWriter struct{ e *sqliteEngine }

func (q sqliteWriter) stmt(ctx context.Context, s Statement) (*sql.Stmt, error) {
	if kept := q.e.kept[s.sqlite]; kept != nil {
		return kept, nil
	}
	prepared, err := q.e.conn.PrepareContext(ctx, s.sqlite)
	if err == nil {
		q.e.kept[s.sqlite] = prepared
	}
	return prepared, err
}

func (q sqliteWriter) exec(ctx context.Context, s Statement, args Args) (int64, error) {
	stmt, err := q.stmt(ctx, s)
	if err != nil {
		return 0, err
	}
	bound, err := sqliteArgs(args)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, bound...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (q sqliteWriter) query(ctx context.Context, s Statement, args Args, read func(rows) error) error {
	stmt, err := q.stmt(ctx, s)
	if err != nil {
		return err
	}
	return sqliteQuery(ctx, stmt, args, read)
}

func sqliteQuery(ctx context.Context, stmt *sql.Stmt, args Args, read func(rows) error) error {
	bound, err := sqliteArgs(args)
	if err != nil {
		return err
	}
	found, err := stmt.QueryContext(ctx, bound...)
	if err != nil {
		return err
	}
	defer found.Close() //nolint:errcheck // Err tells
	return read(sqliteRows{found})
}

// sqliteArgs binds times as microseconds since 1970 and slices as JSON.
func sqliteArgs(args Args) ([]any, error) {
	bound := make([]any, 0, len(args))
	for name, v := range args {
		switch t := v.(type) {
		case time.Time:
			v = t.UnixMicro()
		case *time.Time:
			if v = nil; t != nil {
				v = t.UnixMicro()
			}
		case []string, []uuid.UUID:
			b, err := json.Marshal(t)
			if err != nil {
				return nil, err
			}
			v = string(b)
		}
		bound = append(bound, sql.Named(name, v))
	}
	return bound, nil
}

type sqliteRows struct{ *sql.Rows }

func (r sqliteRows) Scan(into ...any) error {
	for i, p := range into {
		switch p := p.(type) {
		case *time.Time:
			into[i] = &sqliteTime{at: p}
		case **time.Time:
			into[i] = &sqliteTime{may: p}
		}
	}
	return r.Rows.Scan(into...)
}

// An sqliteTime takes microseconds since 1970 where a time goes, in may also none.
type sqliteTime struct {
	at  *time.Time
	may **time.Time
}

// Scan implements sql.Scanner.
func (t *sqliteTime) Scan(from any) error {
	micros, ok := from.(int64)
	switch {
	case from == nil && t.may != nil:
		*t.may = nil
		return nil
	case !ok:
		return fmt.Errorf("time from %T", from)
	}
	at := time.UnixMicro(micros).UTC()
	if t.may != nil {
		*t.may = &at
	} else {
		*t.at = at
	}
	return nil
}
