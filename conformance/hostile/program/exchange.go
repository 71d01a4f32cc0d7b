package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	gen "github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// link is a stream on which anything can be said.
type link struct {
	stream  gen.FlightService_DoExchangeServer
	greeted bool
	batches int64 // that came
}

func (l *link) send(header, body []byte, said string) {
	must(l.stream.Send(&gen.FlightData{DataHeader: header, DataBody: body, AppMetadata: []byte(said)}))
}

func (l *link) schema(s *arrow.Schema) {
	p := ipc.GetSchemaPayload(s, memory.DefaultAllocator)
	l.send(p.Meta().Bytes(), nil, "")
	l.greeted = true
}

// answer is one batch under way. A mode's misdeed is a function of it; an error
// of it ends the exchange.
type answer struct {
	*link
	plugin *plugin
	shape  *arrow.Schema
	seq    int64     // of the batch
	twice  []float64 // what should be answered
}

// misdeeds are the modes that strike at a batch.
func misdeeds() map[string]func(*answer) error {
	all := map[string]func(*answer) error{}
	for _, some := range []map[string]func(*answer) error{greetings(), odd(), deaths(), words(), frames(), columns(), late(), rows()} {
		maps.Copy(all, some)
	}
	return all
}

// errEnd ends the exchange with OK.
var errEnd = errors.New("the end")

// DoExchange implements the service.
func (p *plugin) DoExchange(stream gen.FlightService_DoExchangeServer) error {
	if p.is("flush") {
		first, err := stream.Recv()
		if err != nil {
			return err
		}
		if p.asksFlush(first) {
			if _, err := stream.Recv(); errors.Is(err, io.EOF) {
				p.note("closed")
			}
			return p.flush(&link{stream: stream})
		}
		stream = &begun{stream, first}
	}
	if p.is("request") { // what the host says with a batch
		stream = &recorded{stream, p}
	}
	err := p.serve(stream)
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// serve answers batches until the host half-closes.
func (p *plugin) serve(stream gen.FlightService_DoExchangeServer) error {
	r, err := flight.NewRecordReader(stream)
	if err != nil {
		return err
	}
	l, strike := &link{stream: stream}, misdeeds()[p.mode]
	if p.mode == "greets_early" { // as it may
		l.schema(p.schema())
	}
	for r.Next() {
		var said struct{ Seq int64 }
		if err := json.Unmarshal(r.LatestAppMetadata(), &said); err != nil {
			return err
		}
		l.batches++
		a := &answer{link: l, plugin: p, shape: p.schema(), seq: said.Seq}
		do, greets := (*answer).good, false
		if a.read(r.RecordBatch().Column(0).(*array.Float64)) && strike != nil {
			do = strike
			_, greets = greetings()[p.mode]
		}
		if !greets && !l.greeted {
			l.schema(a.shape)
		}
		if err := do(a); err != nil {
			return err
		}
	}
	return p.closes(l, r.Err())
}

// read notes what should be answered, and tells whether to strike.
func (a *answer) read(x *array.Float64) bool {
	on := a.plugin.on
	struck := on == nil
	a.twice = make([]float64, x.Len())
	for i := range a.twice {
		a.twice[i] = 2 * x.Value(i)
		struck = struck || x.IsValid(i) && x.Value(i) == *on
	}
	return struck
}

// greetings are misdeeds at the beginning of the stream; in the middle of it they
// do what is left to do.
func greetings() map[string]func(*answer) error {
	greet := func(with ...*arrow.Schema) func(*answer) error {
		return func(a *answer) error {
			for _, s := range with {
				a.schema(s)
			}
			return a.good()
		}
	}
	y := arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	schema := func(fields ...arrow.Field) *arrow.Schema { return arrow.NewSchema(fields, nil) }
	return map[string]func(*answer) error{
		"wrong_schema":      greet(schema(arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Int64, Nullable: true})),
		"wrong_schema_type": greet(schema(arrow.Field{Name: "y", Type: arrow.BinaryTypes.LargeString, Nullable: true})),
		"wrong_schema_name": greet(schema(arrow.Field{Name: "z", Type: y.Type, Nullable: true})),
		"wrong_schema_none": greet(schema()),
		"schema_twice":      greet(schema(y), schema(y)),
		"no_schema": func(a *answer) error {
			if a.greeted {
				return errEnd
			}
			return a.good()
		},
	}
}

// closes ends the exchange after the host has half-closed it.
func (p *plugin) closes(l *link, err error) error {
	switch p.mode {
	case "close_endless":
		for l.stream.Send(&gen.FlightData{AppMetadata: []byte("{}")}) == nil {
		}
		forever()
	case "close_hangs":
		forever()
	case "flush_late_batch":
		l.send(nil, nil, `{"ack":1}`)
	case "flush_late_death":
		os.Exit(7)
	case "flush_late_no":
		return status.Error(codes.Internal, "said on purpose")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if p.is("request") {
		return os.WriteFile(p.file+".end", nil, 0o600)
	}
	return nil
}

// encode writes the values of one column as a batch.
func encode(s *arrow.Schema, a arrow.Array, opts ...ipc.Option) (header, body []byte) {
	return encodeRecord(array.NewRecordBatch(s, []arrow.Array{a}, int64(a.Len())), opts...)
}

func encodeRecord(r arrow.RecordBatch, opts ...ipc.Option) (header, body []byte) {
	p, err := ipc.GetRecordBatchPayload(r, opts...)
	must(err)
	var b bytes.Buffer
	must(p.SerializeBody(&b))
	return p.Meta().Bytes(), b.Bytes()
}
