package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	pb "freshet/proto"
)

func TestCache(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "edge-1.state")
	if n, err := load(file); n != nil || err != nil {
		t.Fatalf("without a file: got %v, %v", n, err)
	}
	want := &pb.Snapshot{Version: 7, Streams: []*pb.StreamRecord{Record("a", "key")}, Revoked: []string{"x"}}
	for range 2 { // the second replaces the first
		if err := save(file, want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, protocmp.Transform()); d != "" {
		t.Fatal(d)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", st.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%v, %v: want the file and nothing else", left, err)
	}
}

func TestCacheDamaged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	for name, content := range map[string][]byte{
		"text":      []byte("\xff\xff no snapshot"),
		"empty":     {},
		"too large": make([]byte, MaxDown+1),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := load(file); err == nil {
			t.Errorf("%s: got %v, want an error", name, n)
		}
	}
	if err := save(filepath.Join(file, "no", "directory"), &pb.Snapshot{}); err == nil {
		t.Error("saved below a file")
	}
}
