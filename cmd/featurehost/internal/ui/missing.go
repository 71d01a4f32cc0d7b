package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/featurehost/featurehost/host"
)

// MissingSummary is what --missing found, or did, in one line.
func MissingSummary(r *host.MissingReport) string {
	days := int64(0)
	for _, c := range r.Chunks {
		days += int64(c.Days)
	}
	if days == 0 {
		return fmt.Sprintf("%s: no day is missing from %s to %s", r.Set, r.Start, r.End)
	}
	verb := "missing"
	if len(r.Runs) == len(r.Chunks) {
		verb = "computed"
	}
	return fmt.Sprintf("%s: %s %s from %s to %s, in %s", r.Set, Plural(days, "day"), verb, r.Start, r.End, Plural(int64(len(r.Chunks)), "run"))
}

// Missing prints the missing days and, where it was asked for, what each run
// over them reads.
func Missing(w io.Writer, r *host.MissingReport) {
	var rows [][]string
	for _, c := range r.Chunks {
		row := []string{"  ", c.Start + ".." + c.End, Plural(int64(c.Days), "day"), strings.Join(c.Reasons, ", ")}
		if len(c.Readers) == 0 {
			rows = append(rows, append(row, ""))
		}
		for i, x := range c.Readers {
			if i > 0 {
				row = []string{"  ", "", "", ""}
			}
			rows = append(rows, append(row, "reads "+toRead(x)))
		}
	}
	Table(w, []string{"", "", "", "", ""}, rows)
	fmt.Fprintln(w, MissingSummary(r))
}

// toRead says what a run reads of a reader.
func toRead(x host.ReaderToRead) string {
	parts := []string{x.ID + ": " + Plural(x.Files, objectOf(x.Type))}
	if x.Bytes > 0 || x.Files == 0 {
		parts = append(parts, Bytes(x.Bytes))
	}
	if x.RowGroups+x.RowGroupsSkipped > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d row groups", x.RowGroups, x.RowGroups+x.RowGroupsSkipped))
	}
	if x.Rows != nil {
		parts = append(parts, "about "+Plural(*x.Rows, "row"))
	}
	switch {
	case x.From != "" && x.To != "":
		parts = append(parts, "of "+x.From+".."+x.To)
	case x.To != "":
		parts = append(parts, "of all days to "+x.To)
	case x.From != "":
		parts = append(parts, "of all days from "+x.From)
	}
	if x.DaysOf != "" {
		parts = append(parts, "by "+x.DaysOf)
	}
	return strings.Join(parts, ", ")
}
