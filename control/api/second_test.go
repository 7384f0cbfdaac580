package api

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"freshet/control/audit"
	"freshet/control/login"
	"freshet/control/store"
	"freshet/control/store/storetest"
)

// An app has the secret of a second step.
type app struct {
	o      *office
	secret string
}

// code is what the app shows, some time from now.
func (a app) code(later time.Duration) string {
	a.o.t.Helper()
	c, err := totp.GenerateCode(a.secret, a.o.now().Add(later))
	if err != nil {
		a.o.t.Fatal(err)
	}
	return c
}

// secondStep sets one up for b's person, and passes the time of the code that confirmed it.
func (b *browser) secondStep() (a app, recovery []string) {
	b.o.t.Helper()
	a = app{b.o, b.does("POST", "/me/second-step", object{"password": password})["secret"].(string)}
	for _, code := range b.does("POST", "/me/second-step/confirm", object{"code": a.code(0)})["codes"].([]any) {
		recovery = append(recovery, code.(string))
	}
	b.o.pass(time.Minute)
	return a, recovery
}

// half logs b in by the password as far as to the second step.
func (b *browser) half() {
	b.o.t.Helper()
	b.fails(401, "second-step", "POST", "/log-in", object{"email": ana, "password": password})
}

func TestSecondStep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		owner.fails(422, "invalid", "POST", "/me/second-step", object{})
		owner.fails(403, "password", "POST", "/me/second-step", object{"password": "wrong"})
		owner.fails(409, "second-step-off", "POST", "/me/second-step/confirm", object{"code": "000000"})
		begun := owner.does("POST", "/me/second-step", object{"password": password})
		u, err := url.Parse(begun["uri"].(string))
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Freshet:"+ana || u.Query().Get("secret") != begun["secret"] || u.Query().Get("issuer") != "Freshet" {
			t.Errorf("%v, %v", u, err)
		}
		o.browser().does("POST", "/log-in", object{"email": ana, "password": password}) // nothing is confirmed yet
		a := app{o, begun["secret"].(string)}
		if p := owner.fails(403, "second-step-code", "POST", "/me/second-step/confirm", object{"code": "12345"}); p.Errors[0].Pointer != "/code" {
			t.Errorf("%+v", p)
		}
		owner.fails(403, "second-step-code", "POST", "/me/second-step/confirm", object{"code": app{o, "AAAA"}.code(0)})
		codes := owner.does("POST", "/me/second-step/confirm", object{"code": a.code(0)})["codes"].([]any)
		if len(codes) != 10 || !regexp.MustCompile(`^([a-z2-7]{4}-){3}[a-z2-7]{4}$`).MatchString(codes[0].(string)) || codes[0] == codes[1] {
			t.Errorf("%v", codes)
		}
		if got := owner.does("GET", "/me/second-step", nil); got["on"] != true || got["codes"] != 10.0 || got["since"] != o.now().Format(time.RFC3339) {
			t.Errorf("%v", got)
		}
		owner.fails(409, "second-step-on", "POST", "/me/second-step", object{"password": password})

		// The code that has confirmed it is used; one of the next period is taken, and then that is, too.
		b := o.browser()
		b.half()
		b.fails(401, "unauthorized", "GET", "/me", nil)
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": a.code(0)})
		next := a.code(30 * time.Second)
		b.does("POST", "/log-in/second-step", object{"code": " " + next[:3] + " " + next[3:]})
		if me := b.does("GET", "/me", nil); me["name"] != "Ana" || me["account"] == nil {
			t.Errorf("%v", me)
		}
		b.fails(410, "log-in-over", "POST", "/log-in/second-step", object{"code": a.code(0)})
		b.half()
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": next})
		o.pass(90 * time.Second) // an app that is 30 s slow, and no more
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": a.code(-time.Minute)})
		b.does("POST", "/log-in/second-step", object{"code": a.code(-30 * time.Second)})

		// A recovery code works once, however it is typed.
		first := strings.ToUpper(strings.ReplaceAll(codes[0].(string), "-", " "))
		for _, code := range []string{first, codes[1].(string)} {
			b = o.browser()
			b.half()
			b.does("POST", "/log-in/second-step", object{"code": code})
			b.half()
			b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": code})
		}
		entries := owner.does("GET", "/audit", nil)["entries"].([]any)
		for i, want := range []string{"log-in", "use-recovery-code", "log-in", "use-recovery-code", "log-in", "log-in", "confirm-second-step", "log-in", "begin-second-step"} {
			if got := entries[i].(object)["action"]; got != want {
				t.Errorf("entry %d: %v, want %s", i, got, want)
			}
		}
		if got := owner.does("GET", "/me/second-step", nil); got["codes"] != 8.0 {
			t.Errorf("%v", got)
		}

		// New codes end the old; without a second step nothing more is asked.
		o.pass(time.Hour)
		fresh := owner.does("POST", "/me/second-step/codes", object{"code": a.code(0)})["codes"].([]any)
		b = o.browser()
		b.half()
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": codes[2]})
		owner.fails(403, "second-step-code", "DELETE", "/me/second-step", object{"code": "000000"})
		owner.fails(403, "second-step-code", "DELETE", "/me/second-step", object{"code": codes[3]})
		owner.fails(422, "invalid", "DELETE", "/me/second-step", object{})
		owner.does("DELETE", "/me/second-step", object{"code": fresh[0]})
		if got := owner.does("GET", "/audit", nil)["entries"].([]any)[1].(object)["action"]; got != "use-recovery-code" {
			t.Errorf("a code that proves who asks is noted as %v", got)
		}
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": fresh[1]})
		b.does("POST", "/log-in", object{"email": ana, "password": password})
		owner.fails(409, "second-step-off", "DELETE", "/me/second-step", object{"password": password})
		owner.fails(409, "second-step-off", "POST", "/me/second-step/codes", object{"password": password})
		if got := owner.does("GET", "/me/second-step", nil); got["on"] != false || got["since"] != nil {
			t.Errorf("%v", got)
		}
	})
}

