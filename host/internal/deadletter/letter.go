package deadletter

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/host/flow"
)

// Letter is one rejected row.
type Letter struct {
	Row     flow.Record // the row alone, as the stage saw it
	Reason  string      // null_key, null_timestamp, bad_row; of a plugin the code of its failure, FH-3002; not_tried
	Message string      // detail; may be empty
	Stage   string      // who turned it down
	Plugin  string      // name@version; empty when the stage is built in
	Digest  string      // of the plugin; empty likewise
	Object  string      // file that the row came from; empty when unknown
	// SourceRow is the number of the row in Object, counted from 0 as in
	// flow.Position; messages to people say one more. It is meaningless when
	// Object is empty.
	SourceRow int64
}

// A file tells the version of its format in its Parquet metadata, and its sum.
// Files with neither are older and of version 1, whose columns are those of now.
const (
	formatKey     = "featurehost.dead_letter"
	formatVersion = "1"
)

// columns of the file, in the order of Letter.
func columns() *arrow.Schema {
	text := func(name string) arrow.Field { return arrow.Field{Name: name, Type: arrow.BinaryTypes.String} }
	return arrow.NewSchema([]arrow.Field{
		{Name: "row", Type: arrow.BinaryTypes.Binary},
		text("reason"), text("message"), text("stage"), text("plugin"), text("digest"),
		{Name: "object", Type: arrow.BinaryTypes.String, Nullable: true},
		// From 0, although messages count from 1: see Letter.SourceRow.
		{Name: "source_row", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		// xxh3-64 of row. The decoder of Arrow IPC trusts lengths it reads, so
		// bytes that were damaged must not reach it.
		{Name: "row_hash", Type: arrow.PrimitiveTypes.Int64},
	}, nil)
}

// encodeRow writes row i of a batch as an Arrow IPC stream of its own.
func encodeRow(r flow.Record, i int) ([]byte, error) {
	one := r.NewSlice(int64(i), int64(i)+1)
	defer one.Release()
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(r.Schema()))
	if err := errors.Join(w.Write(one), w.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// hash of the bytes of a row, as the file keeps it.
func hash(row []byte) int64 { return int64(xxh3.Hash(row)) }

// decodeRow reads what encodeRow wrote, if it has the hash. The caller releases
// the row.
func decodeRow(b []byte, want int64) (flow.Record, error) {
	if hash(b) != want {
		return nil, errors.New("the row's bytes are damaged: they do not have the hash kept with them")
	}
	r, err := ipc.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if !r.Next() {
		if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errors.New("the stream holds no row")
	}
	row := r.RecordBatch()
	if row.NumRows() != 1 {
		return nil, fmt.Errorf("the stream holds %d rows: one was expected", row.NumRows())
	}
	row.Retain()
	return row, nil
}
