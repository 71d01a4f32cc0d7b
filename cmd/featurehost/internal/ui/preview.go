package ui

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/featurehost/featurehost/host/flow"
)

// Preview keeps the first rows it is given, to print them as a table.
type Preview struct {
	Limit int

	mu       sync.Mutex
	headings []string
	rows     [][]string
}

// Add takes a batch, borrowed.
func (p *Preview) Add(b flow.Batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.headings == nil {
		for _, f := range b.Record.Schema().Fields() {
			p.headings = append(p.headings, f.Name)
		}
	}
	for i := 0; i < int(b.Rows()) && len(p.rows) < p.Limit; i++ {
		row := make([]string, b.Record.NumCols())
		for c := range row {
			row[c] = cell(b.Record, c, i)
		}
		p.rows = append(p.rows, row)
	}
	return nil
}

// Clear forgets the rows.
func (p *Preview) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows = nil
}

func cell(r flow.Record, column, i int) string {
	a := r.Column(column)
	if a.IsNull(i) {
		return "null"
	}
	return a.ValueStr(i)
}

// wide is the number of columns from which on rows are printed down the page.
const wide = 8

// Print writes the rows as a table, or one value per line when there are many
// columns.
func (p *Preview) Print(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.headings) <= wide {
		Table(w, p.headings, p.rows)
		fmt.Fprintln(w)
		return
	}
	longest := 0
	for _, h := range p.headings {
		longest = max(longest, len(h))
	}
	for _, r := range p.rows {
		for i, v := range r {
			fmt.Fprintf(w, "%s%s  %s\n", p.headings[i], strings.Repeat(" ", longest-len(p.headings[i])), v)
		}
		fmt.Fprintln(w)
	}
}
