// Command zoo is a process plugin that gives its columns back under the names
// out_ and their own, and fails in the ways that its config names.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/pluginsdk/flight"
)

type config struct {
	Fail string `json:"fail"`
}

func open(text json.RawMessage, in *arrow.Schema) (flight.Transform, error) {
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	switch c.Fail {
	case "open":
		return nil, flight.ConfigError("fail must not be %q", c.Fail)
	case "open_panics":
		panic("no model")
	case "open_error":
		return nil, errors.New("no model")
	case "open_backend":
		return nil, fmt.Errorf("asking: %w", status.Error(codes.InvalidArgument, "unknown model"))
	}
	fields := make([]arrow.Field, in.NumFields())
	for i, f := range in.Fields() {
		fields[i] = arrow.Field{Name: "out_" + f.Name, Type: f.Type, Nullable: true}
	}
	if c.Fail == "twice" {
		for _, f := range fields {
			f.Name += "_again"
			fields = append(fields, f)
		}
	}
	out := arrow.NewSchema(fields, nil)
	return flight.Func(out, func(_ context.Context, r arrow.RecordBatch) (arrow.RecordBatch, error) {
		fmt.Println("printed to stdout") // which the SDK has moved
		switch c.Fail {
		case "process":
			return nil, flight.DataError("row %d is odd", 3)
		case "memory":
			if r.NumRows() > 2 {
				return nil, fmt.Errorf("%w: %d", flight.ErrMemory, r.NumRows())
			}
		case "error":
			return nil, errors.New("no such table")
		case "backend":
			return nil, fmt.Errorf("asking: %w", status.Error(codes.Unavailable, "backend is down"))
		case "panic":
			var m map[string]int
			m["x"] = 1
		case "schema":
			r.Retain()
			return r, nil
		case "none":
			return nil, nil
		}
		columns := append([]arrow.Array(nil), r.Columns()...)
		if c.Fail == "twice" {
			columns = append(columns, columns...)
		}
		return array.NewRecordBatch(out, columns, r.NumRows()), nil
	}), nil
}

func main() {
	manifest, err := os.ReadFile("manifest.json")
	if err != nil && os.Getenv("FEATUREHOST_PLUGIN") != "" {
		panic(err)
	}
	if err != nil { // by hand
		manifest = []byte(`{"abi":"1.0","name":"zoo","version":"1.0.0","kind":"map","doc":"Gives columns back.","input":{"columns":[]},"output":{"mode":"init"},"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`)
	}
	flight.Serve(manifest, open)
}
