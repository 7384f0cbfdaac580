package once

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

// These tell the test binary to be the process that is killed, and where it writes.
const (
	killedDir = "FRESHET_TEST_KILLED_DIR"
	killedURL = "FRESHET_TEST_KILLED_URL"
)

const writers = 8

// A process is killed while it does requests. Sent again, each gets its first answer where that was given, and is done
// once in all, whether the answer was given or the kill came between.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killedDir); dir != "" {
		doForEver(t, store.Config{Dir: dir, URL: os.Getenv(killedURL)})
		return
	}
	for name, url := range map[string]func(*testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Empty(t, store.Postgres) },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := store.Config{Dir: t.TempDir(), URL: url(t)}
			given := map[string]string{} // name to answer
			for life := range 3 {
				one := killed(t, cfg, 100*(life+1))
				for name, id := range one {
					if first, ok := given[name]; ok && first != id {
						t.Errorf("%s: %s, and in a life before %s", name, id, first)
					}
					given[name] = id
				}
			}
			db := storetest.Open(t, cfg)
			again := 0
			for w := range writers {
				for i, fresh := 0, 0; fresh < 2; i++ { // two beyond the last: one of them may have been under way
					name := strconv.Itoa(w) + "-" + strconv.Itoa(i)
					if given[name] == "" {
						fresh++
					}
					id, err := doOne(t.Context(), db.DB, name)
					if first := given[name]; err != nil || first != "" && id != first {
						t.Errorf("%s: %v, %s, first was %s", name, err, id, first)
					}
					if n := count(t, db, name); n != 1 {
						t.Errorf("%s: done %d times", name, n)
					}
					again++
				}
			}
			t.Logf("%d answers were given in three lives, %d requests were sent again", len(given), again)
		})
	}
}

// killed has a process do requests until n answers were given, and returns these.
func killed(t *testing.T, cfg store.Config, n int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), killedDir+"="+cfg.Dir, killedURL+"="+cfg.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var name, id string
		if k, err := fmt.Sscanf(lines.Text(), "given %s %s", &name, &id); k != 2 || err != nil {
			continue // the test's own
		}
		given[name] = id
		if len(given) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // killed, as was wanted
	if len(given) < n {
		t.Fatalf("%d answers before the process was killed", len(given))
	}
	return given
}

// doForEver has some do one request after the other, from the first on in each life, and prints each answer.
func doForEver(t *testing.T, cfg store.Config) {
	db, err := store.Open(t.Context(), cfg, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := 0; ; i++ {
				name := strconv.Itoa(w) + "-" + strconv.Itoa(i)
				id, err := doOne(t.Context(), db, name)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				fmt.Println("given", name, id)
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// doOne makes an account with a name by a request whose key that is, and returns the id in its answer.
func doOne(ctx context.Context, db *store.DB, name string) (id string, err error) {
	out, err := InTx(with(ctx, name, name, start), db, func(ctx context.Context, q store.Querier) (*struct{ ID string }, error) {
		made := store.NewID()
		_, err := store.Exec(ctx, q, test.Get("make"), store.Args{"id": made, "name": name, "at": start})
		return &struct{ ID string }{made.String()}, err
	})
	if err != nil {
		return "", err
	}
	return out.ID, nil
}
