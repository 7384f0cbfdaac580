package opening

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"
)

// answerWithin bounds each call but the one that waits.
const answerWithin = 20 * time.Second

// maxAnswer bounds what is read of an answer, and of one line of a stream.
const maxAnswer = 1 << 20

// An organizer calls the API as the pages do, of those who are logged in and of those who wait.
type organizer struct {
	api     string
	private *http.Client // with the log-in
	public  *http.Client
}

// An event is one that was planned, with its stream.
type event struct{ path, slug, stream, key, whip string }

// found makes the first account of a mesh.
func found(ctx context.Context, api string) (*organizer, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	o := &organizer{
		api:     api,
		private: &http.Client{Jar: jar, Transport: &http.Transport{}},
		public:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	body := map[string]any{"account": "Bench", "name": "Bench", "email": "bench@example.org", "password": "correct horse battery"}
	return o, o.call(ctx, o.private, http.MethodPost, "/setup", body, nil)
}

func (o *organizer) close() {
	o.private.CloseIdleConnections()
	o.public.CloseIdleConnections()
}

// plan plans an event that anybody may watch, and prepares it.
func (o *organizer) plan(ctx context.Context) (e event, err error) {
	var made struct{ ID, Slug string }
	body := map[string]any{"title": "Start", "startsAt": time.Now().Add(time.Minute)}
	if err := o.call(ctx, o.private, http.MethodPost, "/events", body, &made); err != nil {
		return e, err
	}
	e.path, e.slug = "/events/"+made.ID, made.Slug
	var stream struct{ ID, Key string }
	if err := o.call(ctx, o.private, http.MethodPost, e.path+"/streams", map[string]any{"name": "Floor"}, &stream); err != nil {
		return e, err
	}
	if err := o.call(ctx, o.private, http.MethodPost, e.path+"/prepare", nil, nil); err != nil {
		return e, err
	}
	e.stream, e.key = stream.ID, stream.Key
	e.whip = strings.TrimSuffix(o.api, "/api/v1") + "/whip/" + stream.ID // which leads to the origin
	return e, nil
}

// live says whether media of a stream comes.
func (o *organizer) live(ctx context.Context, stream string) (bool, error) {
	var s struct{ Live bool }
	err := o.call(ctx, o.public, http.MethodGet, "/streams/"+stream, nil, &s)
	return s.Live, err
}

func (o *organizer) start(ctx context.Context, e event) error {
	return o.call(ctx, o.private, http.MethodPost, e.path+"/start", nil, nil)
}

// join returns where to play the event.
func (o *organizer) join(ctx context.Context, slug string) (url, token string, err error) {
	var way struct {
		Token   string
		Streams []struct{ ID string }
		Edges   []struct{ WHEP string }
	}
	if err := o.call(ctx, o.public, http.MethodPost, "/events/"+slug+"/join", nil, &way); err != nil {
		return "", "", err
	}
	if len(way.Streams) == 0 || len(way.Edges) == 0 {
		return "", "", errors.New("join: no stream, or no edge")
	}
	return way.Edges[0].WHEP + "/" + way.Streams[0].ID, way.Token, nil
}

// follow waits until the event is live. It calls waits once it is told that it is not.
func (o *organizer) follow(ctx context.Context, slug string, waits func()) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, o.api+"/events/"+slug+"/live", nil)
	if err != nil {
		return err
	}
	answer, err := o.public.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // left where it is
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, maxAnswer)
	name, first := "", true
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			name = value
		case field == "data" && name == "event":
			var e struct{ State string }
			if err := json.Unmarshal([]byte(value), &e); err != nil {
				return err
			}
			if e.State == "live" {
				return nil
			}
			if first {
				first = false
				waits()
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

func (o *organizer) call(ctx context.Context, by *http.Client, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	q, err := http.NewRequestWithContext(ctx, method, o.api+path, sent)
	if err != nil {
		return err
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	answer, err := by.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %s", method, path, answer.Status, b)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}
