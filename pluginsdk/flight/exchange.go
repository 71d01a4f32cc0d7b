package flight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// DoExchange reads batches and answers each, until the host has no more.
func (p *plugin) DoExchange(stream flight.FlightService_DoExchangeServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	asked, err := commandOf(first.GetFlightDescriptor())
	if err != nil {
		return err
	}
	b, err := p.find(asked.Handle)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if asked.Flush {
		return p.flush(stream, b, asked.MaxBatchRows)
	}
	in := &inbox{stream: stream, next: first}
	reader, err := ipc.NewReaderFromMessageReader(in)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "the schema of the exchange: %v", err)
	}
	defer reader.Release()
	out := &outbox{stream: stream, most: p.most, schema: b.transform.Schema()}
	if err := out.open(); err != nil {
		return err
	}
	for reader.Next() {
		var said struct {
			Seq int64 `json:"seq"`
		}
		if err := json.Unmarshal(in.said, &said); err != nil {
			return status.Errorf(codes.InvalidArgument, "app_metadata: %v", err)
		}
		err := guarded(stream.Context(), "Process", func(ctx context.Context) error {
			return answer(ctx, b.transform, reader.RecordBatch(), out, said.Seq)
		})
		if err != nil {
			return err
		}
	}
	if err := reader.Err(); err != nil && !errors.Is(err, io.EOF) {
		return status.Errorf(codes.Unknown, "the exchange: %v", err)
	}
	return nil
}

// answer computes one batch and sends it; its errors are statuses.
func answer(ctx context.Context, t Transform, in arrow.RecordBatch, out *outbox, seq int64) error {
	made, err := t.Process(ctx, in)
	if err != nil {
		return refusal(err)
	}
	ack := fmt.Appendf(nil, `{"ack":%d}`, seq)
	if made == nil || made.NumRows() == 0 {
		if made != nil {
			made.Release()
		}
		return out.stream.Send(&flight.FlightData{AppMetadata: ack})
	}
	defer made.Release()
	if !made.Schema().Equal(out.schema) {
		return status.Errorf(codes.Internal, "the answer has another schema than the plugin opened with: %v, expected %v", made.Schema(), out.schema)
	}
	return out.send(made, ack)
}

// inbox gives the messages of a stream to Arrow's reader, and keeps what came
// with the last.
type inbox struct {
	stream flight.FlightService_DoExchangeServer
	next   *flight.FlightData
	said   []byte
	last   *ipc.Message
}

// Message implements ipc.MessageReader.
func (b *inbox) Message() (*ipc.Message, error) {
	d := b.next
	if b.next = nil; d == nil {
		var err error
		if d, err = b.stream.Recv(); err != nil {
			return nil, err
		}
	}
	b.said = d.GetAppMetadata()
	b.last = ipc.NewMessage(memory.NewBufferBytes(d.GetDataHeader()), memory.NewBufferBytes(d.GetDataBody()))
	return b.last, nil
}

// Retain and Release implement ipc.MessageReader; the memory is Go's.
func (b *inbox) Retain() {}

// Release implements ipc.MessageReader.
func (b *inbox) Release() {}

// outbox sends the batches of one schema, cut to the size of a message.
type outbox struct {
	stream flight.FlightService_DoExchangeServer
	most   int64 // bytes
	rows   int64 // 0: as many as there are
	schema *arrow.Schema
	body   bytes.Buffer
}

func (o *outbox) open() error {
	p := ipc.GetSchemaPayload(o.schema, memory.DefaultAllocator)
	defer p.Release()
	meta := p.Meta()
	defer meta.Release()
	return o.stream.Send(&flight.FlightData{DataHeader: meta.Bytes()})
}

// send sends rows in one message, or in several when it would be too large; the
// last carries the acknowledgement.
func (o *outbox) send(r arrow.RecordBatch, ack []byte) error {
	n := r.NumRows()
	if o.rows > 0 && n > o.rows {
		return o.cut(r, o.rows, ack)
	}
	p, err := ipc.GetRecordBatchPayload(r)
	if err != nil {
		return status.Errorf(codes.Internal, "the answer cannot be written: %v", err)
	}
	defer p.Release()
	meta := p.Meta()
	defer meta.Release()
	o.body.Reset()
	if err := p.SerializeBody(&o.body); err != nil {
		return status.Errorf(codes.Internal, "the answer cannot be written: %v", err)
	}
	if int64(meta.Len()+o.body.Len()+len(ack)+64) > o.most && n > 1 {
		return o.cut(r, n/2, ack)
	}
	return o.stream.Send(&flight.FlightData{DataHeader: meta.Bytes(), DataBody: o.body.Bytes(), AppMetadata: ack})
}

// cut sends rows in two parts.
func (o *outbox) cut(r arrow.RecordBatch, at int64, ack []byte) error {
	first, rest := r.NewSlice(0, at), r.NewSlice(at, r.NumRows())
	defer first.Release()
	defer rest.Release()
	if err := o.send(first, nil); err != nil {
		return err
	}
	return o.send(rest, ack)
}
