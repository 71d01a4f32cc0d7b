package flight

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/featurehost/featurehost/abi"
)

// plugin answers the host's calls.
type plugin struct {
	flight.UnimplementedFlightServiceServer
	manifest []byte
	name     string
	kind     abi.Kind
	most     int64 // bytes of a message
	open     Open
	stop     func()

	mu      sync.Mutex
	handles map[string]*bound
}

// bound is a Transform that a handle stands for, one call at a time.
type bound struct {
	mu        sync.Mutex
	transform Transform
	input     *arrow.Schema
}

// panicked makes a status of a panic, and leaves its stack on standard error.
func panicked(what string, r any) error {
	fmt.Fprintf(os.Stderr, "panic in %s: %v\n%s", what, r, debug.Stack())
	return status.Errorf(codes.Internal, "panic in %s: %v", what, r)
}

// DoAction implements the actions of the protocol.
func (p *plugin) DoAction(a *flight.Action, stream flight.FlightService_DoActionServer) error {
	answer := []byte("{}")
	switch a.GetType() {
	case "featurehost.describe":
		answer = compact(p.manifest)
	case "featurehost.bind":
		err := guarded(stream.Context(), "open", func(context.Context) (err error) {
			answer, err = p.bind(a.GetBody())
			return err
		})
		if err != nil {
			return err
		}
	case "featurehost.health":
	case "featurehost.shutdown":
		defer p.stop()
	default:
		return status.Errorf(codes.Unimplemented, "%s does not know the action %q", p.name, a.GetType())
	}
	return stream.Send(&flight.Result{Body: answer})
}

func (p *plugin) bind(body []byte) ([]byte, error) {
	var request struct {
		Config      json.RawMessage `json:"config"`
		InputSchema []byte          `json:"input_schema"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "bind: %v", err)
	}
	r, err := ipc.NewReader(bytes.NewReader(request.InputSchema))
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "bind: input_schema: %v", err)
	}
	defer r.Release()
	t, err := p.open(request.Config, r.Schema())
	if err != nil {
		return nil, refusedOpen(err)
	}
	if t == nil || t.Schema() == nil {
		return nil, status.Error(codes.Internal, "the plugin opened without a schema")
	}
	if p.kind == abi.Keyed {
		if _, ok := t.(Keyed); !ok {
			return nil, status.Errorf(codes.Internal, "by its manifest the plugin is %s, but what it opened has no Flush", p.kind)
		}
	}
	var schema bytes.Buffer
	if err := ipc.NewWriter(&schema, ipc.WithSchema(t.Schema())).Close(); err != nil {
		return nil, status.Errorf(codes.Internal, "bind: output schema: %v", err)
	}
	p.mu.Lock()
	handle := strconv.Itoa(len(p.handles) + 1)
	p.handles[handle] = &bound{transform: t, input: r.Schema()}
	p.mu.Unlock()
	return json.Marshal(map[string]string{"output_schema": base64.StdEncoding.EncodeToString(schema.Bytes()), "handle": handle})
}

// find gives what the descriptor of an exchange names.
func (p *plugin) find(handle string) (*bound, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.handles[handle]
	if b == nil {
		return nil, status.Errorf(codes.FailedPrecondition, "no stage is bound to the handle %q", handle)
	}
	return b, nil
}
