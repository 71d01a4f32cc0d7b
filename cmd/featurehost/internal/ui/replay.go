package ui

import (
	"fmt"
	"io"
	"strings"

	"github.com/featurehost/featurehost/host"
)

// Replay prints what became of letters that their stage was given again.
func Replay(w io.Writer, r *host.ReplayReport) {
	fmt.Fprintf(w, "through %s, up to %s: %s\n", strings.Join(r.Through, ", "), r.Before, r.Why)
	for _, then := range r.Then {
		if then == r.Now {
			fmt.Fprintf(w, "  plugin then and now  %s\n", then)
		} else {
			fmt.Fprintf(w, "  plugin then  %s\n", then)
		}
	}
	if r.Now != "" && (len(r.Then) != 1 || r.Then[0] != r.Now) {
		fmt.Fprintf(w, "  plugin now   %s\n", r.Now)
	}
	var rows [][]string
	for _, f := range r.Failed {
		rows = append(rows, []string{"  fail", Count(f.Rows), f.Stage, f.Reason, strings.ReplaceAll(f.Message, "\n", " ")})
	}
	Table(w, []string{"", "", "", "", ""}, rows)
	if r.Out != "" {
		fmt.Fprintf(w, "  %s rows written to %s\n", Count(r.Rows), r.Out)
	}
}
