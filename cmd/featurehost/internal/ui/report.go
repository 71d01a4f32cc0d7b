package ui

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/featurehost/featurehost/host"
)

// Summary is a run in one line.
func Summary(r *host.Report, dry bool) string {
	verb := "written"
	if dry {
		verb = "computed, nothing written"
	}
	var read int64
	for _, x := range r.Readers {
		read += x.Rows
	}
	return fmt.Sprintf("%s: %s rows read, %s feature rows %s in %s", r.Set, Count(read), Count(r.Features.Rows), verb, duration(r.Seconds))
}

func duration(seconds float64) string {
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}

// Report prints what a run did: every row accounted for, time per stage.
func Report(w io.Writer, r *host.Report, dry bool) {
	for _, x := range r.Recovered {
		fmt.Fprintf(w, "recovered  %s\n", x)
	}
	run := fmt.Sprintf("run %d (%s)", r.Run, r.RunID)
	switch {
	case dry:
		run = "dry run"
	case r.Portions > 0 || r.RunID == "": // a stream has no number in the ledger
		run = "stream, " + Count(r.Portions) + " portions,"
	}
	fmt.Fprintf(w, "%s of %s, interval %s\n", run, r.Set, r.Interval)
	var rows [][]string
	add := func(what string, n int64, note string) { rows = append(rows, []string{"  ", what, Count(n), note}) }
	for _, id := range slices.Sorted(maps.Keys(r.Readers)) {
		x := r.Readers[id]
		add("read "+id, x.Rows, readNote(x))
	}
	if r.Query > 0 {
		add("query", r.Query, "")
	}
	each(r.Filtered, func(k string, n int64) { add("filtered", n, k) })
	each(r.Folded, func(k string, n int64) {
		if n < 0 { // more rows came out than went in
			add("made", -n, k)
			return
		}
		add("folded", n, k)
	})
	each(r.Rejected, func(k string, n int64) { add("rejected", n, k) })
	each(r.Skipped, func(k string, n int64) { add("skipped", n, k) })
	each(r.Dropped, func(k string, n int64) { add("dropped", n, k) })
	if r.Stacked > 0 {
		add("stacked", r.Stacked, "rows added")
	}
	add("used", r.Used, "")
	add("features made", r.Features.Made, "")
	add("duplicates dropped", r.Features.Duplicates, "")
	if r.Features.OutsideInterval > 0 {
		add("outside interval", r.Features.OutsideInterval, "")
	}
	for _, s := range r.Sinks {
		add(s.Name, s.Rows, sinkNote(s))
	}
	each(r.Plugged, func(k string, n int64) { add("counted by plugin", n, k) })
	each(r.CastFailures, func(k string, n int64) { add("cast failures", n, "column "+k) })
	each(r.BadJSON, func(k string, n int64) { add("no JSON object", n, "column "+k) })
	Table(w, []string{"", "", "", ""}, rows)
	if r.LastLabel != "" {
		fmt.Fprintf(w, "  last label %s\n", r.LastLabel)
	}
	if b := r.Balance; b != nil {
		fmt.Fprintf(w, "  balance %s\n", balance(b))
	}
	letters(w, "  ", r)
	if r.Spilled > 0 {
		fmt.Fprintf(w, "  spilled %s to disk\n", Bytes(r.Spilled))
	}
	if r.ReadFrom != "" {
		fmt.Fprintf(w, "  read from %s on, so far as the features look back\n", r.ReadFrom)
	}
	if x := r.Reread; x != nil {
		fmt.Fprintf(w, "  reread: %s\n", rereadNote(x))
	}
	stages(w, r)
	for _, name := range slices.Sorted(maps.Keys(r.Plugins)) {
		fmt.Fprintf(w, "  plugin %s %s\n", name, r.Plugins[name])
	}
	for _, x := range r.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", x)
	}
	for _, x := range r.Stale {
		fmt.Fprintf(w, "  may be stale: %s, computed before this run changed what it looks back on\n", x)
	}
	fmt.Fprintln(w, Summary(r, dry))
}

// rereadNote says what told new keys from emptied ones.
func rereadNote(x *host.Reread) string {
	if x.Keys > 0 {
		return fmt.Sprintf("%s told whether %s came before", x.From, Plural(x.Keys, "key"))
	}
	return fmt.Sprintf("%s, since those in reach could not tell new keys from old ones", x.From)
}

// letters says where rejected rows are, and how to look at them.
func letters(w io.Writer, indent string, r *host.Report) {
	if r.DeadLetters != "" {
		fmt.Fprintf(w, "%srejected rows are in %s: featurehost deadletter list PIPELINE.toml\n", indent, r.DeadLetters)
	}
}

