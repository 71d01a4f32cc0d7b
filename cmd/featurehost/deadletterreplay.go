package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

// lettersReplay gives the letters of a stage to it again, and tells which pass.
func lettersReplay(ctx context.Context, c *call) (err error) {
	o, t, path, err := replayOptions(c)
	if err != nil {
		return err
	}
	h, err := t.open(c, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	box, err := h.Letters()
	if err != nil {
		return err
	}
	r, err := h.Replay(ctx, box, o)
	if err != nil {
		return err
	}
	for i := range r.Failed {
		r.Failed[i].Message = c.hide(r.Failed[i].Message)
	}
	again := r.Letters - r.Passed - r.Filtered
	c.result = r
	c.summary = fmt.Sprintf("of %s %s pass, %s filtered, %s fail again", ui.Plural(r.Letters, "letter"), ui.Count(r.Passed), ui.Count(r.Filtered), ui.Count(again))
	if !c.json {
		ui.Replay(c.stdout, r)
		fmt.Fprintln(c.stdout, c.summary)
	}
	if again > 0 {
		return failed{int(fault.Data)}
	}
	return nil
}

// replayOptions reads the command line of a replay.
func replayOptions(c *call) (o host.ReplayOptions, t *target, path string, err error) {
	t = &target{}
	f := c.flags()
	t.common(f)
	f.StringVar(&o.Run, "run", "", "letters of this run only: its id, or its number")
	f.StringVar(&o.Stage, "stage", "", "the stage whose letters are replayed")
	f.StringVar(&o.Out, "out", "", "a new file for the rows that pass: "+strings.Join(host.RowFormats(), ", "))
	args, err := c.parse(f, 1)
	if err != nil {
		return o, t, "", err
	}
	if o.Stage == "" {
		return o, t, "", fault.New(BadFlag, "replay needs the stage whose letters it gives back: --stage STAGE").
			WithHint("`featurehost deadletter list` shows them")
	}
	return o, t, args[0], checkOut(o.Out)
}

// checkOut refuses a file that the rows cannot go to, before any work.
func checkOut(path string) error {
	if path == "" {
		return nil
	}
	if !slices.ContainsFunc(host.RowFormats(), func(end string) bool { return strings.HasSuffix(path, end) }) {
		return fault.New(BadFlag, "--out %s: its name must end in %s, which says how the rows are written", path, strings.Join(host.RowFormats(), ", "))
	}
	if _, err := os.Lstat(path); err == nil {
		return fault.New(BadFlag, "--out %s: the file is there already, and a replay overwrites nothing", path)
	}
	return nil
}
