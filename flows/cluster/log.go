package cluster

import (
	"context"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logger is kgo's log on slog. Only what kgo gives up on is a warning: its own
// warnings repeat with every retry, and the caller reports the error it gets.
// That holds for a connection that could not be set up, too, which kgo calls an
// error each time.
type logger struct{ log *slog.Logger }

func newLogger(log *slog.Logger) *logger { return &logger{log.With("component", "kgo")} }

// Level saves kgo the work of formatting what would not be written.
func (l *logger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) { // kgo has no context to log with
		return kgo.LogLevelDebug
	}
	return kgo.LogLevelError
}

// Log writes one message of kgo's.
func (l *logger) Log(level kgo.LogLevel, message string, attrs ...any) {
	if level == kgo.LogLevelError && message != "unable to request api versions" && message != "unable to initialize sasl" {
		l.log.Warn(message, attrs...) //nolint:sloglint // kgo's constant
		return
	}
	l.log.Debug(message, attrs...) //nolint:sloglint // kgo's constant
}
