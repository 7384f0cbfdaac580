package store_test

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

// writerDir tells the test binary to be the process that is killed.
const writerDir = "FRESHET_TEST_WRITER_DIR"

// A process that is killed while many write loses nothing that it said was kept.
func TestKill(t *testing.T) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeForEver(t, dir)
		return
	}
	dir := t.TempDir()
	const kills = 3
	acknowledged := map[int64]bool{}
	for i := range kills {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), writerDir+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		told := 0
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil {
				continue // the test's own
			}
			acknowledged[n] = true
			if told++; told == 300*(i+1) {
				if err := cmd.Process.Kill(); err != nil {
					t.Error(err)
				}
			}
		}
		_ = cmd.Wait() // killed, as was wanted
		cancel()
		if told < 300 {
			t.Fatalf("%d writes before the process was killed", told)
		}
	}
	db := storetest.Open(t, store.Config{Dir: dir})
	lost := 0
	for n := range acknowledged {
		if got := get[int64](t, db, "count_named", store.Args{"name": strconv.FormatInt(n, 10)}); got != 1 {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d writes are lost, or there twice", lost, len(acknowledged))
	}
	t.Logf("%d writes were acknowledged in %d lives", len(acknowledged), kills)
}

// writeForEver has sixteen write rows, and prints the name of each row that is kept.
func writeForEver(t *testing.T, dir string) {
	db, err := store.Open(t.Context(), store.Config{Dir: dir}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Exec(t.Context(), db, sql.Get("make_counter"), nil); err != nil {
		t.Log(err) // it was made in a life before
	}
	var mu sync.Mutex
	var writers sync.WaitGroup
	base := time.Now().UnixNano()
	for w := range 16 {
		writers.Go(func() {
			for i := 0; ; i++ {
				n := base + int64(w)<<20 + int64(i)
				if _, err := store.Exec(t.Context(), db, sql.Get("put_counter"), store.Args{"name": strconv.FormatInt(n, 10), "n": n}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				fmt.Println(n)
				mu.Unlock()
			}
		})
	}
	writers.Wait()
}

// What a small transaction costs where n wait at a time. On SQLite they share commits.
func BenchmarkInTx(b *testing.B) {
	db := storetest.New(b)
	if _, err := store.Exec(b.Context(), db, sql.Get("make_counter"), nil); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("waiting=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(max(1, n/2))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					err := db.InTx(b.Context(), func(ctx context.Context, q store.Querier) error {
						id := store.NewID().String()
						_, err := store.Exec(ctx, q, sql.Get("put_counter"), store.Args{"name": id, "n": 1})
						return err
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
