package identity

import (
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// join makes dir that of node: key, certificate and CA.
func join(t testing.TB, ca *CA, dir, node, role string) *Identity {
	t.Helper()
	key, err := OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ca.Sign(Subject{node, role, key.Public().(ed25519.PublicKey)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := Keep(dir, der, ca.Certificate()); err != nil {
		t.Fatal(err)
	}
	id, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOpen(t *testing.T) {
	ca, dir := openCA(t), filepath.Join(t.TempDir(), "new", "node")
	if _, err := Open(dir); !errors.Is(err, ErrNotJoined) {
		t.Errorf("of no directory: %v", err)
	}
	keys := make([]ed25519.PrivateKey, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			var err error
			if keys[i], err = OpenKey(dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		if !key.Equal(keys[0]) {
			t.Fatal("a node has two keys")
		}
	}
	if _, err := Open(dir); !errors.Is(err, ErrNotJoined) {
		t.Errorf("of a key alone: %v", err)
	}
	id := join(t, ca, dir, "edge-1", RoleEdge)
	if id.Node != "edge-1" || id.Role != RoleEdge || !id.Key().Equal(keys[0].Public()) || time.Until(id.Expires()) > LeafLife {
		t.Errorf("%+v", id)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("the directory holds %v, %v", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	alpn := []string{"x"}
	if _, _, serverErr, clientErr := handshake(t, issue(t, ca, "origin-1", RoleOrigin).ServerTLS(alpn, RoleEdge), id.ClientTLS(alpn, "", RoleOrigin)); serverErr != nil || clientErr != nil {
		t.Errorf("server says %v, client %v", serverErr, clientErr)
	}
}

// What does not fit is refused with the name of its file, and kept.
func TestOpenRefuses(t *testing.T) {
	ca, foreign := openCA(t), openCA(t)
	other := t.TempDir()
	join(t, foreign, other, "edge-1", RoleEdge)
	read := func(dir, name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, row := range map[string]struct{ file, content, want string }{
		"key of another":         {keyFile, read(other, keyFile), "another key"},
		"certificate of another": {leafFile, read(other, leafFile), "another key"},
		"another CA":             {clusterFile, read(other, clusterFile), "not of this cluster"},
		"no certificate":         {leafFile, "hello", "one block CERTIFICATE"},
		"a key for one":          {leafFile, read(other, keyFile), "one block CERTIFICATE"},
		"two certificates":       {leafFile, read(other, leafFile) + read(other, leafFile), "one block"},
		"a damaged CA":           {clusterFile, string(encodePEM(certificatePEM, []byte("x"))), "the CA"},
		"a damaged key":          {keyFile, string(encodePEM(keyPEM, []byte("x"))), "no Ed25519 key"},
		"a large file":           {keyFile, strings.Repeat("\n", maxFile+1), "larger"},
	} {
		dir := t.TempDir()
		join(t, ca, dir, "edge-1", RoleEdge)
		path := filepath.Join(dir, row.file)
		if err := os.WriteFile(path, []byte(row.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
		if read(dir, row.file) != row.content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	dir := t.TempDir()
	join(t, ca, dir, "edge-1", RoleEdge)
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key that others may read: %v", err)
	}
	der, err := foreign.Sign(Subject{"edge-1", RoleEdge, newKey(t).Public().(ed25519.PublicKey)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := Keep(t.TempDir(), der, foreign.Certificate()); err == nil {
		t.Error("a certificate over another key was kept")
	}
}
