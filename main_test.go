package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain also lets the scripts run this binary as freshet.
func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"freshet": main}) }

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true})
}
