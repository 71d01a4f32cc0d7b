package colfile

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Layout is what all files of a table share: the columns, and what was
// learnt of them.
type Layout struct {
	arrow    *arrow.Schema
	parquet  *schema.Schema
	kinds    []kind
	elems    []kind
	props    *parquet.WriterProperties
	refusals []refusals
	encoders []*encoder
	chunks   []chunk
	buf      []byte
	back     []byte // runs read back
	meta     map[string]string
	keys     []string
}

// Meta is a key with a value for the footer of every file.
type Meta struct{ Key, Value string }

// NewLayout settles the columns of a table. sorted are the columns that rows
// are sorted by, ascending, nulls first; it may be empty. workers is how many
// columns are encoded at a time.
func NewLayout(s *arrow.Schema, sorted []string, createdBy string, workers int, meta []Meta) (*Layout, error) {
	fields := make([]arrow.Field, s.NumFields())
	l := &Layout{chunks: make([]chunk, s.NumFields()), refusals: make([]refusals, s.NumFields()), meta: map[string]string{}}
	for i, f := range s.Fields() {
		k, err := kindOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		elem := k
		if k == kindList {
			inner := f.Type.(*arrow.ListType).Elem()
			if elem, err = kindOf(inner); err != nil {
				return nil, fmt.Errorf("column %q: %w", f.Name, err)
			}
			f.Type = arrow.ListOf(inner)
		}
		l.kinds, l.elems = append(l.kinds, k), append(l.elems, elem)
		fields[i] = arrow.Field{Name: f.Name, Type: f.Type, Nullable: true}
	}
	l.arrow = arrow.NewSchema(fields, nil)
	var sorting []parquet.SortingColumn
	for _, name := range sorted {
		at := s.FieldIndices(name)
		if len(at) != 1 {
			return nil, fmt.Errorf("sorting column %q is not in the schema once", name)
		}
		sorting = append(sorting, parquet.SortingColumn{ColumnIdx: int32(at[0]), NullsFirst: true})
	}
	l.props = parquet.NewWriterProperties(
		parquet.WithVersion(parquet.V2_LATEST), // of the types; pages are V1
		parquet.WithDataPageVersion(parquet.DataPageV1),
		parquet.WithCompression(compress.Codecs.Snappy),
		parquet.WithCreatedBy(createdBy),
		parquet.WithSortingColumns(sorting),
		parquet.WithPageIndexEnabled(true),
	)
	var err error
	if l.parquet, err = pqarrow.ToParquet(l.arrow, l.props, pqarrow.DefaultWriterProps()); err != nil {
		return nil, err
	}
	for _, m := range meta {
		l.keys = append(l.keys, m.Key)
		l.meta[m.Key] = m.Value
	}
	for range max(1, workers) {
		l.encoders = append(l.encoders, &encoder{})
	}
	return l, nil
}

// Rows buffers rows of one file.
type Rows struct {
	layout *Layout
	arena  *Arena
	leaves []leaf
}

// NewRows gives an empty buffer whose blocks come from arena.
func (l *Layout) NewRows(a *Arena) *Rows {
	r := &Rows{layout: l, arena: a, leaves: make([]leaf, len(l.kinds))}
	for i := range r.leaves {
		r.leaves[i].init(l.kinds[i], l.elems[i])
	}
	return r
}

// Append takes the given rows of one column's source, in that order. Every
// column must be given the same rows before the next WriteGroup.
func (r *Rows) Append(column int, src *Source, rows []int32) error {
	return r.leaves[column].append(r.arena, src, rows)
}

// Bytes is the memory that the rows take.
func (r *Rows) Bytes() int64 {
	n := int64(0)
	for i := range r.leaves {
		n += r.leaves[i].bytes()
	}
	return n
}

// Release gives the memory back and drops the rows.
func (r *Rows) Release() {
	for i := range r.leaves {
		r.leaves[i].release(r.arena)
	}
}

// File is the state of one Parquet file that is written in several strokes:
// each stroke appends bytes to the same file.
type File struct {
	layout *Layout
	meta   *metadata.FileMetaDataBuilder
	index  *metadata.PageIndexBuilder
	offset int64
	groups int
	rows   int64
}

// NewFile starts a file with nothing in it.
func (l *Layout) NewFile() *File {
	return &File{
		layout: l,
		meta:   metadata.NewFileMetadataBuilder(l.parquet, l.props, metadata.NewKeyValueMetadata()),
		index:  &metadata.PageIndexBuilder{Schema: l.parquet},
	}
}

// Rows is the number of rows written so far.
func (f *File) Rows() int64 { return f.rows }

// Groups is the number of row groups written so far.
func (f *File) Groups() int { return f.groups }

// Group is what a row group is made of: rows put aside, in the order in which
// they were, then buffered rows.
type Group struct {
	Spill *Spill // of Runs; nil when there are none
	Runs  []Run
	Rows  *Rows
	N     int // rows in Rows
}

// WriteGroup encodes rows as one row group, appends it to w and empties the
// buffer.
func (f *File) WriteGroup(ctx context.Context, w io.Writer, g Group) error {
	if f.groups > math.MaxInt16 {
		return fmt.Errorf("more than %d row groups in one file", math.MaxInt16)
	}
	l, n := f.layout, g.N
	parts, err := l.load(g)
	if err != nil {
		return err
	}
	for _, r := range g.Runs {
		n += r.Rows
	}
	err = l.each(ctx, func(e *encoder, i int) {
		l.learn(i, func(wantDict bool) (tried, used bool) {
			return e.encode(&g.Rows.leaves[i], parts[i], l.parquet.Column(i), &l.chunks[i], wantDict)
		})
	})
	if err != nil {
		return err
	}
	g.Rows.Release()
	sink := &sink{buf: l.buf[:0], base: f.offset}
	if f.offset == 0 {
		sink.buf = append(sink.buf, magic...)
	}
	if err := f.index.AppendRowGroup(); err != nil {
		return err
	}
	group := f.meta.AppendRowGroup()
	for i := range l.chunks {
		if err := f.writeChunk(sink, group.NextColumnChunk(), i); err != nil {
			return err
		}
	}
	group.SetNumRows(n)
	if err := group.Finish(0, int16(f.groups)); err != nil {
		return err
	}
	f.groups++
	f.rows += int64(n)
	l.buf = sink.buf
	return f.flush(w, sink)
}

