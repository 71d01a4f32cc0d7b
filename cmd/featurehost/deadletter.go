package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/featurehost/featurehost/cmd/featurehost/internal/ui"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
)

func deadletterVerb() verb {
	return verb{
		name: "deadletter", usage: "list | show | replay | drop PIPELINE.toml", run: deadletter,
		short: "look at rejected rows; try them again (replay writes to no store)",
	}
}

func deadletter(ctx context.Context, c *call) error {
	return c.one(ctx, []sub{
		{"list", "PIPELINE.toml [--run RUN] [--stage STAGE]", "count rejected rows by run, stage and reason", lettersList},
		{"show", "PIPELINE.toml [--run RUN] [--stage STAGE] [--limit N]", "print rejected rows with the reason and where they came from", lettersShow},
		{"replay", "PIPELINE.toml --stage STAGE [--run RUN] [--out FILE]", "give rejected rows to their stage again, and tell which pass; writes to no store", lettersReplay},
		{"drop", "PIPELINE.toml --run RUN --stage STAGE", "remove the rejected rows of one run and stage for good", lettersDrop},
	})
}

// letterFlags are what the commands on dead letters share.
type letterFlags struct{ host.LetterChoice }

// open parses the command line and reads the pipeline file it names.
func (l *letterFlags) open(c *call, more func(f *flag.FlagSet)) (*host.LetterBox, error) {
	f := c.flags()
	f.StringVar(&l.Run, "run", "", "letters of this run only: its id, or its number")
	f.StringVar(&l.Stage, "stage", "", "letters of this stage only")
	if more != nil {
		more(f)
	}
	args, err := c.parse(f, 1)
	if err != nil {
		return nil, err
	}
	file, err := config.Load(args[0], os.LookupEnv)
	if err != nil {
		return nil, err
	}
	c.redact = file.Redact
	return host.Letters(file)
}

// letterList is what --json tells of the letters there are.
type letterList struct {
	Letters    []host.LetterGroup `json:"letters"`
	Unfinished []string           `json:"unfinished,omitempty"`
}

// lettersList counts letters by run, stage and reason.
func lettersList(_ context.Context, c *call) error {
	var l letterFlags
	box, err := l.open(c, nil)
	if err != nil {
		return err
	}
	groups, unfinished, err := box.List(l.LetterChoice)
	if err != nil {
		return err
	}
	var rows [][]string
	var total int64
	unreadable := 0
	for _, g := range groups {
		count, reason := ui.Count(g.Rows), g.Reason
		if g.Error != "" {
			unreadable++
			count, reason = "", "cannot be read"
		}
		total += g.Rows
		rows = append(rows, []string{g.Run + "/" + filepath.Base(g.File), g.Stage, reason, count, g.Plugin, age(time.Since(g.Written))})
	}
	c.result = letterList{append([]host.LetterGroup{}, groups...), unfinished}
	c.summary = fmt.Sprintf("%s in %s", ui.Plural(total, "rejected row"), box.Dir())
	if !c.json {
		if len(rows) > 0 {
			ui.Table(c.stdout, []string{"run and file", "stage", "reason", "rows", "plugin", "written"}, rows)
		}
		for _, u := range unfinished {
			fmt.Fprintf(c.stdout, "%s is being written, or was when its run was killed\n", u)
		}
		fmt.Fprintln(c.stdout, c.summary)
	}
	if unreadable > 0 {
		return failed{int(fault.System)}
	}
	return nil
}

// age tells how long ago something was, in its largest unit.
func age(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if d >= u.unit {
			return fmt.Sprintf("%d %s ago", d/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%d s ago", max(0, d/time.Second))
}

// lettersDrop removes the letters of one run and stage.
func lettersDrop(_ context.Context, c *call) error {
	var l letterFlags
	box, err := l.open(c, nil)
	if err != nil {
		return err
	}
	if l.Run == "" || l.Stage == "" {
		return fault.New(BadFlag, "drop removes rows for good, so it names one run and one stage: --run RUN --stage STAGE").
			WithHint("`featurehost deadletter list` shows them")
	}
	n, err := box.Drop(l.Run, l.Stage)
	if err != nil {
		return err
	}
	c.result = map[string]any{"run": l.Run, "stage": l.Stage, "rows": n}
	c.summary = fmt.Sprintf("%s of stage %s of run %s removed", ui.Plural(n, "dead letter"), l.Stage, l.Run)
	if !c.json {
		fmt.Fprintln(c.stdout, c.summary)
	}
	return nil
}
