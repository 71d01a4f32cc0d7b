package flight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/abi"
)

const manifest = `{"abi":"1.0","name":"p","version":"1.2.0","kind":"map","doc":"Doubles.","input":{"columns":[]},"output":{"mode":"init"},
	"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`

// A program that no host has started says what it is and what to do; one with
// a broken manifest says what is wrong with it. What a host sees is tested where
// the host is.
func TestServe_ByHand_Explains(t *testing.T) {
	t.Setenv(abi.CookieName, "")
	err := serve([]byte(manifest), nil)
	for _, says := range []string{"p 1.2.0", "Doubles.", `use = "p"`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q in it", err, says)
		}
	}
	if err := serve([]byte(`{"abi":"1.0"}`), nil); err == nil || !strings.Contains(err.Error(), "manifest.json: ") {
		t.Errorf("got %v", err)
	}
}

// ABI-P-008: which status an error of Process or Flush becomes. One of another
// server says nothing of this program, however it is wrapped.
func TestRefusal_Statuses(t *testing.T) {
	down := status.Error(codes.Unavailable, "the backend is down")
	for _, c := range []struct {
		err  error
		code codes.Code
	}{
		{DataError("row %d", 3), codes.InvalidArgument},
		{fmt.Errorf("column x: %w", DataError("row %d", 3)), codes.InvalidArgument},
		{errors.Join(errors.New("first"), DataError("row %d", 3)), codes.InvalidArgument},
		{DataError("row %d: %w", 3, down), codes.InvalidArgument},
		{fmt.Errorf("rows: %w", ErrMemory), codes.ResourceExhausted},
		{DataError("rows: %w", ErrMemory), codes.ResourceExhausted}, // fewer rows may do
		{errors.New("any other"), codes.Unknown},
		{ConfigError("too late"), codes.Unknown},
		{context.DeadlineExceeded, codes.Unknown},
		{down, codes.Unknown},
		{fmt.Errorf("asking: %w", down), codes.Unknown},
		{status.Error(codes.ResourceExhausted, "quota"), codes.Unknown},
		{status.Error(codes.Canceled, "it went away"), codes.Unknown},
		{status.Error(codes.InvalidArgument, "not your rows"), codes.Unknown},
		{status.Error(codes.OutOfRange, "not your rows"), codes.Unknown},
		{status.Error(codes.DeadlineExceeded, "slow"), codes.Unknown},
		{status.Error(codes.Internal, "stream terminated"), codes.Unknown},
	} {
		got := status.Convert(refusal(c.err))
		if got.Code() != c.code || got.Message() != c.err.Error() {
			t.Errorf("%v: got %v with %q, want %v", c.err, got.Code(), got.Message(), c.code)
		}
	}
}

// sent is a stream that takes what is sent.
type sent struct{ grpc.ServerStream }

func (sent) Context() context.Context          { return context.Background() }
func (sent) Send(*flight.FlightData) error     { return nil }
func (sent) Recv() (*flight.FlightData, error) { return nil, io.EOF }

// failing is a Keyed that fails.
type failing struct{ err error }

var failingSchema = arrow.NewSchema([]arrow.Field{{Name: abi.RowsColumn, Type: arrow.PrimitiveTypes.Int32}}, nil)

func (f failing) Schema() *arrow.Schema { return failingSchema }
func (f failing) Process(context.Context, arrow.RecordBatch) (arrow.RecordBatch, error) {
	return nil, f.err
}
func (f failing) Flush(context.Context) (arrow.RecordBatch, error) { return nil, f.err }

// Process and Flush are where the plugin's errors come from: no status of
// another server leaves through them.
func TestExchange_ForeignStatus_Unknown(t *testing.T) {
	k := failing{fmt.Errorf("asking: %w", status.Error(codes.Unavailable, "down"))}
	process := answer(context.Background(), k, nil, &outbox{stream: sent{}}, 1)
	flush := (&plugin{}).flush(sent{}, &bound{transform: k, input: arrow.NewSchema(nil, nil)}, 1)
	for what, err := range map[string]error{"Process": process, "Flush": flush} {
		if got := status.Convert(err); got.Code() != codes.Unknown || got.Message() != k.err.Error() {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// What the errors of Open become: the config is at fault only where the plugin
// says so.
func TestRefusedOpen_Statuses(t *testing.T) {
	for _, c := range []struct {
		err  error
		code codes.Code
	}{
		{ConfigError("fail must not be %q", "x"), codes.InvalidArgument},
		{fmt.Errorf("config: %w", ConfigError("odd")), codes.InvalidArgument},
		{errors.New("no model"), codes.Unknown},
		{DataError("no rows yet"), codes.Unknown},
		{ErrMemory, codes.Unknown},
		{status.Error(codes.InvalidArgument, "another server's"), codes.Unknown},
		{fmt.Errorf("asking: %w", status.Error(codes.Unavailable, "down")), codes.Unknown},
	} {
		p := &plugin{open: func(json.RawMessage, *arrow.Schema) (Transform, error) { return nil, c.err }}
		_, err := p.bind(bindRequest(t))
		if got := status.Convert(err); got.Code() != c.code || got.Message() != c.err.Error() {
			t.Errorf("%v: got %v with %q, want %v", c.err, got.Code(), got.Message(), c.code)
		}
	}
}

// bindRequest is the body of featurehost.bind, of an input without columns.
func bindRequest(t *testing.T) []byte {
	t.Helper()
	var schema bytes.Buffer
	if err := ipc.NewWriter(&schema, ipc.WithSchema(arrow.NewSchema(nil, nil))).Close(); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"config": map[string]any{}, "input_schema": schema.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A panic is the plugin's, whatever it panics with.
func TestGuarded_Panics_Internal(t *testing.T) {
	for _, with := range []any{"no", errors.New("no"), status.Error(codes.Unavailable, "no")} {
		err := guarded(context.Background(), "Process", func(context.Context) error { panic(with) })
		if got := status.Code(err); got != codes.Internal {
			t.Errorf("%v: got %v", with, got)
		}
	}
}
