// Command freshet carries live webcasts: one binary that is a whole mesh on one machine (freshet up), one
// part of a mesh on each machine (freshet origin, edge, control), or a client (freshet publish, play).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"

	"freshet/cluster/trace"
)

// Exit codes.
const (
	exitFailed = 1
	exitConfig = 78 // EX_CONFIG: a flag, a variable, the file, or what they say together
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// The first signal starts the orderly stop and gives the signals back, so that a second one ends the process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for signals and the exit. An error is one line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := start(ctx, args, stdout, stderr)
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(stderr, "freshet:", strings.Join(strings.Fields(err.Error()), " "))
	var wrong *configError
	if errors.As(err, &wrong) {
		return exitConfig
	}
	return exitFailed
}

func start(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	s := &settings{}
	k, err := kong.New(&cli,
		kong.Name("freshet"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.PostBuild(nameVariables),
		kong.Resolvers(s),
		kong.Bind(s),
	)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	c, err := k.Parse(args)
	if err != nil {
		return &configError{err}
	}
	return c.Run(&program{
		ctx: ctx, stdout: stdout, stderr: stderr, app: k.Model, settings: s, log: newLog(stderr, cli.Log),
	})
}

// A program is what the commands are given.
type program struct {
	ctx      context.Context // ends with the first signal
	stdout   io.Writer
	stderr   io.Writer // for what a person sees while the program runs
	app      *kong.Application
	settings *settings
	log      *slog.Logger
}

// A configError is an error in what the person who started the program said.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// badConfig names the key and what is wrong with it.
func badConfig(key, format string, args ...any) error {
	return &configError{fmt.Errorf("%s: %w", key, fmt.Errorf(format, args...))}
}

// newLog returns a logger on w: for eyes where w is a terminal, else one JSON object a line.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	if f, ok := w.(*os.File); ok && terminal(f) {
		_, plain := os.LookupEnv("NO_COLOR")
		return slog.New(trace.Log(tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: plain})))
	}
	return slog.New(trace.Log(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})))
}

func terminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
