package event

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/account"
	"freshet/control/audit"
	"freshet/control/once"
	"freshet/control/permit"
	"freshet/control/secret"
	"freshet/control/store"
	"freshet/proto/problem"
)

// EventStream is a stream of an event, as its users see it.
type EventStream struct {
	ID        string     `json:"id" doc:"1 to 64 of [a-z0-9-], unique in the cluster: its publisher sends to /whip/ and this"`
	Name      string     `json:"name"`
	Language  string     `json:"language" doc:"BCP 47; empty: not said"`
	KeyedAt   *time.Time `json:"keyedAt" doc:"When its key was made; null: it has none yet, and takes no publisher"`
	CreatedAt time.Time  `json:"createdAt"`
	Key       string     `json:"key,omitempty" doc:"The publisher's secret; shown once, where it was made"`
}

type streamsOut struct {
	Body []EventStream `nullable:"false"`
}

type streamOut struct{ Body EventStream }

type addStreamIn struct {
	ID   uuid.UUID `path:"id" format:"uuid"`
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"80"`
		Language string `json:"language,omitempty" maxLength:"35" doc:"BCP 47"`
	}
}

type streamIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Stream string    `path:"stream" maxLength:"64"`
}

type editStreamIn struct {
	ID     uuid.UUID `path:"id" format:"uuid"`
	Stream string    `path:"stream" maxLength:"64"`
	Body   struct {
		Name     *string `json:"name,omitempty" minLength:"1" maxLength:"80"`
		Language *string `json:"language,omitempty" maxLength:"35" doc:"BCP 47; empty: not said"`
	}
}

func (r *Routes) registerStreams(api huma.API) {
	const all, one = "/events/{id}/streams", "/events/{id}/streams/{stream}"
	huma.Register(api, access.AllowIn(access.Op(http.MethodGet, all, "list-event-streams", "Streams of an event, the oldest first"), permit.SeeEvent), r.streams)
	add := access.AllowIn(access.Op(http.MethodPost, all, "add-stream", "Add a stream to an event; its key is shown once", 409, 422), permit.EditStreams)
	add.DefaultStatus = http.StatusCreated
	huma.Register(api, once.Secret(add), r.addStream)
	huma.Register(api, access.AllowIn(access.Op(http.MethodPatch, one, "edit-stream", "Give a stream another name or language", 422), permit.EditStreams), r.editStream)
	huma.Register(api, access.AllowIn(access.Op(http.MethodDelete, one, "close-stream", "Close a stream for good"), permit.EditStreams), r.closeStream)
	huma.Register(api, once.Secret(access.AllowIn(access.Op(http.MethodPost, one+"/key", "key-stream", "Give a stream a new key, shown once; the old one is refused from then on"), permit.EditStreams)), r.keyStream)
}

func (s Stream) shown(key string) EventStream {
	return EventStream{ID: s.ID, Name: s.Name, Language: s.Language, KeyedAt: s.KeyedAt, CreatedAt: s.CreatedAt, Key: key}
}

func streamNone(err error) error {
	if errors.Is(err, store.ErrNone) {
		return problem.New(http.StatusNotFound, "stream-unknown", "Stream unknown", "The event has no such stream.")
	}
	return err
}

// named puts a name and a language into s, where they are not nil.
func (s *Stream) named(name, tagged *string) error {
	var wrong problem.Faults
	if name != nil {
		if s.Name = account.Text(*name); s.Name == "" {
			wrong.Add("/name", "A stream has a name.")
		}
	}
	if tagged != nil {
		s.Language = ""
		if *tagged != "" {
			t, ok := Tag(*tagged)
			if s.Language = t; !ok {
				wrong.Add("/language", "A language is a tag of BCP 47, such as en or fr-CA.")
			}
		}
	}
	return wrong.Err()
}

func (r *Routes) streams(ctx context.Context, in *eventIn) (*streamsOut, error) {
	all, err := Streams(ctx, r.Store, access.From(ctx).Account, in.ID)
	out := &streamsOut{Body: []EventStream{}}
	for _, s := range all {
		out.Body = append(out.Body, s.shown(""))
	}
	return out, err
}

func (r *Routes) addStream(ctx context.Context, in *addStreamIn) (*streamOut, error) {
	key, hash := secret.New()
	return made(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) (*streamOut, error) {
		if e.State == Archived || e.State == Cancelled {
			return nil, ErrStep
		}
		s := Stream{Account: a.Account, Event: e.ID}
		if err := s.named(&in.Body.Name, &in.Body.Language); err != nil {
			return nil, err
		}
		now := r.Now()
		s, err := AddStream(ctx, q, s, hash, r.Random, now)
		if errors.Is(err, ErrFull) {
			return nil, problem.New(http.StatusConflict, "full", "No more streams", "An event has at most 16 streams, and 256 with those that were closed.")
		}
		if err != nil {
			return nil, err
		}
		return &streamOut{s.shown(key)}, audit.Add(ctx, q, a.Account, now, a.Act("add-stream", "stream/"+s.ID, subject(e)))
	})
}

// changeStream runs do on a stream of an event.
func (r *Routes) changeStream(ctx context.Context, event uuid.UUID, id, action string, do func(ctx context.Context, q store.Querier, s *Stream) error) error {
	return r.change(ctx, event, func(ctx context.Context, q store.Querier, a access.Actor, e Event) error {
		s, err := StreamOf(ctx, q, a.Account, e.ID, id)
		if err == nil {
			err = do(ctx, q, &s)
		}
		if err != nil {
			return streamNone(err)
		}
		return audit.Add(ctx, q, a.Account, r.Now(), a.Act(action, "stream/"+s.ID, subject(e)))
	})
}

func (r *Routes) editStream(ctx context.Context, in *editStreamIn) (out *streamOut, err error) {
	err = r.changeStream(ctx, in.ID, in.Stream, "edit-stream", func(ctx context.Context, q store.Querier, s *Stream) error {
		if err := s.named(in.Body.Name, in.Body.Language); err != nil {
			return err
		}
		out = &streamOut{s.shown("")}
		return UpdateStream(ctx, q, *s)
	})
	return out, err
}

func (r *Routes) closeStream(ctx context.Context, in *streamIn) (*struct{}, error) {
	return nil, r.changeStream(ctx, in.ID, in.Stream, "close-stream", func(ctx context.Context, q store.Querier, s *Stream) error {
		return CloseStream(ctx, q, s.Account, s.Event, s.ID, r.Now())
	})
}

func (r *Routes) keyStream(ctx context.Context, in *streamIn) (*streamOut, error) {
	key, hash := secret.New()
	return made(ctx, r, in.ID, func(ctx context.Context, q store.Querier, a access.Actor, e Event) (*streamOut, error) {
		s, err := StreamOf(ctx, q, a.Account, e.ID, in.Stream)
		if err != nil {
			return nil, streamNone(err)
		}
		at := store.Moment(r.Now())
		s.KeyedAt = &at
		if err := KeyStream(ctx, q, s, hash, at); err != nil {
			return nil, streamNone(err)
		}
		return &streamOut{s.shown(key)}, audit.Add(ctx, q, a.Account, r.Now(), a.Act("key-stream", "stream/"+s.ID, subject(e)))
	})
}
