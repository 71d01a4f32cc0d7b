package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	gen "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// begun is a stream whose first message was looked at.
type begun struct {
	gen.FlightService_DoExchangeServer
	first *gen.FlightData
}

func (b *begun) Recv() (*gen.FlightData, error) {
	if d := b.first; d != nil {
		b.first = nil
		return d, nil
	}
	return b.FlightService_DoExchangeServer.Recv()
}

// flush answers one, for a key that is a double.
func (p *plugin) flush(l *link) error {
	key := arrow.Field{Name: "fh_key_0", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	s := arrow.NewSchema([]arrow.Field{key, {Name: "fh_time", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true}}, nil)
	mode := p.config.Mode
	switch mode {
	case "flush_schema":
		s = arrow.NewSchema([]arrow.Field{key}, nil)
	case "flush_schema_of_batches":
		s = schemaOf(mode)
	case "flush_no_schema":
		return nil
	case "flush_refuses":
		return status.Error(codes.InvalidArgument, "said on purpose")
	case "flush_breaks":
		return status.Error(codes.Internal, "said on purpose")
	case "flush_hangs":
		time.Sleep(time.Hour)
	}
	if mode != "flush_batch_first" {
		l.schema(s)
	}
	switch mode {
	case "flush_dies":
		send(l, s, 1)
		fmt.Fprintln(os.Stderr, "out of ideas")
		os.Exit(7)
	case "flush_endless":
		for {
			send(l, s, 5)
		}
	case "flush_hangs_later":
		send(l, s, 1)
		time.Sleep(time.Hour)
	case "flush_words": // which are no answer, and so do not put off the deadline
		for {
			l.send(nil, nil, `{"metrics":{"words":1}}`)
			time.Sleep(10 * time.Millisecond)
		}
	case "flush_empty":
		send(l, s, 0)
	case "flush_large":
		send(l, s, 11)
	case "flush_ack":
		l.ack(1)
	case "flush_schema_twice":
		l.schema(s)
	case "flush_garbage":
		l.send(bytes.Repeat([]byte{0xff}, 64), nil, "")
	case "flush_short_buffer":
		header, _ := batch(s, 3)
		l.send(header, nil, "")
	case "flush_batch_first", "flush_good":
		send(l, s, 2)
	}
	return nil
}

func send(l *link, s *arrow.Schema, rows int) {
	header, body := batch(s, rows)
	l.send(header, body, "")
}

func batch(s *arrow.Schema, rows int) (header, body []byte) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	for i := range s.NumFields() {
		b.Field(i).AppendNulls(rows)
	}
	p, err := ipc.GetRecordBatchPayload(b.NewRecordBatch())
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	if err := p.SerializeBody(&out); err != nil {
		panic(err)
	}
	return p.Meta().Bytes(), out.Bytes()
}