// each has work done for every column, the workers sharing them out.
func (l *Layout) each(ctx context.Context, work func(e *encoder, column int)) error {
	var next atomic.Int64
	share := func(e *encoder) {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(l.kinds) {
				return
			}
			work(e, i)
		}
	}
	var wg sync.WaitGroup
	for _, e := range l.encoders[1:] {
		wg.Go(func() { share(e) })
	}
	share(l.encoders[0])
	wg.Wait()
	return ctx.Err()
}

// learn asks for a dictionary of column i unless that is hopeless, and keeps
// in mind what came of it.
func (l *Layout) learn(i int, encode func(wantDict bool) (tried, used bool)) {
	r := &l.refusals[i]
	switch tried, used := encode(!r.hopeless()); {
	case used:
		r.paid++
	case tried:
		r.n++
	}
}

// writeChunk lays down the pages of column i.
func (f *File) writeChunk(s *sink, meta *metadata.ColumnChunkMetaDataBuilder, i int) error {
	c := &f.layout.chunks[i]
	pager, err := pqfile.NewPageWriter(s, compress.Codecs.Snappy, 0, meta, int16(f.groups), int16(i), memory.DefaultAllocator, false, nil, nil)
	if err != nil {
		return err
	}
	columns, err := f.index.GetColumnIndexBuilder(i)
	if err != nil {
		return err
	}
	offsets, err := f.index.GetOffsetIndexBuilder(i)
	if err != nil {
		return err
	}
	pager.SetIndexBuilders(columns, offsets)
	info := metadata.ChunkMetaInfo{NumValues: int64(c.levels), IndexPageOffset: -1}
	stats := metadata.EncodingStats{DataEncodingStats: map[parquet.Encoding]int32{c.encoding: int32(len(c.pages))}}
	start := s.Tell()
	if c.dictEntries > 0 {
		info.DictPageOffset = start
		stats.DictEncodingStats = map[parquet.Encoding]int32{parquet.Encodings.Plain: 1}
		written, err := pager.WriteDictionaryPage(pqfile.NewDictionaryPage(memory.NewBufferBytes(c.dict), int32(c.dictEntries), parquet.Encodings.Plain))
		if err != nil {
			return err
		}
		info.UncompressedSize += written - s.last + int64(len(c.dict))
	}
	info.DataPageOffset = s.Tell()
	descr, first := f.layout.parquet.Column(i), int64(0)
	for _, p := range c.pages {
		dp := pqfile.NewDataPageV1WithConfig(memory.NewBufferBytes(c.out[p.from:p.to]), parquet.Encodings.RLE, parquet.Encodings.RLE, pqfile.DataPageConfig{
			Num: int32(p.levels), Encoding: c.encoding, UncompressedSize: int32(p.raw), Stats: p.span.encoded(descr, p.nulls, p.levels-p.nulls), FirstRowIndex: first,
		})
		written, err := pager.WriteDataPage(dp)
		dp.Release()
		if err != nil {
			return err
		}
		info.UncompressedSize += written - int64(p.to-p.from) + int64(p.raw)
		first += int64(p.rows)
	}
	info.CompressedSize = s.Tell() - start
	if err := columns.Finish(); err != nil {
		return err
	}
	if err := offsets.Finish(0); err != nil {
		return err
	}
	meta.SetStats(c.span.encoded(descr, c.nulls, c.levels-c.nulls))
	return meta.Finish(info, c.dictEntries > 0, false, stats)
}

// Close appends the indexes and the footer to w. The file is complete then.
func (f *File) Close(w io.Writer) error {
	s := &sink{buf: f.layout.buf[:0], base: f.offset}
	if f.offset == 0 {
		s.buf = append(s.buf, magic...)
	}
	f.index.Finish()
	var where metadata.PageIndexLocation
	if err := f.index.WriteTo(s, &where); err != nil {
		return err
	}
	if err := f.meta.SetPageIndexLocation(where); err != nil {
		return err
	}
	for _, k := range f.layout.keys {
		if err := f.meta.AppendKeyValueMetadata(k, f.layout.meta[k]); err != nil {
			return err
		}
	}
	footer, err := f.meta.Finish()
	if err != nil {
		return err
	}
	n, err := footer.WriteTo(s, nil)
	if err != nil {
		return err
	}
	s.buf = binary.LittleEndian.AppendUint32(s.buf, uint32(n))
	s.buf = append(s.buf, magic...)
	f.layout.buf = s.buf
	return f.flush(w, s)
}

// flush writes the sink's bytes in strokes that a disk likes.
func (f *File) flush(w io.Writer, s *sink) error {
	f.offset = s.Tell()
	_, err := w.Write(s.buf)
	return err
}

var magic = []byte("PAR1")

// sink gathers the bytes of one stroke and knows where in the file it is.
type sink struct {
	buf  []byte
	base int64
	last int64 // size of the last Write
}

func (s *sink) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	s.last = int64(len(p))
	return len(p), nil
}

func (s *sink) Tell() int64 { return s.base + int64(len(s.buf)) }
