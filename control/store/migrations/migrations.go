// Package migrations holds the tables: each folder what one engine makes them by, in the order of its files' names.
package migrations

import "embed"

// Files are the folders.
//
//go:embed */*.sql
var Files embed.FS
