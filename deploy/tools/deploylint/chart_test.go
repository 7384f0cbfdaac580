package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
)

const chart = "../../helm/freshet"

// TestValues gives the chart values that the schema, or a template, must refuse, and one set beside them that it takes.
func TestValues(t *testing.T) {
	for _, row := range []struct{ values, refused string }{
		{"control: {found: true, url: https://live.example.org}", ""},
		{"edges: [{name: edge-par, region: par, replicas: 2, advertise: 192.0.2.1}]", ""},
		{"edge: []", "edge"},
		{"control: {relicas: 1}", "relicas"},
		{"control: {replicas: 2}", "replicas"},
		{"control: {database: {secret: ''}}", "secret"},
		{"control: {url: 'https://live.example.org/path'}", "url"},
		{"control: {nodesFrom: []}", "nodesFrom"},
		{"control: {nodesFrom: [anywhere]}", "nodesFrom"},
		{"control: {storage: {size: 10}}", "size"},
		{"image: {tag: latest}", "tag"},
		{"join: [control.example.org]", "join"},
		{"edges: [{name: edge, region: par}]", "replicas"},
		{"edges: [{name: Edge, region: par, replicas: 1}]", "name"},
		{"origins: [{name: control, region: par, replicas: 1}]", "name"},
		{"edges: [{name: edge, region: par, replicas: 1, capacityMbps: 0}]", "capacityMbps"},
		{"control: {replicas: 0}", "join"},
		{"edges: [{name: edge, region: par, replicas: 1, tls: {host: edge.example.org}}]", "secret"},
		{"traces: {endpoint: 'http://collector:4318', keep: 2}", "keep"},
		{"serviceMonitor: {enable: true}", "enable"},
	} {
		values, err := chartutil.ReadValues([]byte(row.values))
		if err != nil {
			t.Fatalf("%s: %v", row.values, err)
		}
		_, err = render(chart, values)
		switch {
		case row.refused == "" && err != nil:
			t.Errorf("%s: %v", row.values, err)
		case row.refused != "" && (err == nil || !strings.Contains(err.Error(), row.refused)):
			t.Errorf("%s: %v, want it refused for %s", row.values, err, row.refused)
		}
	}
}

// TestObjects gives the checks what they are for.
func TestObjects(t *testing.T) {
	values, err := chartutil.ReadValuesFile(chart + "/ci/full-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ template, old, now, refused string }{
		{"control.yaml", "minReadySeconds:", "minReadySecond:", `unknown field "spec.minReadySecond"`},
		{"control.yaml", "serviceName: {{ $name }}-nodes", "serviceName: other", "want its Service"},
		{"control.yaml", "name: secrets, mountPath: /secrets", "name: secret, mountPath: /secrets", "no volume secret"},
		{"control.yaml", "--advertise=$(POD_IP)", "--advertise=$(IP)", "no variable IP"},
		{"control.yaml", "@/secrets/database", "@/secret/database", "nothing is mounted there"},
		{"control-network.yaml", "targetPort: gossip-udp", "targetPort: gossip-tcp", `no port "gossip-tcp"`},
		{"media.yaml", "", "", ""},
		{"media.yaml", "name: tls, mountPath: /tls", "name: cert, mountPath: /tls", "no volume cert"},
		{"monitor.yaml", "- port: http", "- port: https", `no port "https"`},
		{"monitor.yaml", "matchLabels:", "matchLabel:", `unknown field "spec.selector.matchLabel"`},
		{"monitor.yaml", "\"component\" .name", "\"component\" \"none\"", "it selects no Service"},
		{"_helpers.tpl", "path: /readyz", "path: /ready", "want probes"},
		{"_helpers.tpl", "drop: [ALL]", "drop: [NET_RAW]", "no capability"},
		{"_helpers.tpl", "fsGroupChangePolicy: OnRootMismatch", "fsGroupChangePolicy: Always", "OnRootMismatch"},
		{"_helpers.tpl", "terminationGracePeriodSeconds: 75", "terminationGracePeriodSeconds: 30", "less than"},
		{"media.yaml", "component\" .name", "component\" $role", "it selects pods of"},
	} {
		dir := t.TempDir()
		copyChart(t, dir, "templates/"+row.template, row.old, row.now)
		all, err := render(dir, values)
		if err == nil {
			err = checkObjects(all)
		}
		switch {
		case row.refused == "" && err != nil:
			t.Errorf("%s: %v", row.template, err)
		case row.refused != "" && (err == nil || !strings.Contains(err.Error(), row.refused)):
			t.Errorf("%s with %s: %v, want %s", row.template, row.now, err, row.refused)
		}
	}
}

// copyChart copies the chart to dir, with all that is old of one file as it is now.
func copyChart(t *testing.T, dir, file, old, now string) {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if old != now && !strings.Contains(string(b), old) {
		t.Fatalf("%s does not have %q", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), old, now)), 0o600); err != nil {
		t.Fatal(err)
	}
}
