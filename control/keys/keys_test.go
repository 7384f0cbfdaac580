package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	pb "freshet/proto"
	"freshet/proto/token"
)

func opened(t *testing.T, dir, passphrase string) *Keys {
	t.Helper()
	k, err := Open(dir, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func same(a, b *Keys) bool { return a.First().ID == b.First().ID && a.same(b) }

// files returns what dir has, and fails where anybody else may read it.
func files(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		i, err := f.Info()
		if err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want 0600", f.Name(), i.Mode(), err)
		}
		names = append(names, f.Name())
	}
	return strings.Join(names, " ")
}

// Keys are made once, and are the same ever after, with a passphrase and without.
func TestOpen(t *testing.T) {
	for passphrase, want := range map[string]string{"": "freshet.key freshet.keys", "correct horse": "freshet.keys"} {
		dir := t.TempDir()
		k := opened(t, dir, passphrase)
		if got := files(t, dir); got != want {
			t.Errorf("files %s, want %s", got, want)
		}
		if !same(k, opened(t, dir, passphrase)) {
			t.Error("other keys at the second start")
		}
		if same(k, opened(t, t.TempDir(), passphrase)) {
			t.Error("two clusters have one key")
		}
		text, _, err := k.Minter().Mint(token.Claims{Session: "s", Event: "e"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		told := k.Public()[0]
		for _, with := range []token.Keys{k.Tokens(), {told.Id: ed25519.PublicKey(told.Ed25519)}} {
			if _, err := token.Check(with, text, time.Now()); err != nil {
				t.Error(err)
			}
		}
	}
}

// Nodes that start together have one key.
func TestOpenTogether(t *testing.T) {
	dir := t.TempDir()
	all := make([]*Keys, 4)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() {
			var err error
			if all[i], err = Open(dir, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range all {
		if k == nil || !same(k, all[0]) {
			t.Fatal("each has its own")
		}
	}
	if got := files(t, dir); got != "freshet.key freshet.keys" {
		t.Errorf("files %s", got)
	}
}

func TestPassphrase(t *testing.T) {
	dir := t.TempDir()
	k := opened(t, dir, "")
	if !same(k, opened(t, dir, "correct horse")) { // from now on
		t.Error("other keys")
	}
	if got := files(t, dir); got != "freshet.keys" {
		t.Errorf("files %s", got)
	}
	if !same(k, opened(t, dir, "correct horse")) {
		t.Error("other keys")
	}
	for passphrase, want := range map[string]string{"": "sealed with a passphrase: give that", "wrong": "does not open"} {
		got, err := Open(dir, passphrase)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "freshet.keys") || got != nil {
			t.Errorf("%q: %v, want %q", passphrase, err, want)
		}
	}
}

// A file that was changed anywhere opens nothing, and is not replaced by new keys.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	opened(t, dir, "")
	file := filepath.Join(dir, sealedFile)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":       {},
		"half":        good[:len(good)/2],
		"a bit":       bytes.Replace(good, []byte(`"box":"`), []byte(`"box":"AAAA`), 1),
		"nonce":       bytes.Replace(good, []byte(`"nonce":"`), []byte(`"nonce":"AAAA`), 1),
		"another way": bytes.Replace(good, []byte("keys 1"), []byte("keys 2"), 1),
		"passphrase":  bytes.Replace(good, []byte(fileWay), []byte(passphraseWay), 1),
	} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, passphrase := range []string{"", "a passphrase"} {
			k, err := Open(dir, passphrase)
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: %v, %v", name, k, err)
			}
		}
		if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, b) {
			t.Errorf("%s: the file was changed: %v", name, err)
		}
	}
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, openerFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, ""); err == nil || !strings.Contains(err.Error(), openerFile) {
		t.Errorf("without the key beside it: %v", err)
	}
}

func TestDerived(t *testing.T) {
	k := Make()
	pass := k.Derived("pass")
	if len(pass) != 32 || !bytes.Equal(pass, k.Derived("pass")) || bytes.Equal(pass, k.Derived("other")) ||
		bytes.Equal(pass, k.root) || bytes.Equal(pass, Make().Derived("pass")) {
		t.Errorf("%x", pass)
	}
}

