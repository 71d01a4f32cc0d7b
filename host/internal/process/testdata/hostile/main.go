// Command hostile is a process plugin that breaks the rules, one at a time. The
// file "mode" beside it says how it starts, the key "mode" of its config how it
// answers. It is written without the SDK, which would not let it.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func main() {
	mode, _ := os.ReadFile("mode")
	socket := filepath.Join(os.Getenv("TMPDIR"), "s")
	line := "1|1|unix|" + socket + "|grpc|\n"
	switch strings.TrimSpace(string(mode)) {
	case "silent":
		time.Sleep(time.Hour)
	case "garbage":
		line = "hello, world\n"
	case "long":
		line = strings.Repeat("x", 100<<10) + "\n"
	case "version":
		line = strings.Replace(line, "1|1|", "1|99|", 1)
	case "core":
		line = strings.Replace(line, "1|1|", "2|1|", 1)
	case "netrpc":
		line = strings.Replace(line, "grpc", "netrpc", 1)
	case "tcp":
		line = "1|1|tcp|127.0.0.1:1|grpc|\n"
	case "elsewhere":
		line = "1|1|unix|/run/other.sock|grpc|\n"
	case "climbs":
		line = "1|1|unix|" + os.Getenv("TMPDIR") + "/../other.sock|grpc|\n"
	case "exit":
		fmt.Fprintln(os.Stderr, "the licence has run out")
		os.Exit(3)
	case "half":
		fmt.Print("1|1|unix|/tm")
		os.Exit(0)
	case "deaf": // shakes hands and serves nothing
		fmt.Print(line)
		time.Sleep(time.Hour)
	case "chatty":
		line += "ready to serve\n"
	case "fork": // a child that would outlive it, and holds its streams
		child := exec.Command("sleep", "1000")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		if err := os.WriteFile("child", []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
			panic(err)
		}
	case "manifest":
		if err := os.Rename("other.json", "manifest.json"); err != nil && !os.IsNotExist(err) {
			panic(err)
		}
	case "environment":
		text := strings.Join(os.Environ(), "\n")
		if info, err := os.Stdin.Stat(); err == nil {
			text += "\nSTDIN=" + info.Mode().String()
		}
		if here, err := os.Getwd(); err == nil {
			text += "\nCWD=" + here
		}
		if info, err := os.Stat(os.Getenv("TMPDIR")); err == nil {
			text += "\nTMPMODE=" + info.Mode().String()
		}
		text += "\nGROUP=" + strconv.FormatBool(syscall.Getpgrp() == os.Getpid())
		if err := os.WriteFile("environment", []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile("pid", []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(math.MaxInt32))
	flight.RegisterFlightServiceServer(server, &plugin{server: server})
	fmt.Print(line)
	panic(server.Serve(l))
}

type plugin struct {
	flight.UnimplementedFlightServiceServer
	server *grpc.Server
	config config
}

type config struct {
	Mode string
	File string // for what a mode leaves behind
}

func (p *plugin) DoAction(a *flight.Action, stream flight.FlightService_DoActionServer) error {
	answer := []byte("{}")
	switch a.Type {
	case "featurehost.describe":
		answer, _ = os.ReadFile("manifest.json")
		if other, err := os.ReadFile("describe.json"); err == nil {
			answer = other
		}
	case "featurehost.bind":
		var request struct{ Config config }
		if err := json.Unmarshal(a.Body, &request); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		p.config = request.Config
		if p.config.File != "" && (strings.HasPrefix(p.config.Mode, "request") || strings.HasPrefix(p.config.Mode, "flush")) {
			if err := os.WriteFile(p.config.File, a.Body, 0o600); err != nil {
				return err
			}
		}
		switch p.config.Mode {
		case "bind_refuses":
			return status.Error(codes.InvalidArgument, "threshold must be odd")
		case "bind_breaks":
			return status.Error(codes.Internal, "no model file")
		case "bind_dies":
			fmt.Fprintln(os.Stderr, "cannot map the model")
			os.Exit(9)
		case "bind_hangs":
			time.Sleep(time.Hour)
		case "bind_no_json":
			return stream.Send(&flight.Result{Body: []byte("yes")})
		case "bind_garbage":
			return stream.Send(&flight.Result{Body: []byte(`{"output_schema":"////fw==","handle":"h"}`)})
		}
		var b bytes.Buffer
		_ = ipc.NewWriter(&b, ipc.WithSchema(schemaOf(p.config.Mode))).Close()
		answer, _ = json.Marshal(map[string]string{"output_schema": base64.StdEncoding.EncodeToString(b.Bytes()), "handle": "h"})
	case "featurehost.shutdown":
		if p.config.File != "" && strings.HasPrefix(p.config.Mode, "request") {
			_ = os.WriteFile(p.config.File+".shutdown", nil, 0o600)
		}
		if p.config.Mode == "ignores_shutdown" {
			signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
			break
		}
		defer func() { go func() { p.server.GracefulStop(); os.Exit(0) }() }()
	}
	return stream.Send(&flight.Result{Body: answer})
}

func schemaOf(mode string) *arrow.Schema {
	y := arrow.Field{Name: "y", Type: arrow.PrimitiveTypes.Float64, Nullable: true}
	switch {
	case strings.HasPrefix(mode, "utf8"):
		y.Type = arrow.BinaryTypes.String
	case strings.HasPrefix(mode, "decimal"):
		y.Type = &arrow.Decimal128Type{Precision: 3, Scale: 0}
	case mode == "null":
		y.Nullable = false
	case strings.HasPrefix(mode, "rows"), strings.HasPrefix(mode, "flush"):
		y = arrow.Field{Name: "fh_rows", Type: arrow.PrimitiveTypes.Int32}
	case strings.HasPrefix(mode, "keep"):
		y = arrow.Field{Name: "fh_keep", Type: arrow.FixedWidthTypes.Boolean}
	case mode == "bind_large":
		y.Type = arrow.BinaryTypes.LargeString
	}
	return arrow.NewSchema([]arrow.Field{y}, nil)
}
