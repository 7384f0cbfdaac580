package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/client_golang/prometheus"

	"freshet/bench/testmesh"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

var states = store.Load(os.DirFS("testdata")).Get("states")

// A postOffice is an SMTP server that keeps what it takes, but for what refuse says.
type postOffice struct {
	mu     sync.Mutex
	taken  []*mail.Reader
	raw    []string
	refuse func(to string) error
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
	if v.p.refuse != nil {
		return v.p.refuse(to)
	}
	return nil
}

func (v *visit) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.CreateReader(bytes.NewReader(b))
	if err != nil {
		return err
	}
	v.p.mu.Lock()
	defer v.p.mu.Unlock()
	v.p.taken, v.p.raw = append(v.p.taken, m), append(v.p.raw, string(b))
	return nil
}

func (v *postOffice) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.taken)
}

// open serves p until the test ends, and returns its address.
func (p *postOffice) open(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(p)
	s.Domain, s.AllowInsecureAuth = "localhost", true
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return "smtp://" + l.Addr().String()
}

type sending struct {
	*Sender
	t   *testing.T
	now time.Time
}

func newSending(t *testing.T, db *storetest.DB, server Server) *sending {
	s := &sending{t: t, now: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)}
	s.Sender = NewSender(Sender{
		Log: slog.New(slog.DiscardHandler), Store: db.DB, Queue: NewQueue(), Server: server, Now: func() time.Time { return s.now },
	}, prometheus.NewRegistry())
	return s
}

func (s *sending) add(to string) {
	s.t.Helper()
	err := s.Store.InTx(s.t.Context(), func(ctx context.Context, q store.Querier) error {
		return s.Queue.Add(ctx, q, Message{Kind: Invite, To: to, Name: "Zoë <b>", Language: "fr", Values: everyValue}, s.now)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sending) due() int {
	s.t.Helper()
	n, _ := s.sendDue(s.t.Context())
	return n
}

func (s *sending) states() string {
	s.t.Helper()
	all, err := store.All[struct {
		To       string `db:"recipient"`
		State    string `db:"state"`
		Attempts int64  `db:"attempts"`
	}](s.t.Context(), s.Store, states, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "%s %s %d, ", m.To, m.State, m.Attempts)
	}
	return strings.TrimSuffix(b.String(), ", ")
}

func smtpTo(t *testing.T, address string) *SMTP {
	t.Helper()
	s, err := NewSMTP(address, "Freshet <webcasts@example.org>", "webcasts.example")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A mail reaches a real server whole: in both forms, with an id that stays the same.
func TestSend(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		office := &postOffice{}
		s := newSending(t, db, smtpTo(t, office.open(t)))
		s.add("ana@example.org")
		s.add("bob@example.org")
		if n := s.due(); n != 2 || office.count() != 2 {
			t.Fatalf("%d due, %d taken", n, office.count())
		}
		if n := s.due(); n != 0 {
			t.Errorf("%d are due again", n)
		}
		if got := s.states(); got != "ana@example.org sent 1, bob@example.org sent 1" {
			t.Errorf("%s", got)
		}
		m := office.taken[0]
		subject, _ := m.Header.Subject()
		id, _ := m.Header.MessageID()
		from, _ := m.Header.AddressList("From")
		if subject != "Vous êtes invité à rejoindre Nordlicht" || !strings.HasSuffix(id, "@webcasts.example") || from[0].Address != "webcasts@example.org" {
			t.Errorf("%q %q %v", subject, id, from)
		}
		var kinds []string
		for {
			part, err := m.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, part.Header.Get("Content-Type"))
			b, _ := io.ReadAll(part.Body)
			if !bytes.Contains(b, []byte("https://webcasts.example/x/TOKEN")) {
				t.Errorf("no link in %s", b)
			}
		}
		if len(kinds) != 2 || !strings.HasPrefix(kinds[0], "text/plain") || !strings.HasPrefix(kinds[1], "text/html") {
			t.Errorf("%v", kinds)
		}
	})
}

// What a server refuses for good is given up with its answer, what it refuses for now is tried again for a day.
func TestRefusals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		office := &postOffice{refuse: func(to string) error {
			switch {
			case strings.HasPrefix(to, "gone"):
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person: " + strings.Repeat("é\x00", 300)}
			case strings.HasPrefix(to, "busy"):
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
			}
			return nil
		}}
		s := newSending(t, db, smtpTo(t, office.open(t)))
		for _, who := range []string{"busy", "fine", "gone"} {
			s.add(who + "@example.org")
		}
		s.due()
		if got := s.states(); got != "busy@example.org waiting 1, fine@example.org sent 1, gone@example.org failed 1" {
			t.Errorf("%s", got)
		}
		if n := s.due(); n != 0 {
			t.Errorf("%d at once again", n)
		}
		for range len(waits) {
			s.now = s.now.Add(11 * time.Hour)
			if n := s.due(); n != 1 {
				t.Errorf("%d due", n)
			}
		}
		if got := s.states(); got != "busy@example.org failed 9, fine@example.org sent 1, gone@example.org failed 1" {
			t.Errorf("%s", got)
		}
		s.now = s.now.Add(100 * time.Hour)
		if n := s.due(); n != 0 {
			t.Errorf("%d after it was given up", n)
		}
	})
}

// A server that is away leaves all mails waiting, and a node that died with a batch leaves it to the next.
func TestAway(t *testing.T) {
	db := storetest.New(t)
	s := newSending(t, db, smtpTo(t, "smtp://127.0.0.1:1"))
	s.add("ana@example.org")
	if _, err := s.sendDue(t.Context()); err == nil {
		t.Error("nobody says that the server is away")
	}
	if got := s.states(); got != "ana@example.org waiting 1" {
		t.Errorf("%s", got)
	}
	s.now = s.now.Add(waits[0])
	if letters, err := s.claim(t.Context()); len(letters) != 1 || err != nil {
		t.Fatal(letters, err)
	}
	office := &postOffice{}
	other := newSending(t, db, smtpTo(t, office.open(t)))
	other.now = s.now.Add(claimFor - time.Second)
	if n := other.due(); n != 0 {
		t.Errorf("%d taken from a node that is at it", n)
	}
	other.now = s.now.Add(claimFor)
	if n := other.due(); n != 1 || office.count() != 1 {
		t.Errorf("%d due, %d taken", n, office.count())
	}
}

// Run sends what was queued before and what is queued meanwhile, once it is kept.
func TestRun(t *testing.T) {
	office := &postOffice{}
	s := newSending(t, storetest.New(t), smtpTo(t, office.open(t)))
	s.add("before@example.org")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	wait := func(n int) {
		t.Helper()
		testmesh.Until(t, fmt.Sprint(n, " mails"), testmesh.Patience, func() bool { return office.count() >= n })
	}
	wait(1)
	errUnwanted := errors.New("unwanted")
	if err := s.Store.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
		return errors.Join(s.Queue.Add(ctx, q, Message{Kind: LogIn, To: "never@example.org", Values: everyValue}, s.now), errUnwanted)
	}); !errors.Is(err, errUnwanted) {
		t.Error(err)
	}
	s.add("after@example.org")
	wait(2)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := s.states(); got != "after@example.org sent 1, before@example.org sent 1" {
		t.Errorf("%s", got)
	}
}

func TestBadServers(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:25", "http://x", "smtp://", "smtp://h:port", "smtp://u:hunter2@h:x", "smtp://h/path"} {
		if _, err := NewSMTP(address, "a@example.org", "x"); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := NewSMTP("smtp://h", "nobody", "x"); err == nil {
		t.Error("nobody sends")
	}
}
