package cert

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// filesLook is how often files are looked at. What is read must have stayed as it is from one look to the next: whoever
// copies a certificate and its key there takes a while.
const filesLook = 2 * time.Second

// files is a certificate of the operator's own.
type files struct {
	cfg  Config
	log  *slog.Logger
	read mark // what is in force was read from
	now  atomic.Pointer[tls.Certificate]
}

// A mark tells one state of the two files from another.
type mark struct{ cert, key stamp }

type stamp struct {
	size int64
	at   time.Time
}

func (c Config) mark() mark {
	of := func(file string) stamp {
		f, err := os.Stat(file)
		if err != nil {
			return stamp{}
		}
		return stamp{f.Size(), f.ModTime()}
	}
	return mark{of(c.CertFile), of(c.KeyFile)}
}

func openFiles(cfg Config, log *slog.Logger) (*files, error) {
	f := &files{cfg: cfg, log: log, read: cfg.mark()}
	return f, f.load()
}

// load takes what the files hold, where it is good for all hosts. It leaves what is in force otherwise.
func (f *files) load() error {
	c, err := tls.LoadX509KeyPair(f.cfg.CertFile, f.cfg.KeyFile)
	if err != nil {
		return fmt.Errorf("tls-cert: %w", err)
	}
	for _, h := range f.cfg.Hosts {
		if err := c.Leaf.VerifyHostname(h); err != nil {
			return fmt.Errorf("tls-cert: %s: %w", f.cfg.CertFile, err)
		}
	}
	if end := c.Leaf.NotAfter; time.Now().After(end) {
		return fmt.Errorf("tls-cert: %s ended on %s", f.cfg.CertFile, end.Format(time.DateTime))
	}
	f.now.Store(&c)
	return nil
}

func (f *files) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.now.Load(), nil }

func (f *files) expires() time.Time { return f.now.Load().Leaf.NotAfter }

// run reads the files again when they are replaced, until ctx ends.
func (f *files) run(ctx context.Context, _ int) error {
	tick := time.NewTicker(filesLook)
	defer tick.Stop()
	seen := f.read
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		was := seen
		if seen = f.cfg.mark(); seen == f.read || seen != was {
			continue
		}
		f.read = seen
		if err := f.load(); err != nil {
			f.log.Error("the certificate stays as it was", "err", err, "ends", f.expires())
			continue
		}
		f.log.Info("the certificate was replaced", "host", f.cfg.Hosts[0], "ends", f.expires())
	}
}
