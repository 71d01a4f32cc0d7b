package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// plugin is the service. The host binds it once, before any batch.
type plugin struct {
	flight.UnimplementedFlightServiceServer
	server *grpc.Server
	starts string
	mode   string   // of the config, without the number at its end
	on     *float64 // strikes only at batches that hold it; nil at all
	file   string   // for what a mode leaves behind; may be empty
}

// DoAction implements the service.
func (p *plugin) DoAction(a *flight.Action, stream flight.FlightService_DoActionServer) error {
	switch a.Type {
	case "featurehost.describe":
		return p.describe(stream)
	case "featurehost.bind":
		if err := p.take(a.Body); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		return p.bind(stream)
	case "featurehost.shutdown":
		return p.shutdown(stream)
	}
	return stream.Send(&flight.Result{Body: []byte("{}")})
}

// describe answers manifest.json, or describe.json where that is there.
func (p *plugin) describe(stream flight.FlightService_DoActionServer) error {
	answer, err := os.ReadFile("describe.json")
	if errors.Is(err, fs.ErrNotExist) {
		answer, err = os.ReadFile("manifest.json")
	}
	must(err)
	switch p.starts {
	case "describes_another":
		answer = bytes.Replace(answer, []byte("1.0.0"), []byte("1.0.1"), 1)
	case "describes_text":
		answer = []byte("none")
	case "describes_much":
		answer = append(bytes.Repeat([]byte(" "), 70<<10), answer...)
	case "describes_nothing":
		return nil
	case "describe_refuses":
		return status.Error(codes.PermissionDenied, "said on purpose")
	case "describe_dies":
		fmt.Fprintln(os.Stderr, "who asks?")
		os.Exit(4)
	case "describe_hangs":
		forever()
	}
	return stream.Send(&flight.Result{Body: answer})
}

// take reads the request of a bind.
func (p *plugin) take(request []byte) error {
	var r struct {
		Config struct{ Mode, File string }
	}
	if err := json.Unmarshal(request, &r); err != nil {
		return err
	}
	p.mode, p.file = r.Config.Mode, r.Config.File
	if mode, number, cut := strings.Cut(p.mode, "_on_"); cut {
		on, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return err
		}
		p.mode, p.on = mode, &on
	}
	if p.file != "" && (p.is("request") || p.is("flush")) {
		return os.WriteFile(p.file, request, 0o600)
	}
	return nil
}

// is tells whether the mode is of a family.
func (p *plugin) is(family string) bool { return strings.HasPrefix(p.mode, family) }

func (p *plugin) bind(stream flight.FlightService_DoActionServer) error {
	switch p.mode {
	case "bind_refuses":
		return status.Error(codes.InvalidArgument, "threshold must be odd")
	case "bind_breaks":
		return status.Error(codes.Internal, "no model file")
	case "bind_dies":
		fmt.Fprintln(os.Stderr, "cannot map the model")
		os.Exit(9)
	case "bind_hangs":
		forever()
	case "bind_endless":
		for {
			if err := stream.Send(&flight.Result{Body: []byte("{}")}); err != nil {
				return err
			}
		}
	case "bind_nothing":
		return nil
	case "bind_no_json":
		return stream.Send(&flight.Result{Body: []byte("yes")})
	case "bind_no_base64":
		return stream.Send(&flight.Result{Body: []byte(`{"output_schema":"?","handle":"h"}`)})
	case "bind_garbage":
		return stream.Send(&flight.Result{Body: []byte(`{"output_schema":"////fw==","handle":"h"}`)})
	case "bind_big":
		return stream.Send(&flight.Result{Body: make([]byte, 41<<20)})
	}
	s := p.schema()
	if p.mode == "bind_drifts" && p.start() == 2 {
		s = arrow.NewSchema([]arrow.Field{{Name: "y", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	}
	var b bytes.Buffer
	must(ipc.NewWriter(&b, ipc.WithSchema(s)).Close())
	answer, err := json.Marshal(map[string]string{"output_schema": base64.StdEncoding.EncodeToString(b.Bytes()), "handle": "h"})
	must(err)
	return stream.Send(&flight.Result{Body: answer})
}

// start counts the processes of this folder, in threes: 1, 2, 3, 1 and so on.
func (p *plugin) start() int {
	text, _ := os.ReadFile("starts")
	n, _ := strconv.Atoi(string(text))
	n = n%3 + 1
	must(os.WriteFile("starts", []byte(strconv.Itoa(n)), 0o600))
	return n
}

func (p *plugin) shutdown(stream flight.FlightService_DoActionServer) error {
	if p.file != "" && p.is("request") {
		must(os.WriteFile(p.file+".shutdown", nil, 0o600))
	}
	if p.starts == "stays" {
		forever()
	}
	switch p.mode {
	case "ignores_shutdown":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
		return stream.Send(&flight.Result{Body: []byte("{}")})
	case "shutdown_hangs":
		forever()
	case "shutdown_dies":
		os.Exit(7)
	case "shutdown_prints":
		fmt.Println("goodbye")
		forever()
	}
	defer func() { go func() { p.server.GracefulStop(); os.Exit(0) }() }()
	return stream.Send(&flight.Result{Body: []byte("{}")})
}

// schema is what bind answers and the stream begins with.
func (p *plugin) schema() *arrow.Schema {
	y := arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	switch {
	case p.is("utf8"):
		y.Type = arrow.BinaryTypes.String
	case p.is("decimal"):
		y.Type = &arrow.Decimal128Type{Precision: 3, Scale: 0}
	case p.mode == "null":
		y.Nullable = false
	case p.is("rows"), p.is("flush"):
		y = arrow.Field{Name: "fh_rows", Type: arrow.PrimitiveTypes.Int32}
	case p.is("keep"):
		y = arrow.Field{Name: "fh_keep", Type: arrow.FixedWidthTypes.Boolean}
	case p.mode == "bind_large":
		y.Type = arrow.BinaryTypes.LargeString
	case p.mode == "bind_replaces":
		y.Name = "x"
	case p.mode == "bind_reserved":
		y.Name = "fh_mine"
	case p.mode == "bind_twice":
		return arrow.NewSchema([]arrow.Field{y, y}, nil)
	case p.mode == "bind_deep":
		for range 9 {
			y.Type = arrow.ListOf(y.Type)
		}
	case p.mode == "bind_wide":
		wide := make([]arrow.Field, 5000)
		for i := range wide {
			wide[i] = arrow.Field{Name: fmt.Sprint("y", i), Type: y.Type, Nullable: true}
		}
		return arrow.NewSchema(wide, nil)
	}
	return arrow.NewSchema([]arrow.Field{y}, nil)
}
