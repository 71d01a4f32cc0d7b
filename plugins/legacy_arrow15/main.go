// Command legacy_arrow15 is a process plugin on Arrow v15, of 2024, where the
// host has v18: what crosses is the format, not the library. It is written
// without the SDK, which is on v18: the Flight packages of both in one program
// panic at its start. See README.md.
package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/abi"
)

//go:embed manifest.json
var manifest []byte

func main() {
	if os.Getenv(abi.CookieName) != abi.CookieValue {
		fmt.Fprintln(os.Stderr, "this is a plugin for featurehost, which starts it itself: put its folder into plugins/")
		os.Exit(1)
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	socket := filepath.Join(os.TempDir(), "flight.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32))
	flight.RegisterFlightServiceServer(server, &plugin{stop: server.GracefulStop})
	parent := os.Getppid()
	go func() { // the host may be gone without a word
		for os.Getppid() == parent {
			time.Sleep(2 * time.Second)
		}
		os.Exit(1)
	}()
	fmt.Printf("1|1|unix|%s|grpc|\n", socket)
	os.Stdout = os.Stderr // nothing here prints but by Go; else descriptor 1 must point at 2
	return server.Serve(listener)
}

type plugin struct {
	flight.BaseFlightServer
	stop      func()
	threshold atomic.Uint64 // bits of the one config that is bound
}

func output() *arrow.Schema {
	return arrow.NewSchema([]arrow.Field{{Name: "delay_score", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, nil)
}

// DoAction answers describe, bind, health and shutdown.
func (p *plugin) DoAction(a *flight.Action, stream flight.FlightService_DoActionServer) error {
	answer := []byte("{}")
	switch a.GetType() {
	case "featurehost.describe":
		answer = manifest
	case "featurehost.bind":
		var request struct {
			Config struct {
				ThresholdMinutes float64 `json:"threshold_minutes"`
			} `json:"config"`
		}
		if err := json.Unmarshal(a.GetBody(), &request); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		p.threshold.Store(math.Float64bits(request.Config.ThresholdMinutes))
		var schema bytes.Buffer
		if err := ipc.NewWriter(&schema, ipc.WithSchema(output())).Close(); err != nil {
			return err
		}
		answer, _ = json.Marshal(map[string]string{"output_schema": base64.StdEncoding.EncodeToString(schema.Bytes()), "handle": "1"})
	case "featurehost.health":
	case "featurehost.shutdown":
		defer func() { go p.stop() }()
	default:
		return status.Error(codes.Unimplemented, a.GetType())
	}
	return stream.Send(&flight.Result{Body: answer})
}

// DoExchange answers each batch with one of as many rows.
func (p *plugin) DoExchange(stream flight.FlightService_DoExchangeServer) (err error) {
	defer func() { // a panic would end the process
		if r := recover(); r != nil {
			err = status.Errorf(codes.Internal, "panic: %v", r)
		}
	}()
	r, err := flight.NewRecordReader(stream)
	if err != nil {
		return err
	}
	defer r.Release()
	w := flight.NewRecordWriter(stream, ipc.WithSchema(output()))
	threshold := math.Float64frombits(p.threshold.Load())
	for r.Next() {
		var said struct {
			Seq int64 `json:"seq"`
		}
		if err := json.Unmarshal(r.LatestAppMetadata(), &said); err != nil {
			return err
		}
		made := score(r.Record(), threshold)
		err := w.WriteWithAppMetadata(made, fmt.Appendf(nil, `{"ack":%d}`, said.Seq))
		made.Release()
		if err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func score(in arrow.Record, threshold float64) arrow.Record {
	delay, wind := in.Column(0).(*array.Float64), in.Column(1).(*array.Float64)
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	defer b.Release()
	b.Reserve(delay.Len())
	for i := 0; i < delay.Len(); i++ {
		if delay.IsNull(i) {
			b.UnsafeAppendBoolToBitmap(false)
			continue
		}
		late, w := delay.Value(i)-threshold, 0.0
		if late <= 0 {
			late = 0
		}
		if wind.IsValid(i) {
			w = wind.Value(i)
		}
		b.UnsafeAppend(late / (1 + w/10))
	}
	scores := b.NewArray()
	defer scores.Release()
	return array.NewRecord(output(), []arrow.Array{scores}, in.NumRows())
}
