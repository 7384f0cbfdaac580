package identity

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// openInChild, where set in the environment, makes this test binary open the CA in that folder, print
// its fingerprint and end: a second process for TestOpenCAFromManyProcesses.
const openInChild = "FRESHET_TEST_OPEN_CA"

func TestOpenCAFromManyProcesses(t *testing.T) {
	if dir := os.Getenv(openInChild); dir != "" {
		// Started, and held until its brothers are too.
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		ca, err := OpenCA(dir)
		if err != nil {
			t.Fatal(err)
		}
		os.Stderr.WriteString(ca.Fingerprint() + "\n")
		return
	}
	dir := filepath.Join(t.TempDir(), "new", "ca")
	var children [6]*exec.Cmd
	var prints [len(children)]strings.Builder
	var start [len(children)]io.WriteCloser
	for i := range children {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenCAFromManyProcesses$")
		c.Env = append(os.Environ(), openInChild+"="+dir)
		c.Stderr = &prints[i]
		var err error
		if start[i], err = c.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children[i] = c
	}
	for _, in := range start {
		if _, err := in.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range children {
		if err := c.Wait(); err != nil {
			t.Fatalf("process %d: %v: %s", i, err, prints[i].String())
		}
		if got := prints[i].String(); len(got) != 65 || got != prints[0].String() {
			t.Errorf("process %d opened CA %q, process 0 %q", i, got, prints[0].String())
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v; want the CA alone", files, err)
	}
}

func TestOpenCAFromManyGoroutines(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	var prints [16]string
	for i := range prints {
		wg.Go(func() {
			ca, err := OpenCA(dir)
			if err != nil {
				t.Error(err)
				return
			}
			prints[i] = ca.Fingerprint()
		})
	}
	wg.Wait()
	for i, p := range prints {
		if p == "" || p != prints[0] {
			t.Errorf("open %d: CA %q, open 0: %q", i, p, prints[0])
		}
	}
}

func TestCAFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenCA(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, caFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCA(dir); err == nil || !strings.Contains(err.Error(), "0600") {
		t.Errorf("a key the group may read was taken: %v", err)
	}
}

func TestBrokenCAIsRefusedAndKept(t *testing.T) {
	good := t.TempDir()
	if _, err := OpenCA(good); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(good, caFile))
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if _, err := OpenCA(other); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, caFile))
	if err != nil {
		t.Fatal(err)
	}
	const end = "-----END CERTIFICATE-----\n"
	cert, _, _ := strings.Cut(string(whole), end)
	_, key, _ := strings.Cut(string(foreign), end)
	for name, content := range map[string]string{
		"empty": "", "text": "hello\n", "certificate alone": cert + end, "key of another": cert + end + key,
		"cut": string(whole[:len(whole)-40]), "key alone": key,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, caFile)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenCA(dir); err == nil {
				t.Error("it was taken")
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != content {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
}

func TestIssueRefusesNames(t *testing.T) {
	ca := openCA(t)
	for _, row := range []struct{ node, role string }{
		{"", RoleEdge}, {"Edge", RoleEdge}, {"a/b", RoleEdge}, {"a b", RoleEdge}, {strings.Repeat("a", 65), RoleEdge},
		{"edge-1", ""}, {"edge-1", "viewer"}, {"edge-1", "Edge"},
	} {
		if _, err := ca.Issue(row.node, row.role); err == nil {
			t.Errorf("node %q in role %q was issued", row.node, row.role)
		}
	}
}

func openCA(t testing.TB) *CA {
	t.Helper()
	ca, err := OpenCA(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func FuzzParseCA(f *testing.F) {
	dir := f.TempDir()
	if _, err := OpenCA(dir); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		if ca, err := ParseCA(b); err == nil {
			if _, err := ca.Issue("a", RoleEdge); err != nil {
				t.Errorf("a CA that was taken cannot sign: %v", err)
			}
		}
	})
}
