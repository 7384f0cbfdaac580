package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/control/store"
	"freshet/control/store/storetest"
)

// kindsOf returns the kinds that a hook was told, the oldest first.
func kindsOf(b *browser, hook string) string {
	b.o.t.Helper()
	var all []string
	for _, d := range b.does("GET", "/webhooks/"+hook+"/deliveries", nil)["deliveries"].([]any) {
		all = append([]string{d.(object)["kind"].(string)}, all...)
	}
	return strings.Join(all, " ")
}

// A webhook hears of each change of its account's events that it asked for, once, and of no others.
func TestHooksHear(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		make := func(kinds ...string) string {
			return owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": kinds})["id"].(string)
		}
		all := make("event.created", "event.changed", "event.started", "event.ended", "event.cancelled", "event.deleted")
		some := make("event.started")
		at, _ := o.plan(owner, nil)
		owner.does("PATCH", at, object{"title": "Relaunch"}, "If-Match", "*")
		owner.fails(422, "invalid", "PATCH", at, object{"title": " "}, "If-Match", "*")
		for _, step := range []string{"prepare", "start", "start", "end", "archive"} {
			owner.does("POST", at+"/"+step, nil)
		}
		clone := owner.does("POST", at+"/clone", nil)["id"].(string)
		owner.does("POST", "/events/"+clone+"/cancel", nil)
		owner.does("DELETE", "/events/"+clone, nil)
		want := "event.created event.changed event.changed event.started event.ended event.changed event.created event.cancelled event.deleted"
		if got := kindsOf(owner, all); got != want {
			t.Errorf("%s", got)
		}
		if got := kindsOf(owner, some); got != "event.started" {
			t.Errorf("%s", got)
		}
	})
}

func TestHooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		_, owner := founded(t, db)
		made := owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": []string{"event.started"}})
		at := "/webhooks/" + made["id"].(string)
		secret := made["secret"].(string)
		if !strings.HasPrefix(secret, "whsec_") || made["offAt"] != nil || made["failingSince"] != nil || made["nextAt"] != nil {
			t.Errorf("%v", made)
		}
		w := owner.send("GET", at, nil)
		if strings.Contains(w.Body.String(), "whsec_") || w.Header().Get("ETag") != `"1"` {
			t.Errorf("%s %v", w.Body, w.Header())
		}
		owner.fails(428, "if-match", "PATCH", at, object{"on": false})
		off := owner.does("PATCH", at, object{"on": false, "kinds": []string{"event.ended"}}, "If-Match", `"1"`)
		if off["offAt"] == nil || fmt.Sprint(off["kinds"]) != "[event.ended]" {
			t.Errorf("%v", off)
		}
		owner.fails(412, "changed", "PATCH", at, object{"on": true}, "If-Match", `"1"`)
		owner.fails(409, "off", "POST", at+"/test", nil)
		owner.does("PATCH", at, object{"on": true}, "If-Match", `"2"`)
		renewed := owner.does("POST", at+"/secret", nil)["secret"].(string)
		if renewed == secret || !strings.HasPrefix(renewed, "whsec_") {
			t.Errorf("%s", renewed)
		}
		for range 3 {
			owner.does("POST", at+"/test", nil)
		}
		if got := kindsOf(owner, made["id"].(string)); got != "test test test" {
			t.Errorf("%s", got)
		}
		first := owner.does("GET", at+"/deliveries?limit=2", nil)
		rest := owner.does("GET", at+"/deliveries?limit=2&cursor="+url.QueryEscape(first["next"].(string)), nil)
		if len(first["deliveries"].([]any)) != 2 || len(rest["deliveries"].([]any)) != 1 || rest["next"] != nil {
			t.Errorf("%v %v", first, rest)
		}
		// What waits is given up where it is switched off.
		owner.does("PATCH", at, object{"on": false}, "If-Match", "*")
		if got, _ := json.Marshal(owner.does("GET", at+"/deliveries", nil)); strings.Count(string(got), `"state":"failed"`) != 3 {
			t.Errorf("%s", got)
		}
		owner.does("DELETE", at, nil)
		owner.fails(404, "not-found", "GET", at, nil)
		for range 20 {
			owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": []string{"event.started"}})
		}
		owner.fails(409, "full", "POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": []string{"event.started"}})
	})
}