// However one gets in, the second step is asked for; not of who is in already.
func TestSecondStepEverywhere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		a, _ := owner.secondStep()
		in := func(b *browser) {
			t.Helper()
			b.fails(401, "unauthorized", "GET", "/me", nil)
			o.pass(time.Minute)
			b.does("POST", "/log-in/second-step", object{"code": a.code(0)})
			b.does("GET", "/me", nil)
		}
		b := o.browser()
		b.does("POST", "/log-in-links", object{"email": ana})
		link := object{"token": token(o.link(ana, 1))}
		code := o.browser().does("POST", "/log-in-links/open", link)["code"]
		b.fails(401, "second-step", "POST", "/log-in-links/use", link)
		b.fails(410, "link-dead", "POST", "/log-in-links/use", link)
		b.fails(410, "link-dead", "POST", "/log-in-links/code", object{"code": code})
		in(b)

		b = o.browser()
		b.does("POST", "/log-in-links", object{"email": ana})
		code = o.browser().does("POST", "/log-in-links/open", object{"token": token(o.link(ana, 2))})["code"]
		b.fails(401, "second-step", "POST", "/log-in-links/code", object{"code": code})
		in(b)

		b.half()
		o.browser().does("POST", "/resets", object{"email": ana})
		b2 := o.browser()
		b2.fails(401, "second-step", "POST", "/resets/use", object{"token": token(o.link(ana, 3)), "password": password})
		b.fails(410, "log-in-over", "POST", "/log-in/second-step", object{"code": a.code(0)}) // by the old password
		in(b2)

		eve := o.browser()
		eve.does("POST", "/sign-ups", object{"account": "Eve", "name": "Eve", "email": "eve@example.org"})
		eve.does("POST", "/sign-ups/use", object{"token": token(o.link("eve@example.org", 1)), "password": password})
		member := eve.does("POST", "/members", object{"email": ana, "role": "organizer"})["id"].(string)
		b = o.browser()
		b.fails(401, "second-step", "POST", "/invitations/use", object{"token": token(o.link(ana, 4)), "password": password})
		in(b)
		if me := b.does("GET", "/me", nil); me["account"].(object)["name"] != "Eve" {
			t.Errorf("%v", me)
		}
		eve.does("DELETE", "/members/"+member, nil)
		eve.does("POST", "/members", object{"email": ana, "role": "organizer"})
		b2.does("POST", "/invitations/use", object{"token": token(o.link(ana, 5))})
	})
}

