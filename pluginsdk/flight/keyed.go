package flight

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/abi"
)

// Keyed is the Transform of a plugin of kind keyed. It sees all rows of its keys,
// in order of time, with the columns fh_key_0, fh_key_1, ... and fh_time in front
// of those that the manifest names; it may keep what it likes between batches.
//
// The first column of its Schema, and of what Process gives, is fh_rows: the
// number of the input row that each row goes with, in any order, as many as it
// likes.
type Keyed interface {
	Transform
	// Flush gives further rows at the end of input, of the schema that FlushSchema
	// makes. It is called until it gives nil or a batch without rows.
	Flush(ctx context.Context) (arrow.RecordBatch, error)
}

// FlushSchema is that of the rows of Flush: keys and time as they are in input,
// then the columns of output but for fh_rows. input is what Open was given,
// output what Schema answers.
func FlushSchema(input, output *arrow.Schema) *arrow.Schema {
	var fields []arrow.Field
	for _, f := range input.Fields() {
		if f.Name == abi.TimeColumn || strings.HasPrefix(f.Name, abi.KeyColumn) {
			fields = append(fields, f)
		}
	}
	return arrow.NewSchema(append(fields, output.Fields()[1:]...), nil)
}

// command is the descriptor of an exchange.
type command struct {
	Handle string `json:"handle"`
	// Flush asks for what a keyed plugin has kept, in batches of so many rows.
	Flush        bool  `json:"flush"`
	MaxBatchRows int64 `json:"max_batch_rows"`
}

func commandOf(d *flight.FlightDescriptor) (c command, err error) {
	if err := json.Unmarshal(d.GetCmd(), &c); err != nil {
		return c, status.Errorf(codes.InvalidArgument, "the descriptor of the exchange: %v", err)
	}
	return c, nil
}

// flush sends what a keyed plugin has kept.
func (p *plugin) flush(stream flight.FlightService_DoExchangeServer, b *bound, rows int64) error {
	k, ok := b.transform.(Keyed)
	if !ok {
		return status.Errorf(codes.FailedPrecondition, "%s keeps nothing to flush", p.name)
	}
	out := &outbox{stream: stream, most: p.most, rows: rows, schema: FlushSchema(b.input, k.Schema())}
	if err := out.open(); err != nil {
		return err
	}
	for {
		more := false
		err := guarded(stream.Context(), "Flush", func(ctx context.Context) error {
			made, err := k.Flush(ctx)
			if err != nil {
				return refusal(err)
			}
			if made == nil {
				return nil
			}
			defer made.Release()
			if more = made.NumRows() > 0; !more {
				return nil
			}
			if !made.Schema().Equal(out.schema) {
				return status.Errorf(codes.Internal, "the flush has another schema than FlushSchema makes: %v, expected %v", made.Schema(), out.schema)
			}
			return out.send(made, nil)
		})
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}
