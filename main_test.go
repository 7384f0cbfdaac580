package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain also lets the scripts run this binary as freshet.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"freshet": main}) }

func TestScripts(t *testing.T) {
	example, err := filepath.Abs("deploy/freshet.example.toml")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "bench/cli", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLE", example)
			return nil
		},
	})
}