// A webhook leads nowhere but to the public internet, by HTTPS.
func TestBadHooks(t *testing.T) {
	_, owner := founded(t, storetest.New(t))
	at := "/webhooks/" + owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": []string{"event.started"}})["id"].(string)
	for _, address := range []string{
		"", "hook", "/hook", "https://", "https:///hook", "ftp://1.1.1.1/", "javascript:alert(1)", "http://1.1.1.1/hook", "http://127.0.0.1/",
		"https://user:hunter2@1.1.1.1/", "https://1.1.1.1/#hunter2", "https://localhost/", "https://LOCALHOST./", "https://a.localhost/",
		"https://127.0.0.1/", "https://127.8.8.8:8443/", "https://[::1]/", "https://0.0.0.0/", "https://[::]/",
		"https://10.0.0.1/", "https://172.16.0.1/", "https://192.168.1.1/", "https://[fd00::1]/", "https://[fd00:ec2::254]/",
		"https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/", "https://100.64.0.1/", "https://100.100.100.200/",
		"https://[::ffff:127.0.0.1]/", "https://[::ffff:8.8.8.8]/", "https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
		"https://224.0.0.1/", "https://[ff02::1]/", "https://255.255.255.255/", "https://198.18.0.1/", "https://192.0.2.1/",
		"https://1.1.1.1/" + strings.Repeat("a", 2000),
	} {
		w := owner.send("POST", "/webhooks", object{"url": address, "kinds": []string{"event.started"}})
		if w.Code != 422 || !strings.Contains(w.Body.String(), `"/url"`) || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%.60s: %d %s", address, w.Code, w.Body)
		}
	}
	owner.fails(422, "invalid", "PATCH", at, object{"url": "https://127.0.0.1/"}, "If-Match", "*")
	for _, kinds := range []any{[]string{}, []string{"test"}, []string{"event.nothing"}, []string{"event.started", "event.started"}} {
		owner.fails(422, "invalid", "POST", "/webhooks", object{"url": "https://1.1.1.1/", "kinds": kinds})
	}
	began := time.Now()
	for _, address := range []string{"https://[2606:4700:4700::1111]/hook?x=1", "https://8.8.8.8:8443"} {
		owner.does("POST", "/webhooks", object{"url": address, "kinds": []string{"event.started"}})
	}
	t.Logf("%v", time.Since(began))
}

// A webhook hears of who registers and who comes in, once each, by ids alone.
func TestHooksHearOfPersons(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		o, owner := founded(t, db)
		hook := owner.does("POST", "/webhooks", object{"url": "https://1.1.1.1/hook", "kinds": []string{"guest.registered", "viewer.entered"}})["id"].(string)
		_, e := o.plan(owner, object{"access": "registration"})
		for range 2 { // the same address again is no news
			o.browser().does("POST", "/events/"+e["slug"].(string)+"/register", object{"name": "Zoë", "email": "zoe@example.org"})
		}
		_, e = o.plan(owner, nil)
		o.browser().does("POST", "/events/"+e["slug"].(string)+"/enter", object{"name": "Zoë", "email": "zoe@example.org"})
		if got := kindsOf(owner, hook); got != "guest.registered viewer.entered" {
			t.Errorf("%s", got)
		}
		bodies, err := store.All[string](t.Context(), db, store.Load(testdata).Get("messages"), nil)
		if err != nil || len(bodies) != 2 || !strings.Contains(bodies[0], `"data":{"guest":"`) || !strings.Contains(bodies[1], `"way":"open"`) ||
			strings.Contains(strings.Join(bodies, " "), "zoe") || strings.Contains(strings.Join(bodies, " "), "Zo") {
			t.Errorf("%s %v", bodies, err)
		}
	})
}
