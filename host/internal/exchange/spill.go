package exchange

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/host/fault"
)

// run is a sorted run of rows in a file: an Arrow IPC stream, one record per
// block, without compression.
type run struct {
	path   string
	file   spillFile
	blocks []block
	firsts []uint32 // the first key of each block, as a row of spiller.firsts
	bytes  int64
	level  int // 0 for rows as they came, else one above the runs merged
}

// block is one record of a run. Its checksum stays in memory, so that a file
// touched by others is noticed before a byte of it is believed.
type block struct {
	offset, bytes int64
	rows          int
	sum           uint64
}

// spillFile is what is asked of a file.
type spillFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// spiller makes run files in a folder of its own.
type spiller struct {
	o      *ordering
	opts   Options
	mem    *held
	folder string // empty until the first run
	made   int
	schema []byte // the message all runs begin with
	firsts *store // rows of keys
	create func(path string) (spillFile, error)

	runs, bytes int64 // ever written
}

func newSpiller(o *ordering, opts Options, mem *held) *spiller {
	keys := make([]arrow.Field, o.keys)
	chain := make([]int, o.keys)
	for i, c := range o.chain[:o.keys] {
		keys[i], chain[i] = o.schema.Field(c), i
	}
	ko := &ordering{schema: arrow.NewSchema(keys, nil), chain: chain, keys: o.keys, time: -1}
	return &spiller{
		o: o, opts: opts, mem: mem,
		firsts: newStore(newTable(ko), mem, 64, opts.blockBytes()),
		create: func(path string) (spillFile, error) {
			return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		},
	}
}

// blockRows is the most rows of a block.
func (s *spiller) blockRows() int {
	return int(min(max(s.opts.blockBytes()/fixedBytes(s.o.schema), 1), slotRows))
}

// write makes a run of rows that next names, a few of t at a time, in order.
// next gives none at the end; what it gave is gathered before it is asked
// again.
func (s *spiller) write(ctx context.Context, t *table, level int, next func() ([]uint32, error)) (_ *run, err error) {
	if s.folder == "" {
		if s.folder, err = os.MkdirTemp(s.opts.Scratch, "exchange-"); err != nil {
			return nil, fault.Wrap(err, ScratchUnwritable, "rows do not fit the budget of %d bytes, and %q cannot be written", s.opts.MemoryBytes, s.opts.Scratch).
				WithHint("make the folder writable, name another one, or raise --memory")
		}
	}
	s.made++
	r := &run{path: filepath.Join(s.folder, fmt.Sprintf("run-%06d.arrow", s.made)), level: level}
	if r.file, err = s.create(r.path); err != nil {
		return nil, fault.Wrap(err, ScratchUnwritable, "file %q for spilled rows cannot be made", r.path)
	}
	defer func() {
		if err != nil {
			s.remove(r)
		}
	}()
	w := &blockWriter{s: s, r: r}
	defer w.release()
	out := ipc.NewWriterWithPayloadWriter(w, ipc.WithSchema(s.o.schema), ipc.WithAllocator(s.mem))
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ids, err := next()
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			break
		}
		record, err := t.gather(ids, s.mem)
		if err != nil {
			return nil, err
		}
		w.rows = len(ids)
		err = out.Write(record)
		if err == nil {
			err = s.remember(r, record)
		}
		record.Release()
		if err != nil {
			return nil, s.writeError(r, err)
		}
	}
	if err := out.Close(); err != nil {
		return nil, s.writeError(r, err)
	}
	s.runs++
	s.bytes += r.bytes
	return r, nil
}

func (s *spiller) writeError(r *run, err error) error {
	return fault.Wrap(err, SpillWrite, "spilled rows cannot be written to %q, after %d bytes", r.path, r.bytes).
		WithHint("free space there, point the scratch folder at a larger disk, or raise --memory")
}

// remember keeps the first key of a block.
func (s *spiller) remember(r *run, record arrow.RecordBatch) error {
	columns := make([]arrow.Array, s.o.keys)
	for i, c := range s.o.chain[:s.o.keys] {
		columns[i] = record.Column(c)
	}
	keys := array.NewRecordBatch(s.firsts.table.o.schema, columns, record.NumRows())
	defer keys.Release()
	r.firsts = append(r.firsts, rowID(len(s.firsts.table.records), s.firsts.rows))
	return s.firsts.add(keys, 0, 1)
}

// remove closes and removes a run; errors do not matter, for the folder goes
// too in the end.
func (s *spiller) remove(r *run) {
	_ = r.file.Close()
	_ = os.Remove(r.path)
}

// blockWriter is the payload writer of one run: it turns each record into one
// write of known place and checksum.
type blockWriter struct {
	s    *spiller
	r    *run
	buf  bytes.Buffer
	held int64
	rows int
}

// Start implements ipc.PayloadWriter.
func (w *blockWriter) Start() error { return nil }

// Close implements ipc.PayloadWriter.
func (w *blockWriter) Close() error { return nil }

// WritePayload implements ipc.PayloadWriter. The first payload is the schema.
func (w *blockWriter) WritePayload(p ipc.Payload) error {
	w.buf.Reset()
	if _, err := p.WritePayload(&w.buf); err != nil {
		return err
	}
	w.s.mem.add(int64(w.buf.Cap()) - w.held)
	w.held = int64(w.buf.Cap())
	b := w.buf.Bytes()
	if w.r.bytes == 0 {
		if w.s.schema == nil {
			w.s.schema = bytes.Clone(b)
		}
	} else {
		w.r.blocks = append(w.r.blocks, block{offset: w.r.bytes, bytes: int64(len(b)), rows: w.rows, sum: xxh3.Hash(b)})
	}
	n, err := w.r.file.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.r.bytes += int64(n)
	return err
}

func (w *blockWriter) release() { w.s.mem.add(-w.held) }
