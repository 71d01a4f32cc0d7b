package cassandra

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// tiesBytes bounds what ties remembers: that many bytes of rows twice.
const tiesBytes = 32 << 20

// behind is the revision of a row that lost a tie: before all others of its
// millisecond.
const behind = -1

// ties tells rows of one key and millisecond apart that come in different
// portions of a stream, where no ledger counts: with one write time Cassandra
// would mix their cells (S-1304). The newest row of each key is remembered, for
// as long as there is room; a greater one of its millisecond gets the next
// revision, a lesser one comes behind.
type ties struct {
	now, before map[string]tied
	bytes       int // of now
	bound       int
	key, row    []byte
}

// tied is the newest row of a key so far.
type tied struct {
	us, revision int64
	row          []byte // canonical bytes
}

func newTies() *ties { return &ties{now: map[string]tied{}, bound: tiesBytes} }

// revisions gives those of the rows of a batch.
func (t *ties) revisions(want target, r flow.Record) *array.Int64 {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	defer b.Release()
	keys, times := keyColumns(want, r), r.Column(want.timestamp()).(*array.Timestamp)
	order := canonical.ByName(r.Schema())
	for i := range int(r.NumRows()) {
		t.key = appendKey(t.key[:0], keys, i)
		t.row = canonical.AppendRow(t.row[:0], r, order, i)
		b.Append(t.revision(t.key, int64(times.Value(i)), t.row))
	}
	return b.NewArray().(*array.Int64)
}

// revision is that of a row.
func (t *ties) revision(key []byte, us int64, row []byte) int64 {
	was, there := t.now[string(key)]
	if !there {
		was, there = t.before[string(key)]
	}
	switch {
	case !there || millis(us) > millis(was.us):
		t.keep(key, tied{us: us, row: bytes.Clone(row)})
		return 0
	case millis(us) < millis(was.us):
		return 0 // its time says all
	case us == was.us && bytes.Equal(row, was.row):
		return was.revision
	case us > was.us || us == was.us && bytes.Compare(row, was.row) > 0:
		next := tied{us: us, revision: min(was.revision+1, lastRevision), row: bytes.Clone(row)}
		t.keep(key, next)
		return next.revision
	}
	return behind
}

func (t *ties) keep(key []byte, row tied) {
	t.now[string(key)] = row
	// What a map takes beside the bytes themselves.
	if t.bytes += len(key) + len(row.row) + 100; t.bytes > t.bound {
		t.before, t.now, t.bytes = t.now, map[string]tied{}, 0
	}
}
