package cassandra

import (
	"bytes"
	"context"
	"os"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// winnersBytes bounds the rows that newest holds: so much of the staged file
// is settled in one pass over it.
const winnersBytes = 64 << 20

// winner is the newest row of a key so far.
type winner struct {
	time, revision int64
	row            []byte // canonical bytes
	number         int64  // of the row in the file
}

// beats is the rule of S-1302.
func (w winner) beats(o winner) bool {
	switch {
	case w.time != o.time:
		return w.time > o.time
	case w.revision != o.revision:
		return w.revision > o.revision
	}
	return bytes.Compare(w.row, o.row) > 0
}

// newest calls write with the newest row of every key of a staged file in
// which keys repeat, as the rows of a stream do. It reads the file twice for
// every share of the keys, of bound bytes of rows, so that memory does not grow with it.
func newest(ctx context.Context, file string, bound int64, begin func(*flow.Schema) error, want func() target, write func(flow.Record, []int) error) error {
	info, err := os.Stat(file)
	if err != nil {
		return staged.Failed(err, file)
	}
	shares := uint64(info.Size()/bound) + 1
	var order []int
	first := func(in *flow.Schema) error {
		columns, err := staged.Columns(in)
		if err != nil {
			return err
		}
		order = canonical.ByName(columns)
		return begin(in)
	}
	var key []byte
	for share := range shares {
		winners := map[string]winner{}
		number := int64(0)
		err := staged.Read(ctx, file, first, func(r flow.Record) error {
			keys := keyColumns(want(), r)
			times, revisions := r.Column(want().timestamp()).(*array.Timestamp), revisionsOf(r)
			for i := range int(r.NumRows()) {
				number++
				key = appendKey(key[:0], keys, i)
				if xxh3.Hash(key)%shares != share {
					continue
				}
				w := winner{time: int64(times.Value(i)), revision: revisions.Value(i), row: canonical.AppendRow(nil, r, order, i), number: number}
				if before, there := winners[string(key)]; !there || w.beats(before) {
					winners[string(key)] = w
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		number = 0
		err = staged.Read(ctx, file, first, func(r flow.Record) error {
			keys := keyColumns(want(), r)
			rows := []int{}
			for i := range int(r.NumRows()) {
				number++
				key = appendKey(key[:0], keys, i)
				if winners[string(key)].number == number {
					rows = append(rows, i)
				}
			}
			return write(r, rows)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
