// Package brand is how the pages and mails of an account look: its colour, its logo, its background. An event may have
// its own of each; what it has not is the account's, and what neither has is Freshet's.
package brand

import (
	"context"
	"embed"
	"errors"
	"slices"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/mail"
	"freshet/control/store"
)

//go:embed *.sql
var files embed.FS

var (
	statements = store.Load(files)
	brandByID  = statements.Get("brand_by_id")
	keepBrand  = statements.Get("keep_brand")
	allLooks   = statements.Get("looks")
)

// A Look is what somebody has chosen, of an account or of an event. What is empty was not chosen.
type Look struct {
	Colour     string `json:"colour,omitempty"` // #rrggbb, in lower case
	Logo       *Image `json:"logo,omitempty"`
	Background *Image `json:"background,omitempty"`
}

// Over returns l, and what l has not as under has it.
func (l Look) Over(under Look) Look {
	if l.Colour == "" {
		l.Colour = under.Colour
	}
	if l.Logo == nil {
		l.Logo = under.Logo
	}
	if l.Background == nil {
		l.Background = under.Background
	}
	return l
}

// set has l show i, nil for none, as p.
func (l *Look) set(p Picture, i *Image) {
	if p == Logo {
		l.Logo = i
	} else {
		l.Background = i
	}
}

// Worn is what a row of an event brings of how it looks: statements read look and account_look, of table brand, and
// account_name beside its other columns.
type Worn struct {
	Look        store.JSON[Look] `db:"look"`
	AccountLook store.JSON[Look] `db:"account_look"`
	AccountName string           `db:"account_name"`
}

// Brand is how w's event looks to visitors.
func (w Worn) Brand() Brand { return show(w.Look.V.Over(w.AccountLook.V), w.AccountName) }

// Mail is how mails of w's event look, with pages the base address of the pages.
func (w Worn) Mail(pages string) *mail.Brand {
	b := w.Brand()
	m := &mail.Brand{Name: b.Name}
	if b.Light != nil {
		m.Colour, m.OnColour = b.Light.Colour, b.Light.OnColour
	}
	if b.Logo != nil {
		m.Logo, m.Width, m.Height = pages+b.Logo.URL, b.Logo.Width, b.Logo.Height
	}
	return m
}

// Brand is how pages look, as the API tells it to anybody.
type Brand struct {
	Name       string      `json:"name" doc:"Of the account"`
	Light      *Shades     `json:"light,omitempty" doc:"The colour on light pages; absent: Freshet's own"`
	Dark       *Shades     `json:"dark,omitempty" doc:"The colour on dark pages; absent: Freshet's own"`
	Logo       *BrandImage `json:"logo,omitempty" doc:"Absent: Freshet's own"`
	Background *BrandImage `json:"background,omitempty" doc:"Absent: none"`
}

// BrandImage is an image, as the API shows it.
type BrandImage struct {
	URL    string `json:"url" format:"uri-reference" doc:"On this server; what is there never changes"`
	Width  int    `json:"width" doc:"Pixels"`
	Height int    `json:"height" doc:"Pixels"`
}

func (i *Image) shown() *BrandImage {
	if i == nil {
		return nil
	}
	return &BrandImage{access.Prefix + "/public/images/" + i.Hash, i.Width, i.Height}
}

func show(l Look, name string) Brand {
	b := Brand{Name: name, Logo: l.Logo.shown(), Background: l.Background.shown()}
	if l.Colour != "" {
		light, dark := Light(l.Colour), Dark(l.Colour)
		b.Light, b.Dark = &light, &dark
	}
	return b
}

// A subject is what has a look: an account, or one of its events.
type subject struct {
	account uuid.UUID
	event   *uuid.UUID
}

func (s subject) id() uuid.UUID {
	if s.event != nil {
		return *s.event
	}
	return s.account
}

type kept struct {
	Look    store.JSON[Look] `db:"look"`
	Version int64            `db:"version"`
}

// get returns what was chosen for s; where nothing ever was that is nothing, in version 0.
func get(ctx context.Context, q store.Querier, s subject) (Look, int64, error) {
	k, err := store.One[kept](ctx, q, brandByID, store.Args{"account": s.account, "id": s.id()})
	if errors.Is(err, store.ErrNone) {
		return Look{}, 0, nil
	}
	return k.Look.V, k.Version, err
}

// keep has s look as l says, and forgets the images that this leaves without use.
func keep(ctx context.Context, q store.Querier, s subject, l Look) error {
	_, err := store.Exec(ctx, q, keepBrand, store.Args{
		"id": s.id(), "account": s.account, "event": s.event, "look": store.JSON[Look]{V: l},
	})
	if err != nil {
		return err
	}
	return forgetUnused(ctx, q, s.account)
}

// Copy has the event to look as the event from does, both of account.
func Copy(ctx context.Context, q store.Querier, account, from, to uuid.UUID) error {
	l, version, err := get(ctx, q, subject{account, &from})
	if err != nil || version == 0 {
		return err
	}
	return keep(ctx, q, subject{account, &to}, l)
}

// forgetUnused deletes the images of an account that none of its brands names.
func forgetUnused(ctx context.Context, q store.Querier, account uuid.UUID) error {
	hashes, err := store.All[string](ctx, q, hashesOfAccount, store.Args{"account": account})
	if err != nil || len(hashes) == 0 {
		return err
	}
	looks, err := store.All[store.JSON[Look]](ctx, q, allLooks, store.Args{"account": account})
	if err != nil {
		return err
	}
	var used []string
	for _, l := range looks {
		for _, i := range []*Image{l.V.Logo, l.V.Background} {
			if i != nil {
				used = append(used, i.Hash)
			}
		}
	}
	for _, hash := range hashes {
		if slices.Contains(used, hash) {
			continue
		}
		if _, err := store.Exec(ctx, q, deleteImage, store.Args{"account": account, "hash": hash}); err != nil {
			return err
		}
	}
	return nil
}