// Who lost app and recovery codes gets in again with the help of whoever runs control, and whoever else was in is out.
func TestSecondStepIsLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		owner.secondStep()
		person := uuid.MustParse(owner.does("GET", "/me", nil)["id"].(string))
		end := func() error {
			return db.InTx(t.Context(), func(ctx context.Context, q store.Querier) error {
				return login.EndSecondStep(ctx, q, person, audit.Act{Actor: audit.System, Action: "end-second-step"}, o.now())
			})
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		owner.fails(401, "unauthorized", "GET", "/me", nil)
		b := o.browser()
		b.does("POST", "/log-in", object{"email": ana, "password": password})
		if got := b.does("GET", "/audit", nil)["entries"].([]any)[1].(object); got["action"] != "end-second-step" || got["actor"] != "system" {
			t.Errorf("noted as %v", got)
		}
		if err := end(); err == nil {
			t.Error("a second step that is off ends again")
		}
	})
}

// Five codes a log-in, ten minutes, in the browser that gave the password, and ten codes an hour in all.
func TestSecondStepIsGuessed(t *testing.T) {
	o, owner := founded(t, storetest.New(t))
	a, recovery := owner.secondStep()
	o.pass(time.Hour)
	b, other := o.browser(), o.browser()
	b.half()
	other.fails(410, "log-in-over", "POST", "/log-in/second-step", object{"code": a.code(0)})
	for range 5 {
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": "000000"})
	}
	b.fails(410, "log-in-over", "POST", "/log-in/second-step", object{"code": a.code(0)})
	b.half()
	for range 4 {
		b.fails(401, "second-step-code", "POST", "/log-in/second-step", object{"code": "000000"})
	}
	b.fails(429, "too-many", "POST", "/log-in/second-step", object{"code": a.code(0)})
	owner.fails(429, "too-many", "DELETE", "/me/second-step", object{"code": a.code(0)})
	b.does("POST", "/log-in/second-step", object{"code": recovery[0]}) // the person is not locked out

	b.half()
	o.pass(10 * time.Minute)
	b.fails(410, "log-in-over", "POST", "/log-in/second-step", object{"code": a.code(0)})
	b.half()
	b.does("POST", "/log-in/second-step", object{"code": a.code(0)})
}

// The secret is kept sealed, recovery codes as hashes; a set-up that nobody confirms is over in an hour.
func TestSecondStepIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		first := app{o, owner.does("POST", "/me/second-step", object{"password": password})["secret"].(string)}
		second := app{o, owner.does("POST", "/me/second-step", object{"password": password})["secret"].(string)}
		owner.fails(403, "second-step-code", "POST", "/me/second-step/confirm", object{"code": first.code(0)})
		o.pass(time.Hour)
		owner.fails(409, "second-step-off", "POST", "/me/second-step/confirm", object{"code": second.code(0)})
		_, recovery := owner.secondStep()
		kept, err := store.All[[]byte](t.Context(), db, store.Load(testdata).Get("step_secrets"), nil)
		if err != nil || len(kept) != 11 {
			t.Fatalf("%d, %v", len(kept), err)
		}
		for _, k := range kept {
			if len(k) != 12+20+16 && len(k) != 32 { // nonce, secret and tag of AES-GCM; SHA-256
				t.Errorf("%x", k)
			}
			for _, code := range recovery {
				if strings.Contains(string(k), strings.ReplaceAll(code, "-", "")) {
					t.Errorf("%x is kept as it is", k)
				}
			}
		}
	})
}
