package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"freshet/control/store/storetest"
)

func (b *browser) passkeys() (all []object) {
	b.o.t.Helper()
	if err := json.Unmarshal(b.send("GET", "/me/passkeys", nil).Body.Bytes(), &all); err != nil {
		b.o.t.Fatal(err)
	}
	return all
}

// A passkey logs in without address, password or second step, until it is removed.
func TestPasskey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		owner.secondStep()
		key := owner.passkey(" Phone\u202e ")
		other := owner.passkey("Laptop")
		if all := owner.passkeys(); len(all) != 2 || all[0]["name"] != "Phone" || all[0]["usedAt"] != nil {
			t.Fatalf("%v", all)
		}
		b := o.browser()
		asked := b.does("POST", "/log-in/passkey/challenge", nil)
		if asked["partyId"] != "webcasts.example" {
			t.Errorf("%v", asked)
		}
		o.pass(4 * time.Minute)
		signed := key.sign(asked)
		if me := b.does("POST", "/log-in/passkey", signed); me["name"] != "Ana" {
			t.Errorf("%v", me)
		}
		b.does("GET", "/me", nil)
		if all := owner.passkeys(); all[0]["usedAt"] != o.now().Format(time.RFC3339) || all[1]["usedAt"] != nil {
			t.Errorf("%v", all)
		}
		newest := owner.does("GET", "/audit", nil)["entries"].([]any)
		for i, want := range []string{"log-in-passkey", "add-passkey", "add-passkey", "confirm-second-step"} {
			if got := newest[i].(object)["action"]; got != want {
				t.Errorf("entry %d: %v, want %s", i, got, want)
			}
		}

		b = o.browser()
		b.does("POST", "/log-in/passkey/challenge", nil)
		b.fails(401, "passkey", "POST", "/log-in/passkey", signed) // of another challenge
		owner.does("DELETE", "/me/passkeys/"+owner.passkeys()[0]["id"].(string), nil)
		gone := key.sign(b.does("POST", "/log-in/passkey/challenge", nil))
		b.fails(401, "passkey", "POST", "/log-in/passkey", gone)
		b.does("POST", "/log-in/passkey", other.sign(b.does("POST", "/log-in/passkey/challenge", nil)))
	})
}

// Whatever is wrong with what was signed gets the same answer, and a challenge is over with the first.
func TestPasskeyRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		key := owner.passkey("Phone")
		owner.does("POST", "/members", object{"email": bob, "role": "organizer"})
		bobs := o.browser()
		bobs.does("POST", "/invitations/use", object{"token": token(o.link(bob, 1)), "password": password, "name": "Bob"})
		second := bobs.passkey("Bob's")
		var first string
		for name, wrong := range map[string]func(b *browser) object{
			"nothing asked": func(b *browser) object {
				return key.sign(object{"challenge": in64(make([]byte, 32)), "partyId": "webcasts.example"})
			},
			"too late": func(b *browser) object {
				asked := b.does("POST", "/log-in/passkey/challenge", nil)
				o.pass(5 * time.Minute)
				return key.sign(asked)
			},
			"in another browser": func(*browser) object {
				return key.sign(o.browser().does("POST", "/log-in/passkey/challenge", nil))
			},
			"on another site": func(b *browser) object {
				evil := *key
				evil.origin = "https://webcasts.example.evil.example"
				return evil.sign(b.does("POST", "/log-in/passkey/challenge", nil))
			},
			"for another party": func(b *browser) object {
				asked := b.does("POST", "/log-in/passkey/challenge", nil)
				asked["partyId"] = "evil.example"
				return key.sign(asked)
			},
			"without asking the person": func(b *browser) object {
				asleep := *key
				asleep.flags = 1
				return asleep.sign(b.does("POST", "/log-in/passkey/challenge", nil))
			},
			"by a copy": func(b *browser) object {
				copied := *key
				copied.count = 0
				return copied.sign(b.does("POST", "/log-in/passkey/challenge", nil))
			},
			"by a stranger": func(b *browser) object {
				stranger := newAuthenticator(t)
				stranger.user = key.user
				return stranger.sign(b.does("POST", "/log-in/passkey/challenge", nil))
			},
			"by another person's": func(b *browser) object {
				asked := second.sign(b.does("POST", "/log-in/passkey/challenge", nil))
				asked["userId"] = key.user
				return asked
			},
			"no signature": func(b *browser) object {
				signed := key.sign(b.does("POST", "/log-in/passkey/challenge", nil))
				signed["signature"] = in64([]byte("hunter2"))
				return signed
			},
			"no base64": func(b *browser) object {
				signed := key.sign(b.does("POST", "/log-in/passkey/challenge", nil))
				signed["authenticator"] = "hunter2 ="
				return signed
			},
			"nobody": func(b *browser) object {
				signed := key.sign(b.does("POST", "/log-in/passkey/challenge", nil))
				signed["userId"] = in64([]byte("0123456789abcdef"))
				return signed
			},
		} {
			b := o.browser()
			w := b.send("POST", "/log-in/passkey", wrong(b))
			if first == "" {
				first = w.Body.String()
			}
			if w.Code != 401 || w.Body.String() != first || !strings.Contains(first, "/problems/passkey") {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			b.fails(401, "unauthorized", "GET", "/me", nil)
		}
		b := o.browser()
		asked := b.does("POST", "/log-in/passkey/challenge", nil)
		bad := key.sign(asked)
		bad["signature"] = "AA"
		b.fails(401, "passkey", "POST", "/log-in/passkey", bad)
		b.fails(401, "passkey", "POST", "/log-in/passkey", key.sign(asked))
		b.does("POST", "/log-in/passkey", key.sign(b.does("POST", "/log-in/passkey/challenge", nil)))
	})
}

