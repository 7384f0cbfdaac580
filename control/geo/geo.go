// Package geo says where on the earth an address is, by a database in MaxMind's format that whoever runs the installation
// puts there, and where the regions of nodes are. Without a database every address is unknown, and all goes on.
package geo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oschwald/geoip2-golang"
	"github.com/prometheus/client_golang/prometheus"
)

// maxFile bounds a database: the largest known, of all the world's cities, has 120 MB.
const maxFile = 512 << 20

// Deps are what Places are given.
type Deps struct {
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Places know where addresses are. Lookup may be called from any goroutine.
type Places struct {
	file string // empty: there is none
	log  *slog.Logger
	m    *metrics

	// The database is in memory, not mapped: a file that is overwritten in place would end the process, and a map that is
	// let go under a reader, too. What is replaced is garbage once its last reader is through.
	db atomic.Pointer[database]
}

// A database is one reading of the file.
type database struct {
	*geoip2.Reader
	cities bool // else countries alone
	was    mark // of the file
}

// Open reads the database in file, of cities or of countries. Without a file nothing is known.
func Open(file string, d Deps) (*Places, error) {
	p := &Places{file: file, log: d.Log}
	p.m = newMetrics(d.Metrics, p)
	if file == "" {
		return p, nil
	}
	db, err := read(file)
	if err != nil {
		return nil, err
	}
	p.show(db)
	return p, nil
}

func (p *Places) show(db *database) {
	p.db.Store(db)
	at := db.Metadata()
	p.log.Info("places of addresses are known", "database", at.DatabaseType, "made", time.Unix(int64(at.BuildEpoch), 0).UTC())
}

// read returns the database in file, of which it has seen that it answers.
func read(file string) (*database, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	was, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if was.Size() > maxFile {
		return nil, fmt.Errorf("%s: more than %d MiB", file, maxFile>>20)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	r, err := geoip2.FromBytes(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	db := &database{Reader: r, cities: named(r.Metadata().DatabaseType, "City", "Enterprise"), was: markOf(was)}
	if _, err := db.lookup(netip.AddrFrom4([4]byte{1, 1, 1, 1})); err != nil && !errors.Is(err, errNothing) {
		return nil, fmt.Errorf("%s: %w", file, err) // of neither cities nor countries, most likely
	}
	return db, nil
}

func named(kind string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(kind, part) })
}

// Run reads the database again whenever its file is replaced, until ctx ends. What cannot be read is not taken: the one
// that was there stays.
func (p *Places) Run(ctx context.Context) error {
	if p.file == "" {
		<-ctx.Done()
		return nil
	}
	w, err := watch(p.file)
	if err != nil {
		p.log.Warn("the database of places is not read again when it is replaced", "err", err)
		<-ctx.Done()
		return nil
	}
	defer w.Close() //nolint:errcheck // nothing was written
	p.follow(ctx, w, p.db.Load().was, p.again)
	return nil
}

// again takes what file has now.
func (p *Places) again() {
	db, err := read(p.file)
	if err != nil {
		p.m.reloads.WithLabelValues(string(reloadBroken)).Inc()
		p.log.Error("the new database of places cannot be read, the one before stays", "err", err)
		return
	}
	p.m.reloads.WithLabelValues(string(reloadDone)).Inc()
	p.show(db)
}
