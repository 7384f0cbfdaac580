package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/cockroachdb/cockroach-go/v2/crdb"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrAway is returned where the database cannot do anything now, and may later: it does not answer, is full, or so many
// want the same that one did not get its turn. What was asked for may have been done or not.
var ErrAway = errors.New("the database is away")

// judged returns err, as an ErrAway where it is one.
func judged(err error) error {
	if err != nil && !errors.Is(err, ErrAway) && away(err) {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return err
}

func away(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// PostgreSQL, appendix A: connections, resources, an operator's intervention, the system.
		for _, class := range []string{"08", "53", "57P", "58"} {
			if strings.HasPrefix(pg.Code, class) {
				return true
			}
		}
	}
	var file *sqlite.Error
	if errors.As(err, &file) {
		switch file.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
			return true
		}
	}
	var tries *crdb.MaxRetriesExceededError
	var dial *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &tries) || errors.As(err, &dial) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		strings.Contains(err.Error(), "sql: database is closed") || strings.Contains(err.Error(), "sql: statement is closed") || strings.Contains(err.Error(), "closed pool")
}
