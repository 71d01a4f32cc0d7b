package ui

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/featurehost/featurehost/host"
)

// Progress shows a run while it goes on: a block of lines redrawn in place on
// a terminal, a key=value line now and then elsewhere.
type Progress struct {
	w        io.Writer
	terminal bool
	lines    int // drawn, to be overwritten
	last     time.Duration
	rows     map[string]int64
}

// NewProgress draws to w.
func NewProgress(w io.Writer) *Progress {
	return &Progress{w: w, terminal: isTerminal(w), rows: map[string]int64{}}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Every is how often Show wants to be called.
func (p *Progress) Every() time.Duration {
	if p.terminal {
		return 500 * time.Millisecond
	}
	return 10 * time.Second
}

// Show draws the counts so far.
func (p *Progress) Show(x host.Progress) {
	seconds := (x.Elapsed - p.last).Seconds()
	p.last = x.Elapsed
	var b strings.Builder
	for i := 0; i < p.lines; i++ {
		b.WriteString("\x1b[1A\x1b[2K")
	}
	p.lines = 0
	for _, s := range x.Stages {
		rate := 0.0
		if seconds > 0 {
			rate = float64(s.RowsIn-p.rows[s.Name]) / seconds
		}
		p.rows[s.Name] = s.RowsIn
		if p.terminal {
			fmt.Fprintf(&b, "  %-28s %14s rows %12s rows/s\n", s.Name, Count(s.RowsIn), Count(int64(rate)))
			p.lines++
		} else {
			fmt.Fprintf(&b, "progress elapsed=%s stage=%q rows=%d rows_per_s=%.0f\n", x.Elapsed.Round(time.Second), s.Name, s.RowsIn, rate)
		}
	}
	fmt.Fprint(p.w, b.String())
}

// Done clears what was drawn on a terminal.
func (p *Progress) Done() {
	for ; p.lines > 0; p.lines-- {
		fmt.Fprint(p.w, "\x1b[1A\x1b[2K")
	}
}
