package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"freshet/control/access"
	"freshet/control/audit"
	"freshet/control/permit"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// program returns what acts by a new key of owner's account.
func (o *office) program(owner *browser, scopes ...permit.Scope) *browser {
	o.t.Helper()
	b := o.browser()
	b.key = owner.does("POST", "/keys", object{"name": "Program", "scopes": scopes})["key"].(string)
	return b
}

func (b *browser) keys() (all []object) {
	b.o.t.Helper()
	w := b.send("GET", "/keys", nil)
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		b.o.t.Fatalf("%v: %s", err, w.Body)
	}
	return all
}

// A key is shown once, acts for its account until it is revoked or its time is over, and its use is noted each minute.
func TestKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		made := owner.does("POST", "/keys", object{"name": " Im\x00port ", "scopes": []string{"read", "write"}})
		secret := made["key"].(string)
		if !regexp.MustCompile(`^fsk_[A-Za-z0-9_-]{43}$`).MatchString(secret) || made["name"] != "Import" || made["start"] != secret[:8] {
			t.Errorf("%v", made)
		}
		list := owner.send("GET", "/keys", nil).Body.String()
		if strings.Contains(list, secret[8:]) || !strings.Contains(list, `"usedAt":null`) || !strings.Contains(list, `"name":"Ana"`) {
			t.Errorf("%s", list)
		}
		kept, err := store.All[[]byte](t.Context(), db, store.Load(testdata).Get("key_hashes"), nil)
		if sum := sha256.Sum256([]byte(secret)); err != nil || len(kept) != 1 || !bytes.Equal(kept[0], sum[:]) {
			t.Errorf("kept: %x, %v", kept, err)
		}
		b := o.browser()
		b.key = secret
		if got := b.does("GET", "/account", nil); got["name"] != "Nordlicht" {
			t.Errorf("%v", got)
		}
		first := o.now()
		for _, row := range []struct{ pass, noted time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
			o.pass(row.pass)
			b.does("GET", "/account", nil)
			if got, want := owner.keys()[0]["usedAt"], first.Add(row.noted).Format(time.RFC3339); got != want {
				t.Errorf("%v later: used at %v, want %s", o.now().Sub(first), got, want)
			}
		}

		// The key counts, not the cookie beside it; for what asks for a person it is not enough.
		owner.fails(403, "forbidden", "PATCH", "/account", object{"name": "X"}, "Authorization", "Bearer "+secret)
		owner.fails(403, "forbidden", "GET", "/me", nil, "Authorization", "bearer  "+secret)
		owner.does("GET", "/me", nil, "Authorization", "Bearer something-else")

		owner.does("DELETE", "/keys/"+made["id"].(string), nil)
		b.fails(401, "unauthorized", "GET", "/account", nil)
		b.fails(401, "unauthorized", "GET", "/streams", nil)
		owner.fails(401, "unauthorized", "GET", "/me", nil, "Authorization", "Bearer "+secret)
		owner.fails(404, "not-found", "DELETE", "/keys/"+made["id"].(string), nil)
		if all := owner.keys(); len(all) != 0 {
			t.Errorf("%v", all)
		}

		b.key = owner.does("POST", "/keys", object{"name": "Day", "scopes": []string{"read"}, "expiresAt": o.now().Add(time.Hour)})["key"].(string)
		b.does("GET", "/account", nil)
		o.pass(time.Hour)
		b.fails(401, "unauthorized", "GET", "/account", nil)
		if all := owner.keys(); len(all) != 1 { // shown until somebody takes it away
			t.Errorf("%v", all)
		}
	})
}

// The log names the key, also after it was revoked.
func TestKeyInAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		id := owner.does("POST", "/keys", object{"name": "Import", "scopes": []string{"write"}})["id"].(string)
		account := owner.does("GET", "/account", nil)["id"].(string)
		a := access.Actor{Kind: audit.Key, ID: uuid.MustParse(id), From: netip.MustParseAddr("203.0.113.7")}
		err := db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
			return audit.Add(ctx, q, uuid.MustParse(account), o.now(), a.Act("create-event", "event/1", ""))
		})
		if err != nil {
			t.Fatal(err)
		}
		owner.does("DELETE", "/keys/"+id, nil)
		entries := owner.does("GET", "/audit", nil)["entries"].([]any)
		for i, want := range []object{
			{"actor": "person", "action": "revoke-key", "subject": "key/" + id, "name": "Ana", "detail": ""},
			{"actor": "key", "action": "create-event", "actorId": id, "name": "Import"},
			{"actor": "person", "action": "make-key", "subject": "key/" + id, "detail": "write"},
		} {
			got := entries[i].(object)
			for field, value := range want {
				if got[field] != value {
					t.Errorf("entry %d: %s is %v, want %v", i, field, got[field], value)
				}
			}
		}
		if n, err := audit.Verify(t.Context(), db, uuid.MustParse(account)); n != 4 || err != nil {
			t.Errorf("%d entries, %v", n, err)
		}
	})
}

func TestBadKeys(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	for _, row := range []struct {
		name    string
		body    object
		status  int
		kind    string
		pointer string
	}{
		{"nothing", object{}, 422, "invalid", ""},
		{"no name", object{"name": "", "scopes": []string{"read"}}, 422, "invalid", "/name"},
		{"a name that is not seen", object{"name": " \u202e\n", "scopes": []string{"read"}}, 422, "invalid", "/name"},
		{"a long name", object{"name": strings.Repeat("a", 81), "scopes": []string{"read"}}, 422, "invalid", "/name"},
		{"no scope", object{"name": "A", "scopes": []string{}}, 422, "invalid", "/scopes"},
		{"null for scopes", object{"name": "A", "scopes": nil}, 422, "invalid", "/scopes"},
		{"another scope", object{"name": "A", "scopes": []string{"all"}}, 422, "invalid", "/scopes/0"},
		{"a scope twice", object{"name": "A", "scopes": []string{"read", "read"}}, 422, "invalid", "/scopes"},
		{"over already", object{"name": "A", "scopes": []string{"read"}, "expiresAt": o.now()}, 422, "invalid", "/expiresAt"},
		{"no time", object{"name": "A", "scopes": []string{"read"}, "expiresAt": "tomorrow"}, 422, "invalid", "/expiresAt"},
		{"another field", object{"name": "A", "scopes": []string{"read"}, "account": uuid.NewString()}, 400, "bad-request", "/account"},
	} {
		p := owner.fails(row.status, row.kind, "POST", "/keys", row.body)
		if row.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != row.pointer) {
			t.Errorf("%s: %+v, want one at %s", row.name, p.Errors, row.pointer)
		}
	}
	owner.fails(422, "invalid", "DELETE", "/keys/x", nil)
	owner.fails(404, "not-found", "DELETE", "/keys/"+uuid.NewString(), nil)
	for _, bad := range []string{"fsk_", "fsk_x", "fsk_" + strings.Repeat("A", 43), "fsk_" + strings.Repeat("A", 8<<10), "fsk_\x00", "fsk_é"} {
		b := o.browser()
		b.key = bad
		b.fails(401, "unauthorized", "GET", "/account", nil)
	}
	for range 100 {
		owner.does("POST", "/keys", object{"name": "A", "scopes": []string{"read"}})
	}
	owner.fails(409, "full", "POST", "/keys", object{"name": "A", "scopes": []string{"read"}})
}
