package contract

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Log passes the lines of a stage's plugin to the host's log, at most so
// many a second; then one line tells how many were dropped.
type Log struct {
	to    *slog.Logger
	limit int
	clock func() time.Time

	mu      sync.Mutex
	since   time.Time
	kept    int
	dropped int64
}

// NewLog makes a Log of so many lines a second; a nil logger gets nothing.
func NewLog(to *slog.Logger, plugin string, limit int) *Log {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &Log{to: to.With("plugin", plugin), limit: limit, clock: time.Now}
}

// Line keeps or drops a line; level is 0 error to 4 trace.
func (l *Log) Line(level int32, text string) {
	if l.Admit() {
		l.Write(level, text)
	}
}

// Admit tells whether there is room for one more line, and takes it: who asks
// first need not make the text of a line that is dropped.
func (l *Log) Admit() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.clock(); now.Sub(l.since) >= time.Second {
		l.tellDropped()
		l.since, l.kept = now, 0
	}
	if l.kept >= l.limit {
		l.dropped++
		return false
	}
	l.kept++
	return true
}

// Write passes on a line that was admitted.
func (l *Log) Write(level int32, text string) {
	to := slog.LevelInfo
	switch {
	case level <= 0:
		to = slog.LevelError
	case level == 1:
		to = slog.LevelWarn
	case level == 3:
		to = slog.LevelDebug
	case level >= 4:
		to = slog.LevelDebug - 4
	}
	l.to.Log(context.Background(), to, text)
}

// Warn tells of something that the plugin did and that changes no result.
func (l *Log) Warn(err error) {
	e := fault.As(err)
	if e == nil {
		l.to.Warn(err.Error())
		return
	}
	l.to.Warn(e.Message, "code", e.Code.String())
}

// Close tells what is left to tell.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellDropped()
}

func (l *Log) tellDropped() {
	if l.dropped > 0 {
		l.to.Warn("plugin logs too much", "dropped", l.dropped, "lines_per_second", l.limit, "code", fault.Code(abi.CodeLogFlood).String())
		l.dropped = 0
	}
}
