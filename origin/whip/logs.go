package whip

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/pion/logging"
	"golang.org/x/time/rate"
)

// linesPerSecond bounds what pion may write to the log whatever peers send (RELIABILITY, R12).
const linesPerSecond = 10

// newLogs returns a logger factory for pion. What pion calls an error is mostly a peer that went away:
// it goes to the log as debug, like its warnings; the rest is dropped.
func newLogs(log *slog.Logger) logging.LoggerFactory {
	return &pionLogs{log: log, limit: rate.NewLimiter(rate.Every(time.Second/linesPerSecond), linesPerSecond)}
}

type pionLogs struct {
	log   *slog.Logger
	limit *rate.Limiter
}

func (l *pionLogs) NewLogger(scope string) logging.LeveledLogger {
	return &pionLog{l, l.log.With("pion", scope)}
}

type pionLog struct {
	*pionLogs
	log *slog.Logger
}

func (l *pionLog) write(msg string) {
	if l.limit.Allow() {
		l.log.Debug(msg)
	}
}

func (l *pionLog) Trace(string)                  {}
func (l *pionLog) Tracef(string, ...any)         {}
func (l *pionLog) Debug(string)                  {}
func (l *pionLog) Debugf(string, ...any)         {}
func (l *pionLog) Info(string)                   {}
func (l *pionLog) Infof(string, ...any)          {}
func (l *pionLog) Warn(msg string)               { l.write(msg) }
func (l *pionLog) Warnf(format string, a ...any) { l.write(fmt.Sprintf(format, a...)) }
func (l *pionLog) Error(msg string)              { l.write(msg) }
func (l *pionLog) Errorf(f string, a ...any)     { l.write(fmt.Sprintf(f, a...)) }
