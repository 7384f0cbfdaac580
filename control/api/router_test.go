package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"freshet/cluster/ops"
	"freshet/control/geo/geotest"
	"freshet/control/node"
)

const (
	// joinsAt says how many joins come, and how many a second: 60000@2000. Without it, a few.
	joinsAt = "FRESHET_JOINS"
	// joinP99 is what a join may take: issue 7, at 2,000/s on one control node.
	joinP99 = 20 * time.Millisecond
	// audience is how many viewers, each with a token of its own, send the joins.
	audience = 600
)

// Joins come at a rate, whether those before are answered or not, over HTTP from sixty cities, each with its token: one
// control node with its database on disk sends each to the edge of its city, and keeps why. With joinsAt set the time until
// an answer is held, too, from the moment at which the request was to be sent.
func TestRouter(t *testing.T) {
	n, rate, full := 400, 400, false
	if s := os.Getenv(joinsAt); s != "" {
		if _, err := fmt.Sscanf(s, "%d@%d", &n, &rate); err != nil {
			t.Fatal(err)
		}
		full = true
	}
	r := newRouter(t)
	took := make([]time.Duration, n)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	busy, begun := cpuOfProcess(), time.Now()
	for i := range n {
		due := begun.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due)) // it is the rate that is tested
		wait.Go(func() {
			if err := r.join(i); err != nil {
				mu.Lock()
				failed = append(failed, err)
				mu.Unlock()
			}
			took[i] = time.Since(due)
		})
	}
	wait.Wait()
	lasted := time.Since(begun)
	busy = cpuOfProcess() - busy
	if len(failed) > 0 {
		t.Errorf("%d of %d failed, the first: %v", len(failed), n, failed[0])
	}
	for i, session := range r.sessions[:min(n, audience)] {
		d, ok := r.api.d.Why.Of(session, time.Now())
		if want := geotest.Cities[i%len(geotest.Cities)]; !ok || d.City.EN != want.Name {
			t.Errorf("why: %+v %v, want %s", d, ok, want.Name)
		}
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	p99 := took[n*99/100]
	line, err := json.Marshal(map[string]any{
		"id": "router", "n": n, "rate": rate, "p50": ms(took[n/2]), "p99": ms(p99), "max": ms(took[n-1]), "unit": "ms",
		"achieved": int(float64(n) / lasted.Seconds()), "failed": len(failed), "edges": len(geotest.Cities), "cores": runtime.NumCPU(),
		"cpu_ms_a_join": ms(busy / time.Duration(n)), "load": loadOfMachine(),
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(string(line))
	if full && p99 > joinP99 {
		t.Errorf("p99 is %v, want %v at most", p99, joinP99)
	}
}

// A router is a control node that is served, with an edge in each city, and viewers who have come in.
type router struct {
	world
	client   *http.Client
	url      string
	tokens   []string
	sessions []uuid.UUID
}

func newRouter(t *testing.T) *router {
	w := newWorld(t, object{"access": "password", "password": "open sesame"})
	for _, r := range regions {
		w.edge(r, func(n *node.Node) { n.Away = true })
	}
	for i, c := range geotest.Cities {
		w.edge(fmt.Sprint(i), func(n *node.Node) { n.At, n.Heard = &c.At, time.Now().Add(time.Hour) }) // none falls silent
	}
	r := &router{world: w}
	for range audience {
		in := w.browser().does("POST", w.slug+"/enter", and(somebody, "password", "open sesame"))
		r.tokens = append(r.tokens, in["token"].(string))
		r.sessions = append(r.sessions, uuid.MustParse(in["session"].(string)))
	}
	h, err := ops.NewHTTP(ops.HTTPConfig{Listen: "127.0.0.1:0"}, w.api, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{h.Run, w.api.d.Door.Run, w.api.d.Board.Run} {
		g.Go(func() error { return run(ctx) })
	}
	r.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}}
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		stop()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	r.url = "http://" + h.Addr().String() + Prefix + w.slug + "/join"
	return r
}

// join is the i-th: every second one comes by IPv6. Where the answer is not the edge of the city, it returns an error.
func (r *router) join(i int) error {
	city := i % audience % len(geotest.Cities)
	from := geotest.IPv4(city)
	if i%2 == 1 {
		from = geotest.IPv6(city)
	}
	q, err := http.NewRequest(http.MethodPost, r.url, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+r.tokens[i%audience])
	q.Header.Set("X-Forwarded-For", from.String())
	answer, err := r.client.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var j Join
	if err := json.Unmarshal(b, &j); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, b)
	}
	if want := fmt.Sprint("edge-", city); len(j.Edges) == 0 || j.Edges[0].Node != want || j.Session != r.sessions[i%audience].String() {
		return fmt.Errorf("%s: sent to %+v, want %s", geotest.Cities[city].Name, j.Edges, want)
	}
	return nil
}

// loadOfMachine is how many processes wanted a core in the last minute; above the number of cores, times say nothing.
func loadOfMachine() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Fields(string(b))[0]
}

// cpuOfProcess is what this process has used, client and server.
func cpuOfProcess() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