// Only its person adds a passkey: by the password, in the browser that was given the challenge, once.
func TestAddPasskey(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	p := owner.fails(422, "invalid", "POST", "/me/passkeys/challenge", object{})
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/password" {
		t.Errorf("%+v", p)
	}
	owner.fails(403, "password", "POST", "/me/passkeys/challenge", object{"password": "wrong"})
	a := newAuthenticator(t)
	begin := func() object { return owner.does("POST", "/me/passkeys/challenge", object{"password": password}) }
	made := a.create("Phone", begin())
	owner.does("POST", "/me/passkeys", made)
	owner.fails(422, "passkey", "POST", "/me/passkeys", made) // once
	wanted := begin()
	if exclude := wanted["exclude"].([]any); len(exclude) != 1 || exclude[0] != in64(a.id) {
		t.Errorf("%v", wanted)
	}
	owner.fails(422, "passkey", "POST", "/me/passkeys", a.create("Again", wanted)) // the same credential

	late := newAuthenticator(t).create("Late", begin())
	o.pass(5 * time.Minute)
	owner.fails(422, "passkey", "POST", "/me/passkeys", late)
	asleep := newAuthenticator(t)
	asleep.flags = 1
	owner.fails(422, "passkey", "POST", "/me/passkeys", asleep.create("Asleep", begin()))
	evil := newAuthenticator(t)
	evil.origin = "https://evil.example"
	owner.fails(422, "passkey", "POST", "/me/passkeys", evil.create("Evil", begin()))
	if p := owner.fails(422, "invalid", "POST", "/me/passkeys", newAuthenticator(t).create("\u202e", begin())); p.Errors[0].Pointer != "/name" {
		t.Errorf("%+v", p)
	}

	// What was asked for to log in is not what a passkey is made of, nor another person's.
	asked := owner.does("POST", "/log-in/passkey/challenge", nil)
	asked["userId"] = wanted["userId"]
	owner.fails(422, "passkey", "POST", "/me/passkeys", newAuthenticator(t).create("Asked", asked))
	owner.does("POST", "/members", object{"email": bob, "role": "organizer"})
	bobs := o.browser()
	bobs.does("POST", "/invitations/use", object{"token": token(o.link(bob, 1)), "password": password, "name": "Bob"})
	wanted = begin()
	bobs.jar["__Host-freshet-challenge"] = owner.jar["__Host-freshet-challenge"]
	bobs.fails(422, "passkey", "POST", "/me/passkeys", newAuthenticator(t).create("Bob's", wanted))

	for len(owner.passkeys()) < 20 {
		o.pass(time.Minute) // passwords are not tried too often
		owner.passkey("More")
	}
	o.pass(time.Minute)
	owner.fails(409, "full-passkeys", "POST", "/me/passkeys/challenge", object{"password": password})
}

// Browsers have passkeys for names under TLS, and for this machine.
func TestPasskeyAddress(t *testing.T) {
	o, _ := founded(t, storetest.New(t))
	for pages, want := range map[string]string{
		"https://webcasts.example:8443": "webcasts.example", "http://127.0.0.1:8080": "localhost", "http://[::1]:80": "localhost", "http://localhost:8080": "localhost",
		"http://webcasts.example": "", "https://192.0.2.1": "", "http://10.0.0.5:8080": "",
	} {
		o.api = New(Config{Version: "1", Pages: pages}, o.deps())
		b := o.browser()
		if want == "" {
			b.fails(409, "passkeys-off", "POST", "/log-in/passkey/challenge", nil)
			b.fails(409, "passkeys-off", "POST", "/log-in/passkey", newAuthenticator(t).sign(object{"challenge": "AA", "partyId": ""}))
		} else if got := b.does("POST", "/log-in/passkey/challenge", nil); got["partyId"] != want {
			t.Errorf("%s: %v, want %s", pages, got, want)
		}
	}
}