// A copy restored elsewhere is the same keys, and what was there is not lost.
func TestCopy(t *testing.T) {
	for _, passphrase := range []string{"", "correct horse"} {
		from, to, at := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "copy.db")
		if names, err := Copy(from, at); err != nil || len(names) != 0 {
			t.Errorf("of nothing: %v %v", names, err)
		}
		if any, err := Restore(at, to, time.Now()); err != nil || any {
			t.Errorf("of nothing: %v %v", any, err)
		}
		k, other := opened(t, from, passphrase), opened(t, to, "")
		names, err := Copy(from, at)
		if want := 2 - min(1, len(passphrase)); err != nil || len(names) != want {
			t.Fatalf("%v %v, want %d files", names, err, want)
		}
		if _, err := Copy(from, at); err == nil {
			t.Error("over another copy")
		}
		if any, err := Restore(at, to, time.Unix(1000, 0)); err != nil || !any {
			t.Fatalf("%v %v", any, err)
		}
		if !same(k, opened(t, to, passphrase)) {
			t.Error("other keys")
		}
		const ago = ".19700101T001640.000Z"
		for _, name := range []string{sealedFile, openerFile} {
			if err := os.Rename(filepath.Join(to, name+ago), filepath.Join(to, name)); err != nil {
				t.Fatal(err)
			}
		}
		if !same(other, opened(t, to, "")) {
			t.Error("what was there is lost")
		}
		if err := os.WriteFile(at+".keys", []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(at, to, time.Now()); err == nil || !same(other, opened(t, to, "")) {
			t.Errorf("restored a text: %v", err)
		}
	}
}

// What was sealed before there were CAs opens, gets one, and keeps it; copies of it elsewhere get the same.
func TestOlderFile(t *testing.T) {
	for _, row := range []struct{ sealed, opened, want string }{
		{"", "", "freshet.key freshet.keys"},
		{"", "correct horse", "freshet.keys"},
		{"correct horse", "correct horse", "freshet.keys"},
	} {
		here, copied := t.TempDir(), t.TempDir()
		was := opened(t, here, row.sealed)
		secret := row.sealed
		if secret == "" {
			own, err := os.ReadFile(filepath.Join(here, openerFile))
			if err != nil {
				t.Fatal(err)
			}
			secret = string(own)
		}
		plain, err := json.Marshal(map[string][]byte{"seed": was.sign.Seed(), "root": was.root})
		if err != nil {
			t.Fatal(err)
		}
		older, err := seal(plain, secret, row.sealed != "")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(here, sealedFile)
		if err := os.WriteFile(file, older, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(copied, os.DirFS(here)); err != nil {
			t.Fatal(err)
		}
		k := opened(t, here, row.opened)
		if !same(k, was) || !same(k, opened(t, copied, row.opened)) {
			t.Errorf("%+v: two copies of a file came to other keys", row)
		}
		if got := files(t, here); got != row.want {
			t.Errorf("%+v: files %s", row, got)
		}
		kept, err := os.ReadFile(file)
		if err != nil || bytes.Equal(kept, older) {
			t.Errorf("%+v: the CA was not kept: %v", row, err)
		}
		if !same(k, opened(t, here, row.opened)) {
			t.Errorf("%+v: other keys at the second start", row)
		}
		if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, kept) {
			t.Errorf("%+v: written again at the second start: %v", row, err)
		}
	}
}

// What one control node shares, another takes, once and again, and never in place of other keys.
func TestTake(t *testing.T) {
	k, dir := Make(), filepath.Join(t.TempDir(), "new")
	shared, err := k.Share()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := Take(dir, "", shared); err != nil || !same(got, k) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if !same(opened(t, dir, ""), k) {
		t.Error("other keys were kept")
	}
	other, err := Make().Share()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(dir, "", other); !errors.Is(err, fs.ErrExist) || !same(opened(t, dir, ""), k) {
		t.Errorf("keys of another cluster: %v", err)
	}
	dir = t.TempDir()
	if _, err := Take(dir, "correct horse", shared); err != nil || files(t, dir) != sealedFile || !same(opened(t, dir, "correct horse"), k) {
		t.Errorf("with a passphrase: %v", err)
	}
	for _, bad := range []*pb.ControlSecrets{nil, {Root: make([]byte, rootSize), SignSeed: make([]byte, 32)}, {Root: []byte{1}, SignSeed: []byte{2}, Ca: []byte("x")}} {
		dir := t.TempDir()
		if _, err := Take(dir, "", bad); err == nil || files(t, dir) != "" {
			t.Errorf("%v was taken: %v", bad, err)
		}
	}
}
