package process

import (
	"log/slog"
	"sync"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// pluginLog passes what a stage's processes write to stderr to the host's log,
// at most so many lines a second; then one line tells how many were dropped.
type pluginLog struct {
	to    *slog.Logger
	limit int
	clock func() time.Time

	mu      sync.Mutex
	since   time.Time
	kept    int
	dropped int64
}

func newPluginLog(to *slog.Logger, plugin string, limit int) *pluginLog {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &pluginLog{to: to.With("plugin", plugin), limit: limit, clock: time.Now}
}

// line keeps or drops a line.
func (l *pluginLog) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.clock(); now.Sub(l.since) >= time.Second {
		l.tellDropped()
		l.since, l.kept = now, 0
	}
	if l.kept >= l.limit {
		l.dropped++
		return
	}
	l.kept++
	l.to.Info(text)
}

// warn tells of something that a process did and that changes no result.
func (l *pluginLog) warn(err error) {
	e := fault.As(err)
	if e == nil {
		l.to.Warn(err.Error())
		return
	}
	l.to.Warn(e.Message, "code", e.Code.String())
}

// close tells what is left to tell.
func (l *pluginLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellDropped()
}

func (l *pluginLog) tellDropped() {
	if l.dropped > 0 {
		l.to.Warn("plugin logs too much", "dropped", l.dropped, "lines_per_second", l.limit, "code", fault.Code(abi.CodeLogFlood).String())
		l.dropped = 0
	}
}
