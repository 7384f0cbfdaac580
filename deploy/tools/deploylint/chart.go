package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

const (
	release    = "freshet"
	namespace  = "webcasts"
	kubernetes = "1.30.0" // the oldest that Chart.yaml takes
)

// checkChart lints the chart at path and renders it, with each file of values in its folder ci; what comes out is
// looked at as Kubernetes does.
func checkChart(path string) (string, error) {
	files, err := filepath.Glob(filepath.Join(path, "ci", "*-values.yaml"))
	if err == nil && len(files) == 0 {
		err = errors.New("no values in ci/")
	}
	rendered := 0
	for _, file := range files {
		values, bad := chartutil.ReadValuesFile(file)
		if bad == nil {
			bad = lintChart(path, values)
		}
		if bad == nil {
			var all []object
			all, bad = render(path, values)
			rendered += len(all)
			bad = errors.Join(bad, checkObjects(all))
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", filepath.Base(file), bad))
		}
	}
	return fmt.Sprintf("%d sets of values, %d objects", len(files), rendered), err
}

// lintChart is `helm lint --strict`.
func lintChart(path string, values chartutil.Values) (err error) {
	version, err := chartutil.ParseKubeVersion(kubernetes)
	if err != nil {
		return err
	}
	for _, m := range lint.AllWithKubeVersion(path, values, namespace, version).Messages {
		if m.Severity >= support.WarningSev {
			err = errors.Join(err, m)
		}
	}
	return err
}

// render returns the objects that a first install with values makes.
func render(path string, values chartutil.Values) ([]object, error) {
	chart, err := loader.Load(path)
	if err != nil {
		return nil, err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	if version, err := chartutil.ParseKubeVersion(kubernetes); err == nil {
		caps.KubeVersion = *version
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, caps) // holds values to the schema
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var objects []object
	for name, text := range files {
		if strings.HasSuffix(name, ".txt") {
			if strings.TrimSpace(text) == "" {
				return nil, fmt.Errorf("%s is empty", name)
			}
			continue
		}
		found, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		objects = append(objects, found...)
	}
	return objects, nil
}
