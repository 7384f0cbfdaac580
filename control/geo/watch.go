package geo

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long nothing may change before a new file is read: whoever copies it there takes a while.
const settle = time.Second

// A mark tells one state of a file from another.
type mark struct {
	size int64
	at   time.Time
}

func markOf(f os.FileInfo) mark { return mark{f.Size(), f.ModTime()} }

// watch looks at the folder of file: what replaces a file is another one of the same name, or another target of a link
// beside it.
func watch(file string) (*fsnotify.Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := w.Add(filepath.Dir(file)); err != nil {
		_ = w.Close()
		return nil, err
	}
	return w, nil
}

// follow calls changed once the file is another than the one that was shown, and has then stayed as it is for settle. What
// else happens in its folder does not put that off. Who missed events looks, too.
func (p *Places) follow(ctx context.Context, w *fsnotify.Watcher, shown mark, changed func()) {
	look := time.NewTimer(0) // at first, too: it may have changed since it was shown
	defer look.Stop()
	due, seen := true, shown
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Events:
		case err := <-w.Errors:
			p.log.Debug("changes beside the database of places were missed", "err", err)
		case <-look.C:
			due = false
			if now := markIn(p.file); now != seen {
				seen = now
			} else if now == shown {
				continue
			} else {
				shown = now
				changed()
				continue
			}
		}
		if !due {
			due = true
			look.Reset(settle)
		}
	}
}

// markIn is that of file, zero where there is none.
func markIn(file string) mark {
	f, err := os.Stat(file)
	if err != nil {
		return mark{}
	}
	return markOf(f)
}
