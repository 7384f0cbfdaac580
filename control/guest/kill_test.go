package guest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"freshet/bench/testmesh"
	"freshet/control/mail"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// These tell the test binary to be the node that is killed: where its database is, which server takes its mails, and how
// far its clock is ahead, so that it does not wait for what one that was killed before had under way.
const (
	killedDir   = "FRESHET_TEST_KILLED_DIR"
	killedSMTP  = "FRESHET_TEST_KILLED_SMTP"
	killedAhead = "FRESHET_TEST_KILLED_AHEAD"
)

// leftFor is longer than a node keeps others from what it was about to send.
const leftFor = 6 * time.Minute

// A postOffice is an SMTP server that notes which mails it has taken for whom.
type postOffice struct {
	mu    sync.Mutex
	taken map[string][]string // address to Message-IDs
}

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &visit{p: p}, nil }

type visit struct {
	p  *postOffice
	to string
}

func (v *visit) Reset()                               {}
func (v *visit) Logout() error                        { return nil }
func (v *visit) Mail(string, *smtp.MailOptions) error { return nil }
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	v.to = to
	return nil
}

func (v *visit) Data(r io.Reader) error {
	h, err := textproto.NewReader(bufio.NewReader(r)).ReadMIMEHeader()
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	v.p.mu.Lock()
	defer v.p.mu.Unlock()
	v.p.taken[v.to] = append(v.p.taken[v.to], h.Get("Message-Id"))
	return nil
}

func (p *postOffice) recipients() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

func (p *postOffice) open(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(p)
	s.Domain = "localhost"
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "smtp://" + l.Addr().String()
}

// A node is killed twice while 1,000 register. Whoever was told so is registered, once; everybody gets the mail, and the
// same one again only what was on its way when the node was killed.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killedDir); dir != "" {
		serveForEver(t, dir)
		return
	}
	const people, inFlight = 1000, 50 // mails that a node hands over at a time
	cfg := store.Config{Dir: t.TempDir()}
	setUp, err := store.Open(t.Context(), cfg, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	slug := planned(t, setUp).Slug
	if err := setUp.Close(); err != nil {
		t.Fatal(err)
	}
	office := &postOffice{taken: map[string][]string{}}
	smtpAt := office.open(t)

	// told are those whose registration was acknowledged; asked those who had to ask again.
	told, asked := map[string]bool{}, map[string]bool{}
	for life, until := range []int{400, 800, people} {
		child := start(t, cfg.Dir, smtpAt, time.Duration(life)*leftFor)
		child.register(slug, people, until, told, asked)
		if until == people {
			testmesh.Until(t, "everybody's mail", 6*testmesh.Patience, func() bool { return office.recipients() == people })
		}
		child.kill()
	}

	db := storetest.Open(t, cfg)
	addresses := all(t, db.DB, "addresses")
	if len(addresses) != people || len(slices.Compact(slices.Clone(addresses))) != people || len(told) != people {
		t.Errorf("%d are registered, %d were told so, of %d", len(addresses), len(told), people)
	}
	again, twice := 0, 0
	for _, to := range addresses {
		ids := slices.Clone(office.taken[to])
		slices.Sort(ids)
		different := len(slices.Compact(slices.Clone(ids)))
		again += len(ids) - different
		switch {
		case different == 1:
		case different == 2 && asked[to]: // the first time it was kept, and the node was killed before it said so
			twice++
		default:
			t.Errorf("%s: %d different mails: %v", to, different, ids)
		}
	}
	if again > 2*inFlight {
		t.Errorf("%d mails came again, more than were on their way", again)
	}
	t.Logf("%d registered in three lives; %d asked again, of whom %d were registered already; %d mails came again under the same Message-ID", people, len(asked), twice, again)
}

// A killable node runs in a process of its own.
type killable struct {
	t    *testing.T
	at   string
	kill func()
}

func start(t *testing.T, dir, smtpAt string, ahead time.Duration) *killable {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), killedDir+"="+dir, killedSMTP+"="+smtpAt, killedAhead+"="+ahead.String())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	k := &killable{t: t}
	k.kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, as was wanted
		cancel()
	})
	t.Cleanup(k.kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "listening %s", &k.at); n == 1 {
			return k
		}
	}
	t.Fatal("the node does not come up")
	return nil
}

// register has all who were not told yet register, some at a time, until so many were told in all.
func (k *killable) register(slug string, people, until int, told, asked map[string]bool) {
	k.t.Helper()
	var left []string
	for i := range people {
		if to := fmt.Sprintf("guest-%d@example.org", i); !told[to] {
			left = append(left, to)
		}
	}
	next := make(chan string, len(left))
	for _, to := range left {
		next <- to
	}
	close(next)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var clients sync.WaitGroup
	dead := false
	for range 16 {
		clients.Go(func() {
			for to := range next {
				err := register(k.t.Context(), client, k.at, slug, to)
				mu.Lock()
				if err == nil {
					told[to] = true
				} else {
					asked[to] = true
				}
				if err != nil && !dead {
					k.t.Errorf("%s: %v", to, err)
				}
				if len(told) >= until && until < people && !dead {
					dead = true
					k.kill()
				}
				over := dead
				mu.Unlock()
				if over {
					return
				}
			}
		})
	}
	clients.Wait()
}

// serveForEver is the node that is killed.
func serveForEver(t *testing.T, dir string) {
	db, err := store.Open(t.Context(), store.Config{Dir: dir}, storetest.Deps(t))
	if err != nil {
		t.Fatal(err)
	}
	server, err := mail.NewSMTP(os.Getenv(killedSMTP), "webcasts@example.org", "webcasts.example")
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := time.ParseDuration(os.Getenv(killedAhead))
	if err != nil {
		t.Fatal(err)
	}
	node := newNode(t, db, server, func() time.Time { return time.Now().Add(ahead) })
	fmt.Println("listening", node.listener.Addr())
	if err := node.run(t.Context()); err != nil {
		t.Error(err)
	}
}
