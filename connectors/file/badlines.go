package file

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// deadLetter is the value of on_bad_row that puts malformed rows aside.
const deadLetter = "dead_letter"

// badRow is the reason of a row put aside (S-107).
const badRow = "bad_row"

// mostOdd is how many lines are given to the SQL engine at once to tell what
// they mean.
const mostOdd = 4096

// checkBadRows refuses to put rows aside where a bad one cannot be told from
// its neighbours.
func (r *Reader) checkBadRows() error {
	if r.cfg.OnBadRow != deadLetter {
		return nil
	}
	switch {
	case r.cfg.Format == "csv":
		return fault.New(BadConfig, "on_bad_row = %q is not for csv: a missing quote makes one row of many, and where the next one begins nothing tells", deadLetter).
			WithHint("remove it, or write the rows as JSON lines")
	case r.cfg.Format != "json":
		return fault.New(BadConfig, "on_bad_row = %q is for JSON lines: a damaged %s file has no rows that could be told apart", deadLetter, r.cfg.Format).
			WithHint("remove it")
	case r.cfg.Schema == nil:
		return fault.New(BadConfig, "on_bad_row = %q needs a schema: without one, what is malformed is a guess", deadLetter).
			WithHint("name the fields, as in schema = { id = \"bigint\" }")
	}
	return nil
}

// checkPacked refuses packed files where lines must be looked at one by one.
func (r *Reader) checkPacked(list []object) error {
	for _, o := range list {
		if r.cfg.OnBadRow == deadLetter && packing(o.path) != "" {
			return fault.New(BadConfig, "on_bad_row = %q is not for packed files", deadLetter).At("%s", o.path).WithHint("unpack it, or remove on_bad_row")
		}
	}
	return nil
}

// oddLines gives the lines that are not plain, and a few behind them, to the
// SQL engine. Those that it refuses as well go to the dead letter.
func (r *Reader) oddLines(ctx context.Context, x *read) error {
	l := x.lines
	if l.row > l.calm { // odd lines are rare: one at a time is cheapest
		l.odd = 1
	}
	end, n := l.from, 0
	for n < l.odd {
		i := bytes.IndexByte(l.buf[end:l.to], '\n')
		if i < 0 {
			break
		}
		end += i + 1
		n++
	}
	if n == 0 {
		return fault.New(BadRow, "the line is longer than %d MiB", longestPlain>>20).At("%s:line %d", x.object.path, l.line+1)
	}
	err := r.convertLines(ctx, x, l.buf[l.from:end])
	l.from = end
	l.odd = min(2*l.odd, mostOdd)
	l.calm = l.row + int64(l.odd)
	return err
}

// convertLines makes the rows of some lines ready. When one of them is bad the
// lines are halved until it stands alone.
func (r *Reader) convertLines(ctx context.Context, x *read, text []byte) error {
	l := x.lines
	count := bytes.Count(text, []byte{'\n'})
	if len(bytes.TrimSpace(text)) == 0 {
		l.line += int64(count)
		return nil
	}
	rows, err := r.linesAsRows(ctx, x, text)
	if fault.Is(err, BadRow) {
		if count <= 1 {
			return r.rejectLine(ctx, x, text, err)
		}
		cut := 0
		for range count / 2 {
			cut += bytes.IndexByte(text[cut:], '\n') + 1
		}
		if err := r.convertLines(ctx, x, text[:cut]); err != nil {
			return err
		}
		return r.convertLines(ctx, x, text[cut:])
	}
	l.row += rows
	l.line += int64(count)
	return err
}

// linesAsRows has the SQL engine read lines, and makes their rows ready.
func (r *Reader) linesAsRows(ctx context.Context, x *read, text []byte) (rows int64, err error) {
	lines, err := os.CreateTemp(r.env.Scratch, "lines-*.json")
	if err != nil {
		return 0, fault.Wrap(err, CannotRead, "cannot make a file in the scratch folder")
	}
	dst := lines.Name() + ".parquet"
	defer os.Remove(dst)
	defer os.Remove(lines.Name())
	_, err = lines.Write(text)
	if cerr := lines.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, fault.Wrap(err, CannotRead, "cannot write to the scratch folder")
	}
	if err := r.env.SQL.Convert(ctx, r.foreign(arrow.NewSchema(r.fields, nil), lines.Name()), dst); err != nil {
		return 0, renamed(rowFault(err), lines.Name(), x.object.path)
	}
	src, err := openLocal(dst, x.object.path)
	if err != nil {
		return 0, err
	}
	f, _, err := openStored(src, x.object.path, x.rows)
	if err != nil {
		return 0, err
	}
	defer f.close()
	if err := r.alike(f); err != nil {
		return 0, err
	}
	own := x.own
	x.own = r.columnsOf(x, f)
	defer func() { x.own = own }()
	for n := range f.raw.NumRowGroups() {
		g, err := f.openGroup(ctx, n, x.own)
		if err != nil {
			return rows, err
		}
		for {
			arrays, k, bad, err := g.next(ctx, x.rows)
			if err != nil || k == 0 {
				g.close()
				if err != nil {
					return rows, err
				}
				break
			}
			err = r.giveRows(ctx, x, arrays, k, bad, x.lines.row+rows)
			if err != nil {
				g.close()
				return rows, err
			}
			rows += int64(k)
		}
	}
	return rows, nil
}

// giveRows makes decoded rows ready, the first of which is number row of its
// file.
func (r *Reader) giveRows(ctx context.Context, x *read, arrays []arrow.Array, n int, bad []int64, row int64) error {
	defer func() {
		for _, a := range arrays {
			a.Release()
		}
	}()
	r.stats.Rows += int64(n)
	for i, b := range bad {
		if b > 0 {
			r.env.Counter.Add("cast_failures", x.own[i].name, b)
		}
	}
	whole, err := r.assemble(x, arrays, n)
	if err != nil {
		return err
	}
	defer whole.Release()
	return r.cut(ctx, x, whole, arrays, row)
}

// rejectLine puts a line aside, with its number and what is wrong with it.
func (r *Reader) rejectLine(ctx context.Context, x *read, text []byte, why error) error {
	l := x.lines
	b := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	defer b.Release()
	b.Append(bytes.TrimRight(text, "\r\n"))
	line := b.NewArray()
	defer line.Release()
	record := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "line", Type: arrow.BinaryTypes.Binary}}, nil), []arrow.Array{line}, 1)
	defer record.Release()
	message := why.Error()
	if f := fault.As(why); f != nil {
		message = f.Message
	}
	err := r.env.Rejects.Reject(ctx, flow.Rejection{
		Stage: r.cfg.ID, Reason: badRow, Message: fmt.Sprintf("line %d: %s", l.line+1, message), Rows: []int{0},
		Batch: flow.Batch{Record: record, Position: flow.Position{Object: x.object.path, Row: l.row}},
	})
	r.stats.Rows++
	r.stats.BadRows++
	l.row++
	l.line++
	return err
}
