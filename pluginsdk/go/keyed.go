package sdk

import "strings"

const (
	rowsColumn = "fh_rows"
	keyColumn  = "fh_key_"
	timeColumn = "fh_time"
)

// Keyed registers a plugin of kind keyed. process is given the rows of its keys, in
// order of time; the columns fh_key_0, fh_key_1, ... and fh_time stand in front of
// those of the manifest. It makes rows by out.Take. flush is called at the end of
// input until it makes no rows; it makes them by out.Make, in the columns of the
// keys and the time beside the plugin's own.
//
// S is what the configuration decodes into, and what the plugin keeps between
// batches, in fields that are not exported; it may implement Checker. The columns
// are those that the manifest declares after fh_rows.
func Keyed[S any](process func(s *S, in Batch, out *Builder) error, flush func(s *S, out *Builder) error, columns ...Field) *Plugin {
	p := &Plugin{fields: append([]Field{{Name: rowsColumn, Type: "int32"}}, columns...)}
	p.setUp = func(config any) (func(Batch, *Builder) error, error) {
		s, err := configure[S](config)
		p.flush = func(out *Builder) error { return flush(s, out) }
		return func(in Batch, out *Builder) error { return process(s, in, out) }, err
	}
	p.keyed = true
	return register(p)
}

// Take makes an output row for each number, which goes with the input row of that
// number: in any order, with gaps and repeats. A keyed plugin takes once in a
// batch, before it asks for columns; without it no rows are made.
func (b *Builder) Take(rows []int32) {
	if b.chosen != byTake {
		panic("Take is for the batches of a keyed plugin")
	}
	b.reset(len(rows))
	copy(b.Int32(rowsColumn).Values(), rows)
}

// Make makes so many rows of a keyed plugin's flush, before it asks for columns;
// more than the stage's limits.max_batch_rows are refused, so some thousands at a
// time are a good number.
func (b *Builder) Make(rows int) {
	if b.chosen != byMake {
		panic("Make is for the flush of a keyed plugin")
	}
	b.reset(rows)
}

// chosen says who knows how many rows an answer has.
type chosen int

const (
	byInput chosen = iota
	byTake
	byMake
)

// openKeyed lays out the flush: keys and time as they come in, then the columns
// of the plugin.
func (p *Plugin) openKeyed(in []Field) (err error) {
	var fields []Field
	for _, f := range in {
		if f.Name == timeColumn || strings.HasPrefix(f.Name, keyColumn) {
			f.Nullable = true
			fields = append(fields, f)
		}
	}
	if p.flushed, err = newBuilder(append(fields, p.out.Fields()[1:]...)); err != nil {
		return err
	}
	p.out.chosen, p.flushed.chosen = byTake, byMake
	return nil
}

// end makes the next rows of the flush; no rows are the end of it.
func (p *Plugin) end() error {
	p.flushed.reset(0)
	if err := p.flush(p.flushed); err != nil {
		return err
	}
	return p.flushed.done()
}
