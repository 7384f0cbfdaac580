// Package deploy has no code: its tests hold what is deployed to what the program is. What needs the parsers of others
// (PromQL, Compose, Helm) is held by deploy/tools/deploylint.
package deploy

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	metric  = regexp.MustCompile(`\bfreshet_[a-z0-9_]+`)
	comment = regexp.MustCompile(`(?m)^\s*#.*$`)
	alert   = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)
	section = regexp.MustCompile(`(?m)^## (\w+)$`)
	link    = regexp.MustCompile(`(?m)^ +runbook: (.*)$`)
)

// TestProgramNames sees that names are found in each way in which the program makes them.
func TestProgramNames(t *testing.T) {
	names := programNames(t)
	for _, want := range []string{
		"freshet_build_info",                    // a field
		"freshet_quorum_leader",                 // an argument
		"freshet_edge_load_packets",             // behind a prefix, in a function of the function
		"freshet_relay_link_loss_ratio",         // the same at third hand
		"freshet_relay_link_window_bytes",       // the same at first hand
		"freshet_shim_unanswered_packets_total", // in a function of the package
	} {
		if !names[want] {
			t.Errorf("%s is not found", want)
		}
	}
	for _, none := range []string{"freshet_relay_link_", "freshet_relay_link_direction", "freshet_edge_reason", "freshet_edge_capacity"} {
		if names[none] {
			t.Errorf("%s is found, and is none", none)
		}
	}
	if n := len(names); n < 150 {
		t.Errorf("%d names: %v", n, slices.Sorted(maps.Keys(names)))
	}
}

// TestMetrics holds alerts, dashboards and the runbook to the metrics that the program has.
func TestMetrics(t *testing.T) {
	names := programNames(t)
	for _, pattern := range []string{"prometheus/*.yml", "grafana/*.json", "RUNBOOK.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			found := metric.FindAllString(comment.ReplaceAllString(read(t, file), ""), -1)
			for _, name := range slices.Compact(slices.Sorted(slices.Values(found))) {
				base := name
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					base = strings.TrimSuffix(base, suffix)
				}
				if !names[name] && !names[base] {
					t.Errorf("%s: %s is no metric of the program", file, name)
				}
			}
		}
	}
}

// TestRunbook sees that each alert leads to a section of its own, and that no section is without one.
func TestRunbook(t *testing.T) {
	rules := read(t, "prometheus/alerts.yml")
	alerts, sections := groups(alert, rules), groups(section, read(t, "RUNBOOK.md"))
	if len(alerts) == 0 || !slices.Equal(alerts, sections) {
		t.Errorf("alerts   %v\nsections %v", alerts, sections)
	}
	for i, to := range groups(link, rules) {
		if want := "deploy/RUNBOOK.md#" + strings.ToLower(alerts[i]); to != want {
			t.Errorf("%s leads to %s, want %s", alerts[i], to, want)
		}
	}
}

func groups(r *regexp.Regexp, text string) (all []string) {
	for _, m := range r.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
