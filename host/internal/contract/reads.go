package contract

import (
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi/cdata"
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

// ByRows tells whether the plugin answers with numbers of rows: then it answers
// with as many rows as it likes.
func (b *Binding) ByRows() bool { return b.selection == byRows || b.selection == byTake }

// CheckRows holds the numbers that the plugin answered against the batch.
func (b *Binding) CheckRows(made flow.Record, rows int64) error {
	numbers := made.Column(0).(*array.Int32).Int32Values()
	if b.selection == byTake {
		return cdata.CheckTake(numbers, rows)
	}
	return cdata.CheckRows(numbers, rows)
}

// Position gives that of the rows that come out: those that a filter leaves do
// not follow each other.
func (b *Binding) Position(in flow.Position) flow.Position {
	if b.selection != allRows {
		return flow.Position{}
	}
	return in
}
