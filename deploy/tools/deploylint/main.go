// Deploylint holds what deploy/ has for the programs of others to their own parsers: alerts and dashboards to
// Prometheus's, the compose file to Compose's, the chart to Helm's, and what the chart renders to Kubernetes's types.
//
//	deploylint FOLDER
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A check looks at what stands at a path below deploy/, and says in a few words what it has seen.
type check struct {
	at  string
	run func(path string) (seen string, err error)
}

var checks = []check{
	{"prometheus/alerts.yml", checkAlerts},
	{"prometheus/prometheus.yml", checkScrapes},
	{"grafana", checkDashboards},
	{"compose/compose.yaml", checkCompose},
	{"helm/freshet", checkChart},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: deploylint FOLDER")
		os.Exit(2)
	}
	var failed error
	for _, c := range checks {
		seen, err := c.run(filepath.Join(os.Args[1], c.at))
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", c.at, err))
			continue
		}
		fmt.Printf("deploylint: %s: %s\n", c.at, seen)
	}
	if failed != nil {
		fmt.Fprintln(os.Stderr, "deploylint:", failed)
		os.Exit(1)
	}
}

// exists returns an error where there is nothing at path.
func exists(path string) error {
	_, err := os.Stat(path)
	return err
}
