package contract

import (
	"github.com/featurehost/featurehost/host/flow"
)

// Reads names the input columns that the plugin sees.
func (b *Binding) Reads() []string {
	var names []string
	seen := map[int]bool{}
	for _, i := range b.Pick {
		if !seen[i] {
			names = append(names, b.In.Field(i).Name)
		}
		seen[i] = true
	}
	return names
}

// Makes names the columns of the stage that the plugin answers with.
func (b *Binding) Makes() []string {
	var names []string
	for i, from := range b.source {
		if from < 0 {
			names = append(names, b.Out.Field(i).Name)
		}
	}
	return names
}

// ByRows tells whether the plugin answers with the numbers of the rows that
// stay: then it answers with as many rows as it likes.
func (b *Binding) ByRows() bool { return b.selection == byRows }

// Position gives that of the rows that come out: those that a filter leaves do
// not follow each other.
func (b *Binding) Position(in flow.Position) flow.Position {
	if b.selection != allRows {
		return flow.Position{}
	}
	return in
}
