package colfile

import (
	"context"
	"fmt"
	"io"

	"github.com/zeebo/xxh3"
)

// Spill keeps rows of many files, in one scratch file, until there are enough
// of them for a row group of their own file. What is put aside is encoded as
// far as it can be without the rows to come (see segment), so that it is small
// and little is left to do when it comes back.
type Spill struct {
	w    io.Writer
	r    io.ReaderAt
	free func(at, n int64)
	at   int64
	out  []byte
}

// NewSpill gives the spill of a new, empty file: w appends to it, r reads it,
// and free, when not nil, is told of each part that will not be read again.
func NewSpill(w io.Writer, r io.ReaderAt, free func(at, n int64)) *Spill {
	if free == nil {
		free = func(int64, int64) {}
	}
	return &Spill{w: w, r: r, free: free}
}

// Run is where rows lie that one file put aside at a time. Its checksum stays
// in memory, so that a scratch file touched by others is noticed before a byte
// of it is believed.
type Run struct {
	Rows  int
	Bytes int // in the scratch file
	at    int64
	sum   uint64
}

// Put appends n buffered rows to the scratch file and empties the buffer.
func (s *Spill) Put(ctx context.Context, rows *Rows, n int) (Run, error) {
	return s.put(ctx, rows, n, leastRun)
}

// put is Put with the number of rows from which on they are encoded.
func (s *Spill) put(ctx context.Context, rows *Rows, n, least int) (Run, error) {
	l, encoded := rows.layout, n >= least
	err := l.each(ctx, func(e *encoder, i int) {
		l.learn(i, func(wantDict bool) (tried, used bool) {
			return e.putAside(&rows.leaves[i], l.parquet.Column(i), &l.chunks[i], wantDict && encoded, encoded)
		})
	})
	if err != nil {
		return Run{}, err
	}
	s.out = s.out[:0]
	for i := range l.chunks {
		s.out = append(s.out, l.chunks[i].out...)
	}
	run := Run{Rows: n, Bytes: len(s.out), at: s.at, sum: xxh3.Hash(s.out)}
	if _, err := s.w.Write(s.out); err != nil {
		return Run{}, err
	}
	s.at += int64(len(s.out))
	rows.Release()
	return run, nil
}

// load reads the runs of a group back: for each column its segments, in the
// order of the runs.
func (l *Layout) load(g Group) ([][]segment, error) {
	parts := make([][]segment, len(l.kinds))
	if len(g.Runs) == 0 {
		return parts, nil
	}
	total := 0
	for _, r := range g.Runs {
		total += r.Bytes
	}
	if cap(l.back) < total {
		l.back = make([]byte, total+total/8)
	}
	rest := l.back[:total]
	all := make([]segment, len(g.Runs)*len(l.kinds))
	for i := range parts {
		parts[i] = all[i*len(g.Runs) : (i+1)*len(g.Runs)]
	}
	for i, r := range g.Runs {
		data := rest[:r.Bytes]
		rest = rest[r.Bytes:]
		if _, err := g.Spill.r.ReadAt(data, r.at); err != nil {
			return nil, fmt.Errorf("rows put aside cannot be read back: %w", err)
		}
		if xxh3.Hash(data) != r.sum {
			return nil, fmt.Errorf("rows put aside are not what was written: %d bytes at %d", r.Bytes, r.at)
		}
		g.Spill.free(r.at, int64(r.Bytes))
		for c := range parts {
			data = parts[c][i].open(data)
		}
	}
	return parts, nil
}
