package flow

import "fmt"

// Position is where rows came from, as far as it is known: an object (a file,
// later a topic partition) and the number of a row in it, from 0. The zero
// Position is "unknown", for rows that a join or an aggregate made.
type Position struct {
	Object string
	Row    int64
}

// String gives "path:row 17" with rows counted from 1, or "" when unknown.
func (p Position) String() string {
	if p.Object == "" {
		return ""
	}
	return fmt.Sprintf("%s:row %d", p.Object, p.Row+1)
}

// Rows tells where n rows are that begin here: "a.csv:row 1", or "a.csv:rows 1 to
// 8192"; "" where that is not known.
func (p Position) Rows(n int64) string {
	if p.Object == "" || n == 1 {
		return p.String()
	}
	return fmt.Sprintf("%s:rows %d to %d", p.Object, p.Row+1, p.Row+n)
}

// Batch is a run of rows on one edge of the pipeline.
type Batch struct {
	Record   Record
	Position Position // of the first row; later rows follow it in the same object
}

// Rows is the number of rows.
func (b Batch) Rows() int64 { return b.Record.NumRows() }

// Slice gives the rows from from up to to, as a batch of its own: the caller
// releases it.
func (b Batch) Slice(from, to int64) Batch {
	if from == 0 && to == b.Rows() {
		b.Retain()
		return b
	}
	part := Batch{Record: b.Record.NewSlice(from, to), Position: b.Position}
	if part.Position.Object != "" {
		part.Position.Row += from
	}
	return part
}

// Retain adds a reference to the rows.
func (b Batch) Retain() { b.Record.Retain() }

// Release gives one reference back.
func (b Batch) Release() { b.Record.Release() }

// Emit takes a batch from a stage and owns it from then on.
type Emit func(Batch) error

// Pieces hands on a batch in pieces, each as many rows as most tells of what is
// left, which is at least one. do borrows a piece; its error ends it.
func (b Batch) Pieces(most func(rest Batch) int64, do func(piece Batch) error) error {
	for from := int64(0); from < b.Rows(); {
		rest := b.Slice(from, b.Rows())
		piece := rest.Slice(0, min(rest.Rows(), max(1, most(rest))))
		rest.Release()
		from += piece.Rows()
		err := do(piece)
		piece.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

// EmitAll hands on batches, which emit owns from then on. Those behind an error
// are given back.
func EmitAll(batches []Batch, emit Emit) error {
	for i, b := range batches {
		if err := emit(b); err != nil {
			ReleaseAll(batches[i+1:])
			return err
		}
	}
	return nil
}

// ReleaseAll gives batches back.
func ReleaseAll(batches []Batch) {
	for _, b := range batches {
		b.Release()
	}
}