// balance is the sum in which every row is once; what is none is left out.
func balance(b *host.Balance) string {
	sum := func(terms ...term) string {
		var parts []string
		for _, t := range terms {
			if t.n != 0 {
				parts = append(parts, Count(t.n)+" "+t.what)
			}
		}
		if len(parts) == 0 {
			return "0"
		}
		return strings.Join(parts, " + ")
	}
	return sum(term{b.Read, "read"}, term{b.Stacked, "stacked"}, term{b.Made, "made"}) + " = " +
		sum(term{b.Filtered, "filtered"}, term{b.Rejected, "rejected"}, term{b.Skipped, "skipped"}, term{b.Dropped, "dropped"}, term{b.Folded, "folded"}, term{b.Used, "used"})
}

// term is one of a sum.
type term struct {
	n    int64
	what string
}

// Losses tells which rows a failed run had turned down: a table without rows,
// for one, is explained by them.
func Losses(w io.Writer, r *host.Report) {
	say := func(what string) func(string, int64) {
		return func(k string, n int64) { fmt.Fprintf(w, "%s %s: %s\n", what, Plural(n, "row"), k) }
	}
	each(r.Filtered, say("filtered"))
	each(r.Folded, func(k string, n int64) {
		if n < 0 {
			say("made")(k, -n)
			return
		}
		say("folded")(k, n)
	})
	each(r.Rejected, say("rejected"))
	each(r.Skipped, say("skipped"))
	each(r.Dropped, say("dropped"))
	each(r.CastFailures, say("cast failures in"))
	each(r.BadJSON, say("no JSON object in"))
	letters(w, "", r)
	for _, s := range r.Sinks {
		if s.Error == "" {
			fmt.Fprintf(w, "loaded %s: %s\n", s.Name, Plural(s.Rows, "row"))
		}
	}
}

func each(m map[string]int64, f func(string, int64)) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		f(k, m[k])
	}
}

func readNote(x host.Read) string {
	var parts []string
	if x.Objects > 0 {
		parts = append(parts, fmt.Sprintf("%s, %s", Plural(x.Objects, objectOf(x.Type)), Bytes(x.Bytes)))
	}
	if x.RowGroupsSkipped > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d row groups skipped", x.RowGroupsSkipped, x.RowGroups+x.RowGroupsSkipped))
	}
	if x.OutOfInterval > 0 {
		parts = append(parts, Count(x.OutOfInterval)+" outside the interval")
	}
	if x.DaysOf != "" {
		parts = append(parts, "the reader's days are those of "+x.DaysOf)
	}
	return strings.Join(parts, "; ")
}

// objectOf is what a reader of a type takes its rows from.
func objectOf(reader string) string {
	if reader == "kafka" {
		return "partition"
	}
	return "file"
}

func sinkNote(s host.SinkReport) string {
	var parts []string
	if s.Partitions > 0 {
		parts = append(parts, Plural(int64(s.Partitions), "day")+" written")
	}
	if s.Cleared > 0 {
		parts = append(parts, Plural(int64(s.Cleared), "day")+" cleared")
	}
	if s.Stale > 0 {
		parts = append(parts, Count(s.Stale)+" older than the stored row")
	}
	return strings.Join(parts, ", ")
}

// Plural prints a number with its word.
func Plural(n int64, word string) string {
	if n != 1 {
		word += "s"
	}
	return Count(n) + " " + word
}

func stages(w io.Writer, r *host.Report) {
	var rows [][]string
	for _, s := range r.Stages {
		rate := ""
		if s.Seconds > 0 && s.RowsIn > 0 {
			rate = Count(int64(float64(s.RowsIn) / s.Seconds))
		}
		rows = append(rows, []string{"  ", s.Name, s.Kind, Count(s.RowsIn), Count(s.RowsOut), fmt.Sprintf("%.3f", s.Seconds), rate, pluginNote(s)})
	}
	Table(w, []string{"  ", "stage", "kind", "rows in", "rows out", "seconds", "rows/s", ""}, rows)
}

// pluginNote tells what a plugin burnt, and which rows it failed on.
func pluginNote(s host.StageStats) string {
	var parts []string
	if s.Fuel > 0 && s.RowsIn > 0 {
		parts = append(parts, Count((s.Fuel+s.RowsIn/2)/s.RowsIn)+" fuel/row")
	}
	for _, x := range []struct {
		n    int64
		what string
	}{{s.Rejected, "rejected"}, {s.Skipped, "skipped"}} {
		if x.n > 0 {
			parts = append(parts, Count(x.n)+" "+x.what)
		}
	}
	if s.Retried > 0 {
		parts = append(parts, Count(s.Retried)+" tried again")
	}
	return strings.Join(parts, ", ")
}
