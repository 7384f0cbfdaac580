package store_test

import (
	"testing"
	"testing/fstest"

	"freshet/control/store"
)

func TestLoad(t *testing.T) {
	s := store.Load(fstest.MapFS{
		"a.sql":          {Data: []byte("-- About these.\n\n-- name: both\n-- A comment stays.\nSELECT 1;\n\n-- name: other\nSELECT 2\n")},
		"b.sqlite.sql":   {Data: []byte("-- name: own\nSELECT 3\n")},
		"b.postgres.sql": {Data: []byte("-- name: own\nSELECT 4\n")},
	})
	for _, row := range []struct{ name, sqlite, postgres string }{
		{"both", "-- A comment stays.\nSELECT 1", "-- A comment stays.\nSELECT 1"},
		{"other", "SELECT 2", "SELECT 2"},
		{"own", "SELECT 3", "SELECT 4"},
	} {
		if got := s.Get(row.name).Text(store.SQLite); got != row.sqlite {
			t.Errorf("%s on SQLite: %q", row.name, got)
		}
		if got := s.Get(row.name).Text(store.Cockroach); got != row.postgres {
			t.Errorf("%s on CockroachDB: %q", row.name, got)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for why, files := range map[string]fstest.MapFS{
		"no file":               {},
		"a name twice":          {"a.sql": {Data: []byte("-- name: a\nSELECT 1\n-- name: a\nSELECT 2")}},
		"shared and own":        {"a.sql": {Data: []byte("-- name: a\nSELECT 1")}, "a.sqlite.sql": {Data: []byte("-- name: a\nSELECT 2")}},
		"one engine only":       {"a.sqlite.sql": {Data: []byte("-- name: a\nSELECT 1")}},
		"no statement":          {"a.sql": {Data: []byte("-- name: a\n")}},
		"text before the first": {"a.sql": {Data: []byte("SELECT 1\n-- name: a\nSELECT 1")}},
	} {
		t.Run(why, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			store.Load(files)
		})
	}
}
