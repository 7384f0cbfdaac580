package guest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/control/mail"
	"freshet/control/store/storetest"
)

// registrations says how many come, and how many a second: 10000@500. Without it, a few.
const registrations = "FRESHET_REGISTRATIONS"

// wantP99 is what nobody notices who has pressed a button (issue: registrations at 500/s).
const wantP99 = 100 * time.Millisecond

// Registrations come at a rate, whether those before are answered or not, over HTTP to a node with its database on disk
// that sends mails meanwhile. One in twenty comes twice at once, as from somebody who has pressed twice. All are kept, none
// twice, each with one mail or, pressed twice, two. With registrations set the time until an answer is held, too, from the
// moment at which the request was to be sent.
func TestRegistrations(t *testing.T) {
	n, rate, full := 300, 300, false
	if s := os.Getenv(registrations); s != "" {
		if _, err := fmt.Sscanf(s, "%d@%d", &n, &rate); err != nil {
			t.Fatal(err)
		}
		full = true
	}
	db := storetest.New(t)
	e := planned(t, db.DB)
	node := newNode(t, db.DB, &mail.Mailbox{Store: db.DB}, time.Now)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- node.run(ctx) }()
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512, MaxConnsPerHost: 512}}
	at := node.listener.Addr().String()

	took := make([]time.Duration, n)
	var wait sync.WaitGroup
	var mu sync.Mutex
	failed := map[string]int{}
	send := func(email string) {
		if err := register(ctx, client, at, e.Slug, email); err != nil {
			mu.Lock()
			failed[err.Error()]++
			mu.Unlock()
		}
	}
	busy := cpu()
	begun := time.Now()
	for i := range n {
		due := begun.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due)) // it is the rate that is tested
		email := fmt.Sprintf("guest-%d@example.org", i)
		wait.Go(func() {
			send(email)
			took[i] = time.Since(due)
		})
		if i%20 == 0 {
			wait.Go(func() { send(strings.ToUpper(email)) })
		}
	}
	wait.Wait()
	lasted := time.Since(begun)
	busy = cpu() - busy
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	addresses, recipients := all(t, db.DB, "addresses"), all(t, db.DB, "recipients")
	pressedTwice := (n + 19) / 20
	if mails := slices.Compact(slices.Clone(recipients)); len(addresses) != n || !slices.Equal(mails, addresses) || len(recipients) > n+pressedTwice {
		t.Errorf("%d registered: %d are kept, %d have mails, of which there are %d", n, len(addresses), len(mails), len(recipients))
	}
	if unique := len(slices.Compact(slices.Clone(addresses))); unique != len(addresses) {
		t.Errorf("%d are there twice", len(addresses)-unique)
	}
	slices.Sort(took)
	p50, p99, most := took[n/2], took[n*99/100], took[n-1]
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	line, err := json.Marshal(map[string]any{
		"id": "registrations", "n": n, "rate": rate, "p50": ms(p50), "p99": ms(p99), "max": ms(most), "unit": "ms",
		"achieved": int(float64(n) / lasted.Seconds()), "kept": len(addresses), "mails": len(recipients),
		"commits": db.Metric(t, "freshet_store_commits_total"), "cores": runtime.NumCPU(), "cpu": busy.Seconds() / lasted.Seconds(), "load": load(),
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(line))
	if full && rate <= 500 && p99 > wantP99 {
		t.Errorf("p99 is %v, want %v at most", p99, wantP99)
	}
}

// load is how many processes wanted a core in the last minute; above the number of cores, times say nothing.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Fields(string(b))[0]
}
