package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	composeCommand = regexp.MustCompile(`(?m)^    command: \[((?:control|origin|edge), .*)\]$`)
	unitCommand    = regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/freshet (.*)$`)
	chartFlag      = regexp.MustCompile(`--([a-z][a-z-]*)=`)
	anyVariable    = regexp.MustCompile(`\bFRESHET_[A-Z_]+\b`)
)

// parser returns the command line, as start makes it.
func parser(t *testing.T) *kong.Kong {
	t.Helper()
	s := &settings{}
	k, err := kong.New(&commands{}, kong.Name("freshet"), kong.PostBuild(nameVariables), kong.Resolvers(s), kong.Bind(s))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestDeployedCommands holds what deploy/ runs to the command line.
func TestDeployedCommands(t *testing.T) {
	for _, args := range slices.Concat(composed(t), units(t)) {
		if _, err := parser(t).Parse(args); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	for file, commands := range map[string][]string{
		"control.yaml": {"control", "cluster init"},
		"media.yaml":   {"origin", "edge"},
		"_helpers.tpl": {"control"},
	} {
		known := map[string]bool{}
		for _, c := range commands {
			n := parser(t).Model.Node
			for name := range strings.FieldsSeq(c) {
				if n = section(n, name); n == nil {
					t.Fatalf("there is no command %s", c)
				}
			}
			for _, f := range n.Flags {
				known[f.Name] = true
			}
		}
		for _, m := range chartFlag.FindAllStringSubmatch(deployed(t, "helm/freshet/templates/"+file), -1) {
			if !known[m[1]] {
				t.Errorf("%s: %v take no --%s", file, commands, m[1])
			}
		}
	}
}

// TestDeployedVariables holds the variables that deploy/ sets to those that are read.
func TestDeployedVariables(t *testing.T) {
	known := map[string]bool{}
	var all func(n *kong.Node)
	all = func(n *kong.Node) {
		for _, f := range n.Flags {
			for _, name := range f.Envs {
				known[name] = true
			}
		}
		for _, below := range n.Children {
			all(below)
		}
	}
	all(parser(t).Model.Node)
	found := anyVariable.FindAllString(deployed(t, "compose/compose.yaml"), -1)
	if len(found) == 0 {
		t.Error("the compose file sets no variable")
	}
	for _, name := range found {
		if !known[name] {
			t.Errorf("no flag is %s; there are %v", name, slices.Sorted(maps.Keys(known)))
		}
	}
}

// composed returns the commands of the compose file's nodes.
func composed(t *testing.T) (all [][]string) {
	for _, m := range composeCommand.FindAllStringSubmatch(deployed(t, "compose/compose.yaml"), -1) {
		var args []string
		for arg := range strings.SplitSeq(m[1], ", ") {
			args = append(args, strings.Trim(arg, `"`))
		}
		all = append(all, args)
	}
	if len(all) != 8 {
		t.Errorf("%d nodes of the compose file are found", len(all))
	}
	return all
}

// units returns the commands of the systemd units, for each role, with the settings that are shipped.
func units(t *testing.T) (all [][]string) {
	files, err := filepath.Glob("deploy/systemd/*.service")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		m := unitCommand.FindStringSubmatch(deployed(t, "systemd/"+filepath.Base(file)))
		if m == nil {
			t.Errorf("%s runs nothing of ours", file)
			continue
		}
		for _, role := range []string{roleControl, roleOrigin, roleEdge} {
			said := strings.NewReplacer("%i", role, "%S", "/var/lib", "%d", "/run/credentials", "/etc/freshet/freshet.toml", "deploy/freshet.example.toml").Replace(m[1])
			all = append(all, strings.Fields(said))
		}
	}
	return all
}

func deployed(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("deploy", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
