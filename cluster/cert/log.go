package cert

import (
	"context"
	"log/slog"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A core passes what the ACME client says on to our own log, at debug: acme.tell says what an operator must know.
type core struct {
	log  *slog.Logger
	with []zapcore.Field
}

func zapTo(log *slog.Logger) *zap.Logger { return zap.New(&core{log: log}) }

// Enabled implements zapcore.Core.
func (c *core) Enabled(zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slog.LevelDebug)
}

// With implements zapcore.Core.
func (c *core) With(more []zapcore.Field) zapcore.Core {
	return &core{c.log, append(c.with[:len(c.with):len(c.with)], more...)}
}

// Check implements zapcore.Core.
func (c *core) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

// Write implements zapcore.Core.
func (c *core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	m := zapcore.NewMapObjectEncoder()
	for _, f := range append(c.with[:len(c.with):len(c.with)], fields...) {
		f.AddTo(m)
	}
	c.log.Debug("acme: "+e.Message, "about", m.Fields)
	return nil
}

// Sync implements zapcore.Core.
func (c *core) Sync() error { return nil }
