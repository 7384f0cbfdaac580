package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// File is where the SQLite database of a data directory is.
func File(dir string) string { return filepath.Join(dir, sqliteFile) }

// Restore puts the copy in the file from, which Backup has made, in the place of the SQLite database in dir. What was
// there is kept beside it, under the name that is returned; empty where nothing was. It returns an error, and changes
// nothing, where the copy is none or is damaged, and where a process has the database open.
func Restore(ctx context.Context, from, dir string) (kept string, err error) {
	to := File(dir)
	fresh := to + ".new"
	defer func() {
		if err != nil {
			_ = os.Remove(fresh) // it may not be there
		}
	}()
	if err := copyFile(from, fresh); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	if err := whole(ctx, fresh); err != nil {
		return "", fmt.Errorf("restore: %s: %w", from, err)
	}
	if _, err := os.Stat(to); err == nil {
		if err := settle(ctx, to); err != nil {
			return "", fmt.Errorf("restore: %s: %w", to, err)
		}
		kept = to + "." + time.Now().UTC().Format("20060102T150405.000Z")
		if err := os.Rename(to, kept); err != nil {
			return "", fmt.Errorf("restore: %w", err)
		}
	}
	if err := os.Rename(fresh, to); err != nil {
		return kept, fmt.Errorf("restore: %w", err)
	}
	return kept, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// whole says whether the file at path is a database of Freshet's without damage.
func whole(ctx context.Context, path string) error {
	db, err := alone(path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it was read
	var told string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&told); err != nil {
		return errors.New("this is no SQLite database, or it is damaged")
	}
	if told != "ok" {
		return fmt.Errorf("it is damaged: %s", told)
	}
	var tables int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name IN ('account', 'goose_db_version')").Scan(&tables); err != nil {
		return err
	}
	if tables != 2 {
		return errors.New("this database is not Freshet's")
	}
	return nil
}

// settle brings what a write-ahead log holds into the database at path, so that the file is all there is to keep. It
// returns an error where a process has it open.
func settle(ctx context.Context, path string) error {
	db, err := alone(path)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is open
	var mode string
	err = db.QueryRowContext(ctx, "PRAGMA journal_mode = DELETE").Scan(&mode)
	if err != nil && strings.Contains(err.Error(), "locked") || err == nil && mode != "delete" {
		return errors.New("it is in use: stop control first")
	}
	return err
}

// alone opens one connection to the database at path, without what control sets for itself.
func alone(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}
