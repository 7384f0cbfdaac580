package person

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/store"
)

// Tombstones are the ids of those who were erased, in a file outside the database, so that no copy of a database that is
// put back brings anybody back. A line is one of them, as JSON. Its methods may be called from any goroutine.
type Tombstones struct {
	path string // empty: nobody is remembered
}

// In returns the tombstones in a data directory.
func In(dir string) Tombstones { return Tombstones{filepath.Join(dir, "erased.jsonl")} }

type tombstone struct {
	Person uuid.UUID `json:"person"`
	At     time.Time `json:"at"`
}

// Add remembers for good that a person was erased. Call it when the erasure is committed.
func (t Tombstones) Add(person uuid.UUID, at time.Time) error {
	if t.path == "" {
		return nil
	}
	line, err := json.Marshal(tombstone{person, store.Moment(at)})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.path), 0o700); err != nil {
		return fmt.Errorf("tombstone: %w", err)
	}
	f, err := os.OpenFile(t.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("tombstone: %w", err)
	}
	// It begins with the end of a line that was cut off when a machine stopped, if there is one.
	_, err = f.Write(append(append([]byte{'\n'}, line...), '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("tombstone: %w", err)
	}
	return nil
}

// all returns who is remembered, and how many lines say nothing.
func (t Tombstones) all() (ids []uuid.UUID, unreadable int, err error) {
	if t.path == "" {
		return nil, 0, nil
	}
	b, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("tombstones: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var s tombstone
		switch {
		case len(lines.Bytes()) == 0:
		case json.Unmarshal(lines.Bytes(), &s) != nil || s.Person == uuid.Nil:
			unreadable++
		default:
			ids = append(ids, s.Person)
		}
	}
	return ids, unreadable, nil
}

// Obey erases again whom db knows though they were erased, as a copy of an earlier day does, and returns how many those
// were. Where such a person is the last owner of an account there, it goes all the same, and the account is named in log.
func (t Tombstones) Obey(ctx context.Context, db *store.DB, log *slog.Logger, now time.Time) (int, error) {
	ids, unreadable, err := t.all()
	if err != nil {
		return 0, err
	}
	if unreadable > 0 {
		log.Warn("lines of tombstones cannot be read", "file", t.path, "lines", unreadable)
	}
	erased := 0
	for _, id := range ids {
		again := false
		err := db.InTx(ctx, func(ctx context.Context, q store.Querier) error {
			p, err := account.PersonByID(ctx, q, id)
			if again = err == nil && p.ErasedAt == nil; !again {
				if errors.Is(err, store.ErrNone) {
					err = nil
				}
				return err
			}
			return erase(ctx, q, p, audit.Act{Actor: audit.System, Action: "erase-again"}, now, func(last *LastOwner) error {
				log.Warn("an account has no owner: its last one was erased", "account", last.Account)
				return nil
			})
		})
		if err != nil {
			return erased, fmt.Errorf("erase again %s: %w", id, err)
		}
		if again {
			erased++
		}
	}
	return erased, nil
}
