package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

// MigrationSummary is all migrations in one line.
func MigrationSummary(reports []*host.MigrationReport) string {
	count := map[host.Outcome]int64{}
	var tables int64
	for _, r := range reports {
		for _, t := range r.Tables {
			if t.Outcome != host.MigrationNone {
				tables++
			}
			count[t.Outcome]++
		}
	}
	var parts []string
	for _, x := range []struct {
		outcome host.Outcome
		word    string
	}{
		{host.MigrationEqual, "up to date"}, {host.MigrationPending, "to be changed: give --apply"}, {host.MigrationApplied, "changed"},
		{host.MigrationRefused, "refused"}, {host.MigrationFailed, "failed"},
	} {
		if n := count[x.outcome]; n > 0 {
			parts = append(parts, Count(n)+" "+x.word)
		}
	}
	if tables == 0 {
		return "no sink has a table to migrate"
	}
	return Plural(tables, "table") + ", " + strings.Join(parts, ", ")
}

// Migrations prints what tables lack and what was done about it.
func Migrations(w io.Writer, reports []*host.MigrationReport) {
	for _, r := range reports {
		fmt.Fprintf(w, "%s (%s)\n", r.Pipeline, r.Set)
		for _, t := range r.Tables {
			name := t.Sink
			if t.Table != "" {
				name += ", table " + t.Table
			}
			fmt.Fprintf(w, "  %s: %s\n", name, t.Outcome)
			for _, key := range t.Begun {
				became := "it was cut off or is still under way; --apply looks what became of it"
				if t.Settled {
					became = "what became of it is recorded beside it now"
				}
				fmt.Fprintf(w, "    begun earlier, without an outcome: %s (%s)\n", key, became)
			}
			for _, c := range t.Changes {
				change(w, c)
			}
			if t.Why != "" && t.Outcome == host.MigrationRefused {
				fmt.Fprintf(w, "    refused: %s\n", t.Why)
			}
			if t.Outcome == host.MigrationFailed {
				for _, c := range t.Left {
					fmt.Fprintf(w, "    not made: %s\n", c.Text)
				}
			}
			if t.Record != "" {
				fmt.Fprintf(w, "    recorded in %s\n", t.Record)
			}
		}
	}
}

func change(w io.Writer, c flow.Change) {
	sign := "+"
	switch {
	case c.Refused != "":
		sign = "!"
	case c.Loses:
		sign = "-"
	}
	fmt.Fprintf(w, "    %s %s\n", sign, c.Text)
	if c.Statement != "" {
		fmt.Fprintf(w, "      %s\n", strings.ReplaceAll(c.Statement, "\n", "\n      "))
	}
}
