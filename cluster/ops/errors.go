package ops

import (
	"bytes"
	"log"
	"log/slog"
)

// errorLog is what the server has to say: at debug that somebody does not come through the start of TLS, as programs that
// try every address of the world do all day long, and as a warning whatever else.
func errorLog(to *slog.Logger) *log.Logger { return log.New(errorWriter{to}, "", 0) }

type errorWriter struct{ to *slog.Logger }

func (w errorWriter) Write(line []byte) (int, error) {
	text := string(bytes.TrimSpace(line))
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		w.to.Debug(text)
	} else {
		w.to.Warn(text)
	}
	return len(line), nil
}
