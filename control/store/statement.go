package store

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// A Statement is one SQL statement with @names for its values, in the words of each engine.
type Statement struct {
	Name             string
	sqlite, postgres string
}

// Text returns the statement as kind understands it.
func (s Statement) Text(kind Kind) string {
	if kind == SQLite {
		return s.sqlite
	}
	return s.postgres
}

// Statements are those of one noun.
type Statements map[string]Statement

// Endings of files of statements: those that both engines understand, and those of one.
const (
	sqliteEnding   = ".sqlite.sql"
	postgresEnding = ".postgres.sql"
	ending         = ".sql"
)

// Load reads the *.sql files in the root of files: each statement stands behind a line "-- name: NAME". What stands in
// a file that ends in .sqlite.sql or .postgres.sql is for that engine, and must be there for both. It panics where a
// file is wrong: it is part of the program.
func Load(files fs.FS) Statements {
	all := Statements{}
	names, err := fs.Glob(files, "*"+ending)
	if err != nil || len(names) == 0 {
		panic(fmt.Sprint("statements: no files: ", err))
	}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		if err := all.add(name, string(b)); err != nil {
			panic(fmt.Sprintf("statements: %s: %v", name, err))
		}
	}
	for _, s := range all {
		if s.sqlite == "" || s.postgres == "" {
			panic(fmt.Sprintf("statements: %s is there for one engine only", s.Name))
		}
	}
	return all
}

func (all Statements) add(file, text string) error {
	parts := strings.Split("\n"+text, "\n-- name: ")
	for _, part := range parts[1:] {
		name, body, _ := strings.Cut(part, "\n")
		name, body = strings.TrimSpace(name), strings.TrimSuffix(strings.TrimSpace(body), ";")
		s := all[name]
		s.Name = name
		for _, of := range []struct {
			text *string
			mine bool
		}{
			{&s.sqlite, !strings.HasSuffix(file, postgresEnding)},
			{&s.postgres, !strings.HasSuffix(file, sqliteEnding)},
		} {
			switch {
			case !of.mine:
			case *of.text != "":
				return fmt.Errorf("%s is there twice", name)
			case body == "":
				return fmt.Errorf("%s is empty", name)
			default:
				*of.text = body
			}
		}
		all[name] = s
	}
	if strings.TrimSpace(strings.Join(commentless(parts[0]), "")) != "" {
		return fmt.Errorf("text before the first name")
	}
	return nil
}

func commentless(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, "--") })
}

// Get returns the statement with that name, and panics where there is none: names are part of the program.
func (all Statements) Get(name string) Statement {
	s, ok := all[name]
	if !ok {
		panic("statements: there is no " + name)
	}
	return s
}
