package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A dashboard is what is looked at of Grafana's JSON.
type dashboard struct {
	UID           string `json:"uid"`
	Title         string `json:"title"`
	SchemaVersion int    `json:"schemaVersion"`
	Templating    struct {
		List []struct {
			Name  string `json:"name"`
			Type  string `json:"type"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID          int     `json:"id"`
	Type        string  `json:"type"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Datasource  *source `json:"datasource"`
	GridPos     grid    `json:"gridPos"`
	Targets     []struct {
		RefID      string  `json:"refId"`
		Expr       string  `json:"expr"`
		Datasource *source `json:"datasource"`
	} `json:"targets"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type grid struct{ X, Y, W, H int }

// columns is how wide Grafana's grid is.
const columns = 24

var variable = regexp.MustCompile(`\$\{?(\w+)\}?`)

// checkDashboards looks at every dashboard in the folder at path.
func checkDashboards(path string) (string, error) {
	files, err := filepath.Glob(filepath.Join(path, "*.json"))
	if err == nil && len(files) == 0 {
		err = errors.New("no dashboard")
	}
	uids, panels := map[string]string{}, 0
	for _, file := range files {
		name := filepath.Base(file)
		b, bad := os.ReadFile(file)
		var d dashboard
		if bad == nil {
			bad = json.Unmarshal(b, &d)
		}
		if bad == nil {
			bad = d.check()
		}
		if other := uids[d.UID]; other != "" {
			bad = errors.Join(bad, fmt.Errorf("uid %s is that of %s, too", d.UID, other))
		}
		uids[d.UID] = name
		panels += len(d.Panels)
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, bad))
		}
	}
	return fmt.Sprintf("%d dashboards, %d panels", len(files), panels), err
}

func (d *dashboard) check() (err error) {
	wrong := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Panels) == 0 {
		wrong("uid, title, panels and a schemaVersion of 36 or more are wanted")
	}
	names := []string{"__rate_interval"}
	for i, v := range d.Templating.List {
		if (i == 0) != (v.Name == "datasource" && v.Type == "datasource") {
			wrong("variable %d is %s: datasource is the first, and there is one", i, v.Name)
		}
		names = append(names, v.Name)
	}
	ids, taken := map[int]bool{}, []grid{}
	for _, p := range d.Panels {
		if ids[p.ID] {
			wrong("%s: id %d twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		if slices.ContainsFunc(taken, p.GridPos.overlaps) || p.GridPos.X+p.GridPos.W > columns || p.GridPos.W < 1 || p.GridPos.H < 1 {
			wrong("%s: %+v is no place of its own", p.Title, p.GridPos)
		}
		taken = append(taken, p.GridPos)
		if bad := p.check(names); bad != nil {
			wrong("%s: %w", p.Title, bad)
		}
	}
	return err
}

// check looks at one panel of a dashboard that has the variables named.
func (p *panel) check(variables []string) (err error) {
	wrong := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	if p.Type == "row" {
		return nil
	}
	if p.Type != "timeseries" && p.Type != "stat" {
		wrong("a panel of type %s", p.Type)
	}
	if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
		wrong("title, description and targets are wanted")
	}
	if !p.Datasource.chosen() {
		wrong("its datasource is not ${datasource}")
	}
	refs := map[string]bool{}
	for _, t := range p.Targets {
		if refs[t.RefID] || t.RefID == "" || !t.Datasource.chosen() {
			wrong("target %q: want a refId of its own, and ${datasource}", t.RefID)
		}
		refs[t.RefID] = true
		for _, v := range variable.FindAllStringSubmatch(t.Expr, -1) {
			if !slices.Contains(variables, v[1]) {
				wrong("%s: there is no variable %s", t.Expr, v[1])
			}
		}
		query := strings.ReplaceAll(t.Expr, "$__rate_interval", "1m")
		if bad := checkQuery(variable.ReplaceAllString(query, ".*")); bad != nil {
			wrong("%s: %w", t.Expr, bad)
		}
	}
	return err
}

func (s *source) chosen() bool { return s != nil && s.Type == "prometheus" && s.UID == "${datasource}" }

func (g grid) overlaps(o grid) bool {
	return g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H
}
