package egress

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"freshet/bench/stand"
)

// built is the real binary, of which tests with real sessions start nodes.
var built stand.Built

// TestMain is also the main of the parts, which rows start as processes of their binary.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "bench" && os.Args[2] == "egress-part" {
		if err := Part(context.Background(), os.Args[3], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil { // of the parts, which end one after the other
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := built.Remove(); err != nil {
			panic(err)
		}
		os.Exit(code)
	}))
}
