package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// flush answers one, for a key that is a double.
func (p *plugin) flush(l *link) error {
	key := arrow.Field{Name: "fh_key_0", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	s := arrow.NewSchema([]arrow.Field{key, {Name: "fh_time", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true}}, nil)
	switch p.mode {
	case "flush_schema":
		s = arrow.NewSchema([]arrow.Field{key}, nil)
	case "flush_schema_of_batches":
		s = p.schema()
	case "flush_no_schema":
		return nil
	case "flush_refuses":
		return status.Error(codes.InvalidArgument, "said on purpose")
	case "flush_breaks":
		return status.Error(codes.Internal, "said on purpose")
	case "flush_hangs":
		forever()
	}
	if p.mode != "flush_batch_first" {
		l.schema(s)
	}
	switch p.mode {
	case "flush_dies":
		l.rows(s, 1)
		fmt.Fprintln(os.Stderr, "out of ideas")
		os.Exit(7)
	case "flush_endless":
		for {
			l.rows(s, 5)
		}
	case "flush_hangs_later":
		l.rows(s, 1)
		forever()
	case "flush_words": // which are no answer, and so do not put off the deadline
		for {
			l.send(nil, nil, `{"metrics":{"words":1}}`)
			time.Sleep(10 * time.Millisecond)
		}
	case "flush_empty":
		l.rows(s, 0)
	case "flush_large":
		l.rows(s, 11)
	case "flush_ack":
		l.send(nil, nil, `{"ack":1}`)
	case "flush_schema_twice":
		l.schema(s)
	case "flush_garbage":
		l.send(bytes.Repeat([]byte{0xff}, 64), nil, "")
	case "flush_short_buffer":
		header, _ := nulls(s, 3)
		l.send(header, nil, "")
	case "flush_big":
		l.send([]byte{1}, make([]byte, 41<<20), "")
	case "flush_prints":
		fmt.Println("nearly done")
		forever()
	case "flush_batch_first", "flush_good":
		l.rows(s, 2)
	}
	return nil
}

// rows sends some, all of nulls.
func (l *link) rows(s *arrow.Schema, n int) {
	header, body := nulls(s, n)
	l.send(header, body, "")
}

func nulls(s *arrow.Schema, rows int) (header, body []byte) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	for i := range s.NumFields() {
		b.Field(i).AppendNulls(rows)
	}
	return encodeRecord(b.NewRecordBatch())
}
