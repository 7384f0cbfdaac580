package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// promQL is Prometheus's language as a server without feature flags takes it.
var promQL = parser.NewParser(parser.Options{})

// told are the annotations that each alert has.
var told = []string{"summary", "viewers", "next", "runbook"}

// checkAlerts parses the rules at path, and sees that each says whom it wakes and what it tells them.
func checkAlerts(path string) (string, error) {
	rules, err := alertsOf(path)
	if err != nil {
		return "", err
	}
	for _, r := range rules {
		err = errors.Join(err, checkAlert(r))
	}
	return fmt.Sprintf("%d alerts", len(rules)), err
}

func checkAlert(r rulefmt.Rule) (err error) {
	wrong := func(format string, args ...any) {
		err = errors.Join(err, fmt.Errorf(r.Alert+": "+format, args...))
	}
	if s := r.Labels["severity"]; s != "page" && s != "ticket" {
		wrong("severity %q: want page or ticket", s)
	}
	for _, name := range told {
		if r.Annotations[name] == "" {
			wrong("no annotation %s", name)
		}
	}
	if r.For == 0 {
		wrong("it fires at the first look: want for")
	}
	if bad := checkQuery(r.Expr); bad != nil {
		wrong("%w", bad)
	}
	return err
}

// alertsOf returns the alerts of the rule file at path, parsed strictly.
func alertsOf(path string) (all []rulefmt.Rule, err error) {
	groups, errs := rulefmt.ParseFile(path, false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" {
				return nil, fmt.Errorf("%s is no alert", r.Record)
			}
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no alert")
	}
	return all, nil
}

// checkQuery parses a query, and sees that it selects what a node has: the program's own series, and those of the Go
// runtime and the process. Whether the program's are there is for the product's tests to see.
func checkQuery(query string) error {
	expr, err := promQL.ParseExpr(query)
	if err != nil {
		return err
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		known := s.Name == "up"
		for _, prefix := range []string{"freshet_", "go_", "process_"} {
			known = known || strings.HasPrefix(s.Name, prefix)
		}
		if !known {
			err = errors.Join(err, fmt.Errorf("%q is no series that a node has", s.Name))
		}
		return nil
	})
	return err
}

// checkScrapes loads Prometheus's own configuration at path, and sees that its rules are there.
func checkScrapes(path string) (string, error) {
	cfg, err := config.LoadFile(path, false, promslog.NewNopLogger())
	if err != nil {
		return "", err
	}
	for _, rules := range cfg.RuleFiles {
		if err := exists(rules); err != nil {
			return "", fmt.Errorf("rule_files: %w", err)
		}
		if filepath.Dir(rules) != filepath.Dir(path) {
			return "", fmt.Errorf("rule_files: %s is elsewhere", rules)
		}
	}
	for _, s := range cfg.ScrapeConfigs {
		if s.JobName == "freshet" { // what alerts and dashboards name
			return fmt.Sprintf("%d jobs", len(cfg.ScrapeConfigs)), nil
		}
	}
	return "", errors.New("no job is named freshet")
}
