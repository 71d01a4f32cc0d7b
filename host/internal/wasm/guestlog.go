package wasm

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// guestLog passes the lines of a stage's guests to the host's log, at most so
// many a second; then one line tells how many were dropped.
type guestLog struct {
	to    *slog.Logger
	limit int
	clock func() time.Time

	mu      sync.Mutex
	since   time.Time
	kept    int
	dropped int64
}

func newGuestLog(to *slog.Logger, plugin string, limit int) *guestLog {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &guestLog{to: to.With("plugin", plugin), limit: limit, clock: time.Now}
}

// line keeps or drops a line; level is 0 error to 4 trace.
func (l *guestLog) line(level int32, text string) {
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

// close tells what is left to tell.
func (l *guestLog) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellDropped()
}

func (l *guestLog) tellDropped() {
	if l.dropped > 0 {
		l.to.Warn("plugin logs too much", "dropped", l.dropped, "lines_per_second", l.limit, "code", contract.Refusal(abi.CodeLogFlood, "").Code.String())
		l.dropped = 0
	}
}

// printable makes a text of a guest's bytes: valid UTF-8 without control
// characters other than line feed and tab, which could steer a terminal.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r >= 0x7F && r < 0xA0 || r == utf8.RuneError:
			return utf8.RuneError
		}
		return r
	}, string(b))
}
