package mail

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// serverWait is how long a server may take to answer one command.
const serverWait = 30 * time.Second

// SMTP is a server that takes mails for others.
type SMTP struct {
	options []gomail.Option
	host    string
	from    string // address, with or without a name
	domain  string // of Message-IDs
}

// NewSMTP returns the server at address, smtp://USER:PASSWORD@HOST:PORT (with STARTTLS where it offers that) or
// smtps://… (TLS from the start), for mails from from with Message-IDs of domain.
func NewSMTP(address, from, domain string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("want smtp://USER:PASSWORD@HOST:PORT or smtps://…") // the error may quote a password
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return nil, fmt.Errorf("sender %q is no mail address", from)
	}
	s := &SMTP{host: u.Hostname(), from: from, domain: domain, options: []gomail.Option{gomail.WithTimeout(serverWait)}}
	port := 587
	switch u.Scheme {
	case "smtp":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case "smtps":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	default:
		return nil, fmt.Errorf("want smtp:// or smtps://, not %s://", u.Scheme)
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("port: %w", err)
		}
	}
	s.options = append(s.options, gomail.WithPort(port))
	if u.User != nil {
		secret, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(secret), gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	return s, nil
}

// Send implements Server, over one connection.
func (s *SMTP) Send(ctx context.Context, letters []Letter, done func(Letter, error)) error {
	c, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // all was said
	for _, l := range letters {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := s.message(l)
		if err != nil {
			done(l, &Refused{err.Error()})
			continue
		}
		err = c.Send(m)
		var sending *gomail.SendError
		if errors.As(err, &sending) && !sending.IsTemp() && sending.ErrorCode() >= 500 {
			err = &Refused{sending.Error()}
		}
		done(l, err)
	}
	return nil
}

func (s *SMTP) message(l Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg()
	if err := m.From(s.from); err != nil {
		return nil, err
	}
	if err := m.To(l.To); err != nil {
		return nil, err
	}
	m.Subject(l.Message.V.Subject)
	m.SetMessageIDWithValue(l.ID.String() + "@" + s.domain)
	m.SetDate()
	m.SetGenHeader(gomail.Header("Auto-Submitted"), "auto-generated") // RFC 3834
	m.SetBodyString(gomail.TypeTextPlain, l.Message.V.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, l.Message.V.HTML)
	if stop := l.Message.V.Stop; stop != "" { // RFC 2369 and RFC 8058
		m.SetGenHeader(gomail.HeaderListUnsubscribe, "<"+stop+">")
		m.SetGenHeader(gomail.HeaderListUnsubscribePost, "List-Unsubscribe=One-Click")
	}
	if c := l.Message.V.Calendar; c != nil { // RFC 6047: inside for what shows buttons, behind for what takes files
		kind := gomail.ContentType("text/calendar; method=" + c.Method)
		m.AddAlternativeString(kind, c.Text)
		if err := m.AttachReader("event.ics", strings.NewReader(c.Text), gomail.WithFileContentType(kind)); err != nil {
			return nil, err
		}
	}
	return m, nil
}
