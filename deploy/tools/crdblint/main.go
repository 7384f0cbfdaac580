// Crdblint holds every SQL statement under the given folders to CockroachDB's own grammar, and to what CockroachDB has
// of PostgreSQL. It knows neither tables nor types: the store's tests run the same statements on PostgreSQL.
//
//	crdblint FOLDER…
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/lexbase"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/parser"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/scanner"
	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	details "github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// denied is what the grammar takes and CockroachDB has not, or has as something else; it is sought in the words of a
// statement, in lower case, with one space between them.
var denied = []struct {
	words *regexp.Regexp
	why   string
}{
	{regexp.MustCompile(`\bpg_(try_)?advisory\w*`), "is not there, or locks nothing"},
	{regexp.MustCompile(`\b([cx](min|max)|ctid)\b`), "is no column of a row"},
	{regexp.MustCompile(`\bcreate extension\b`), "adds nothing"},
	{regexp.MustCompile(`\bunlogged\b`), "means nothing"},
	{regexp.MustCompile(`\b(big|small)?serial[248]?\b`), "gives numbers with gaps, in the order of nothing: make ids in Go"},
	{regexp.MustCompile(`\b(create sequence|as identity|nextval|currval|lastval|setval)\b`), "has all nodes wait for one row: make ids in Go"},
	{regexp.MustCompile(`\b(trigger|plpgsql)\b`), "is not there before version 24, and not all of it since"},
	{regexp.MustCompile(`\bmaterialized view\b`), "is renewed as a whole only, outside of transactions"},
	{regexp.MustCompile(`\b(unlisten|pg_notify|pg_listening_channels)\b`), "is not there, or tells nobody"},
}

var (
	heading = regexp.MustCompile(`(?m)^-- name: (.*)$`)
	goose   = regexp.MustCompile(`(?m)^-- \+goose `)
	alone   = regexp.MustCompile(`(?m)^-- \+goose NO TRANSACTION\s*$`)
)

// A statement is where it stands and what it says: one SQL statement, or those of a migration.
type statement struct {
	at, text  string
	migration bool
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: crdblint FOLDER…")
		os.Exit(2)
	}
	all, err := collect(os.Args[1:])
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("no statement under %s", strings.Join(os.Args[1:], ", "))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crdblint:", err)
		os.Exit(1)
	}
	bad, taken := 0, 0
	for _, s := range all {
		n, err := s.check()
		taken += n
		if err != nil {
			bad++
			fmt.Fprintf(os.Stderr, "%s: %v\n", s.at, err)
			if more := details.FlattenDetails(err); more != "" { // the text, and where in it
				fmt.Fprintln(os.Stderr, "  "+strings.ReplaceAll(more, "\n", "\n  "))
			}
		}
	}
	if bad > 0 {
		fmt.Fprintf(os.Stderr, "crdblint: %d refused, %d statements taken\n", bad, taken)
		os.Exit(1)
	}
	fmt.Printf("crdblint: CockroachDB's grammar takes all %d statements\n", taken)
}

// collect reads the *.sql files below folders, but for those that are SQLite's own.
func collect(folders []string) (all []statement, err error) {
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "sqlite" || d.Name() == "node_modules"):
				return fs.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".sql") || strings.HasSuffix(path, ".sqlite.sql"):
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found := split(path, string(b))
			if len(found) == 0 {
				return fmt.Errorf("%s is no migration, and no statement in it has a name", path)
			}
			all = append(all, found...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// split returns the statements of a file: each behind its name, as control/store reads them, or those of a migration.
func split(path, text string) (all []statement) {
	if goose.MatchString(text) {
		return []statement{{path, text, true}}
	}
	at := heading.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := strings.TrimSpace(text[m[2]:m[3]])
		all = append(all, statement{path + ": " + name, text[m[1]:end], false})
	}
	return all
}

// check parses s as it reaches the server, and returns how many statements it is.
func (s statement) check() (n int, err error) {
	defer func() {
		if fell := recover(); fell != nil { // the parser does, on what needs PL/pgSQL
			err = fmt.Errorf("the parser panics: %v", fell)
		}
	}()
	text := s.text
	if !s.migration { // the driver numbers its @names
		if text, _, err = (pgx.NamedArgs{}).RewriteQuery(context.Background(), nil, text, nil); err != nil {
			return 0, err
		}
	}
	all, err := parser.Parse(text)
	switch {
	case err != nil:
		return 0, err
	case len(all) == 0:
		return 0, errors.New("no statement")
	case len(all) > 1 && !s.migration:
		return 0, fmt.Errorf("%d statements behind one name", len(all))
	}
	said := words(text)
	for _, d := range denied {
		if found := d.words.FindString(said); found != "" {
			return 0, fmt.Errorf("%s: on CockroachDB it %s", found, d.why)
		}
	}
	if s.migration {
		if !alone.MatchString(s.text) {
			return 0, errors.New("-- +goose NO TRANSACTION is missing: CockroachDB commits before each change of a table")
		}
		for _, one := range all {
			if !repeatable(one.AST) {
				return 0, fmt.Errorf("IF NOT EXISTS is missing, so that it cannot run again from the start: %.60s", one.SQL)
			}
		}
	}
	return len(all), nil
}

// words returns text without its comments and strings.
func words(text string) string {
	var all []string
	for _, t := range scanner.Inspect(text) {
		if t.ID != lexbase.SCONST && t.ID != lexbase.BCONST {
			all = append(all, strings.ToLower(text[t.Start:t.End]))
		}
	}
	return strings.Join(all, " ")
}

// repeatable tells whether s, as far as it creates something, leaves alone what is there.
func repeatable(s tree.Statement) bool {
	switch s := s.(type) {
	case *tree.CreateTable:
		return s.IfNotExists
	case *tree.CreateIndex:
		return s.IfNotExists
	}
	return true
}
