package process

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight/gen/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/process/launch"
	"github.com/featurehost/featurehost/host/internal/process/wire"
)

// Deadlines of calls that move no rows, beside those of Options.
const (
	healthTimeout = 5 * time.Second
	// idleTooLong is after how long without work a process is asked for its
	// health before it is given a batch.
	idleTooLong = 30 * time.Second
)

// blueprint is what every session of a stage is made from.
type blueprint struct {
	engine   *Engine
	module   *Module
	limits   abi.Limits
	message  int64 // bytes of the largest message
	bind     []byte
	run      string
	now      int64
	in       *flow.Schema // what the plugin is told of its input
	mtls     bool
	log      *contract.Log
	counts   *contract.Counts
	timeouts timeouts
}

// timeouts are fields so that tests need not wait.
type timeouts struct{ start, action, health, shutdown, idle time.Duration }

// session is one live process and its stream. It serves one caller at a time.
type session struct {
	plan   *blueprint
	proc   *launch.Process
	line   line
	conn   *grpc.ClientConn
	client flight.FlightServiceClient
	schema *flow.Schema // what bind answered
	handle string

	stream   flight.FlightService_DoExchangeClient // nil until a batch needs it
	cancel   context.CancelFunc
	flushing bool         // this stream is the one of the flush
	expects  *flow.Schema // of what the plugin says on this stream
	greets   bool         // it came

	seq   int64
	body  bytes.Buffer // of the message under way
	late  atomic.Bool  // killed at the deadline of a batch
	since time.Time    // of the last answer
}

// start makes a session: launch, describe, bind. On error nothing is left
// behind.
func (b *blueprint) start(ctx context.Context) (*session, error) {
	starter, err := b.engine.programs()
	if err != nil {
		return nil, err
	}
	proc, err := starter.Start(ctx, launch.Spec{
		Path: b.module.program, Env: b.engine.environment(), TempDir: b.engine.options.TempDir,
		Timeout: b.timeouts.start, MTLS: b.mtls, Line: func(text string) { b.log.Line(2, text) },
	})
	if err != nil {
		return nil, err
	}
	s := &session{plan: b, proc: proc, since: time.Now()}
	if err := s.begin(ctx); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// begin connects, holds the plugin against its manifest, and binds it.
func (s *session) begin(ctx context.Context) (err error) {
	message := s.plan.message
	trust := insecure.NewCredentials() // the folder of the socket is ours alone
	if t := s.proc.TLS(); t != nil {
		trust = credentials.NewTLS(t)
	}
	// By a dialer of ours: a path in a target would be read as a URL.
	s.conn, err = grpc.NewClient("passthrough:///localhost", grpc.WithContextDialer(s.dial),
		grpc.WithTransportCredentials(&counting{trust, &s.line}), grpc.WithStatsHandler(&taking{&s.line}),
		grpc.WithNoProxy(), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0),
		// Windows as large as a message: nobody waits for leave to send the rest.
		grpc.WithInitialWindowSize(int32(max(message, 1<<20))), grpc.WithInitialConnWindowSize(int32(max(message, 1<<20))),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(int(message+headroom)), grpc.MaxCallSendMsgSize(math.MaxInt32)))
	if err != nil {
		return fault.Wrap(err, abi.CodeHandshake, "the plugin's socket cannot be used")
	}
	s.client = flight.NewFlightServiceClient(s.conn)
	if err := s.describe(ctx); err != nil {
		return err
	}
	return s.bind(ctx)
}

func (s *session) dial(ctx context.Context, _ string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "unix", s.proc.Socket())
	if err != nil {
		return nil, err
	}
	return s.line.take(c)
}

// headroom is what a message from the plugin may have beyond its limit: what
// Flight puts around it.
const headroom = 64 << 10

// maxResult is the most bytes of an action's result: a manifest, or a schema.
const maxResult = 2 << 20

// act calls an action and gives the first of its results.
func (s *session) act(ctx context.Context, name string, body []byte, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s.line.expect()
	stream, err := s.client.DoAction(ctx, &flight.Action{Type: name, Body: body}, grpc.MaxCallRecvMsgSize(maxResult+headroom))
	if err != nil {
		return nil, err
	}
	var first []byte
	for n := 0; ; n++ {
		r, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return first, nil
		case err != nil:
			return nil, err
		case n == 0:
			first = r.GetBody()
		}
	}
}

// describe holds the plugin's own words against its manifest (ABI-M-001).
func (s *session) describe(ctx context.Context) error {
	said, err := s.act(ctx, "featurehost.describe", nil, s.plan.timeouts.action)
	if err != nil {
		return s.unbound(ctx, "featurehost.describe", err)
	}
	var a, b any
	if len(said) > abi.MaxManifest || json.Unmarshal(said, &a) != nil {
		return contract.Refusal(abi.CodeManifest, "featurehost.describe answered %d bytes that are no JSON of at most %d", len(said), abi.MaxManifest)
	}
	if err := json.Unmarshal(s.plan.module.text, &b); err != nil {
		return fault.Wrap(err, abi.CodeManifest, "manifest.json")
	}
	if !reflect.DeepEqual(a, b) {
		return contract.Refusal(abi.CodeManifest, "featurehost.describe answered another manifest than manifest.json").
			WithHint("the program was built with another manifest than the one beside it: build it again")
	}
	return nil
}

// bindRequest and bindAnswer are the JSON of featurehost.bind.
type bindRequest struct {
	Stage       string          `json:"stage"`
	Config      json.RawMessage `json:"config"`
	InputSchema string          `json:"input_schema"` // base64 of the head of an IPC stream
	Keys        []string        `json:"keys"`
	TimeColumn  string          `json:"time_column"`
	Seed        string          `json:"seed"`
}

type bindAnswer struct {
	OutputSchema string `json:"output_schema"`
	Handle       string `json:"handle"`
}

// encodeSchema writes the head of an IPC stream.
func encodeSchema(s *flow.Schema) (string, error) {
	var b bytes.Buffer
	if err := ipc.NewWriter(&b, ipc.WithSchema(s)).Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func (s *session) bind(ctx context.Context) error {
	said, err := s.act(ctx, "featurehost.bind", s.plan.bind, s.plan.timeouts.action)
	if err != nil {
		return s.unbound(ctx, "featurehost.bind", err)
	}
	var a bindAnswer
	if err := json.Unmarshal(said, &a); err != nil {
		return fault.Wrap(err, abi.CodeInit, "featurehost.bind answered what is no JSON of the protocol")
	}
	schema, err := base64.StdEncoding.DecodeString(a.OutputSchema)
	if err != nil {
		return fault.Wrap(err, abi.CodeInit, "featurehost.bind answered an output_schema that is no base64")
	}
	if s.schema, err = wire.ReadEncapsulated(schema); err != nil {
		return contract.Refusal(abi.CodeOutputSchema, "the output schema that featurehost.bind answered cannot be used: %v", err)
	}
	s.handle = a.Handle
	return nil
}

// command is the descriptor of an exchange.
type command struct {
	Handle    string `json:"handle"`
	RunID     string `json:"run_id"`
	Partition int    `json:"partition"`
	Attempt   int    `json:"attempt"`
	Mode      string `json:"mode"`
	// Flush asks a keyed plugin for what it has kept, in answers of so many rows.
	Flush        bool `json:"flush,omitempty"`
	MaxBatchRows int  `json:"max_batch_rows,omitempty"`
}

// open begins the exchange of the batches.
func (s *session) open() error {
	return s.begins(command{}, s.schema)
}

// begins begins an exchange: the descriptor and the schema of the input.
func (s *session) begins(c command, answers *flow.Schema) error {
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := s.client.DoExchange(ctx)
	if err != nil {
		cancel()
		return err
	}
	c.Handle, c.RunID, c.Mode = s.handle, s.plan.run, "batch"
	cmd, err := json.Marshal(c)
	if err != nil {
		cancel()
		return err
	}
	head := ipc.GetSchemaPayload(s.plan.in, allocator())
	defer head.Release()
	meta := head.Meta()
	defer meta.Release()
	err = stream.Send(&flight.FlightData{
		FlightDescriptor: &flight.FlightDescriptor{Type: flight.FlightDescriptor_CMD, Cmd: cmd},
		DataHeader:       meta.Bytes(),
	})
	s.stream, s.cancel, s.flushing, s.expects, s.greets = stream, cancel, c.Flush, answers, false
	if err != nil {
		return s.cause(err)
	}
	return nil
}

// untimely is the error of a stream that ended before the batch was acknowledged.
func untimely(err error) error {
	if errors.Is(err, io.EOF) {
		return contract.Refusal(abi.CodeStream, "the plugin ended the stream before it acknowledged the batch")
	}
	return err
}

// beyond is the error of a message that came when no batch was under way.
func (s *session) beyond(m *flight.FlightData) error {
	if a, err := readAnswer(m.GetAppMetadata()); err == nil && a.Ack != nil && *a.Ack == s.seq {
		return contract.Refusal(abi.CodeAck, "the plugin acknowledged batch %d of the stream twice", s.seq)
	}
	return contract.Refusal(abi.CodeStream, "the plugin went on after it acknowledged the last batch").
		WithHint("the acknowledgement belongs on the last message of an answer")
}

// cause asks the stream why a send failed: gRPC tells only the receiver.
func (s *session) cause(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	why := error(nil)
	for why == nil { // answers may be before it
		_, why = s.stream.Recv()
	}
	if errors.Is(why, io.EOF) {
		return err
	}
	return why
}

// hangUp drops the stream, after an error that the process outlives.
func (s *session) hangUp() {
	if s.cancel != nil {
		s.cancel()
	}
	s.stream, s.cancel, s.flushing = nil, nil, false
	s.seq = 0 // each exchange counts its own batches (ABI-P-006)
}

// encode makes the message of a batch. over tells that it is too large.
func (s *session) encode(r flow.Record) (m *flight.FlightData, over bool, err error) {
	p, err := ipc.GetRecordBatchPayload(r)
	if err != nil {
		return nil, false, err
	}
	defer p.Release()
	meta := p.Meta()
	defer meta.Release()
	s.body.Reset()
	if err := p.SerializeBody(&s.body); err != nil {
		return nil, false, err
	}
	said, err := json.Marshal(given{Seq: s.seq + 1, AsOf: s.plan.now, Watermark: math.MinInt64})
	m = &flight.FlightData{DataHeader: bytes.Clone(meta.Bytes()), DataBody: s.body.Bytes(), AppMetadata: said}
	size := len(m.DataHeader) + len(m.DataBody) + len(m.AppMetadata) + 32 // of protobuf's marks and lengths
	return m, int64(size) > s.plan.message, err
}

// exchange sends a batch and calls take for each batch of the answer, until it
// is acknowledged. An error of take ends it. What the plugin counts goes to
// counts. The caller has set a deadline by watch.
func (s *session) exchange(m *flight.FlightData, counts *contract.Counts, take func(*cdata.Parts) error) error {
	if s.stream == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if s.seq > 0 && s.line.pending() { // before the first its schema may come
		m, err := s.stream.Recv()
		if err != nil {
			return untimely(err)
		}
		return s.beyond(m)
	}
	s.line.expect()
	s.seq++
	if err := s.stream.Send(m); err != nil {
		return untimely(s.cause(err))
	}
	for {
		d, err := s.stream.Recv()
		if err != nil {
			return untimely(err)
		}
		if len(d.GetDataHeader()) > 0 {
			schema, err := s.message(d, take)
			if err != nil {
				return err
			}
			if schema { // Go's Flight writer repeats on it what belongs to the first batch
				continue
			}
		}
		a, err := readAnswer(d.GetAppMetadata())
		if err != nil {
			return err
		}
		if err := counts.AddAll(a.Metrics); err != nil {
			return err
		}
		if a.Ack != nil {
			if *a.Ack != s.seq {
				return contract.Refusal(abi.CodeAck, "the plugin acknowledged batch %d of the stream, it was given %d", *a.Ack, s.seq)
			}
			s.since = time.Now()
			return nil
		}
	}
}

// message takes one Arrow message of an answer, and tells whether it was the
// schema.
func (s *session) message(d *flight.FlightData, take func(*cdata.Parts) error) (schema bool, err error) {
	kind, err := wire.KindOf(d.DataHeader)
	switch {
	case err != nil:
		return false, fault.Wrap(err, abi.CodeStream, "the plugin sent what is no Arrow message")
	case kind == wire.Schema && s.greets:
		return false, contract.Refusal(abi.CodeStream, "the plugin sent a schema in the middle of the stream")
	case kind == wire.Schema:
		got, err := wire.ReadSchema(d.DataHeader)
		if err != nil {
			return true, fault.Wrap(err, cdata.SchemaDrift, "the schema of the plugin's stream cannot be used")
		}
		if !contract.SameSchema(s.expects, got) {
			if s.flushing {
				return true, fault.New(cdata.SchemaDrift, "the flush has another schema than keys, time and the columns that featurehost.bind answered: %s, expected %s", contract.Shown(got), contract.Shown(s.expects))
			}
			return true, fault.New(cdata.SchemaDrift, "the plugin's stream has another schema than featurehost.bind answered: %s, then %s", contract.Shown(s.expects), contract.Shown(got))
		}
		s.greets = true
		return true, nil
	case kind != wire.Batch:
		return false, contract.Refusal(abi.CodeStream, "the plugin sent an Arrow message of kind %d, expected record batches (%d)", kind, wire.Batch).
			WithHint("dictionaries may not cross: write the values themselves")
	case !s.greets:
		return false, contract.Refusal(abi.CodeStream, "the plugin sent a batch before its schema")
	}
	p, err := wire.ReadBatch(d.DataHeader, d.DataBody)
	if err != nil {
		return false, fault.Wrap(err, abi.CodeStream, "the plugin's record batch cannot be read")
	}
	return false, take(p)
}

// settle ends the exchange of the batches: nothing may come any more.
func (s *session) settle() error {
	if s.stream == nil {
		return nil
	}
	if err := s.stream.CloseSend(); err != nil {
		return s.cause(err)
	}
	m, err := s.stream.Recv()
	switch {
	case err == nil:
		return s.beyond(m)
	case !errors.Is(err, io.EOF):
		return err
	}
	s.hangUp()
	return nil
}

// watch kills the process when a batch is not acknowledged in time or ctx is
// done. stop ends the watch, and tells whether it has killed: that may be right
// after an answer that came in time.
func (s *session) watch(ctx context.Context) (stop func() (killed bool)) {
	timer := time.AfterFunc(s.plan.limits.Timeout, func() {
		s.late.Store(true)
		s.abort()
	})
	undo := context.AfterFunc(ctx, s.abort)
	return sync.OnceValue(func() bool {
		inTime, wanted := timer.Stop(), undo()
		return !inTime || !wanted
	})
}

// abort ends process and connection at once; who waits on them is told.
func (s *session) abort() {
	// In this order nobody waits: gRPC would, for a process that does not read, and
	// who waits on the connection, for a process that cannot be ended.
	s.proc.Signal()
	s.line.close()
	if s.conn != nil {
		_ = s.conn.Close()
	}
	if err := s.proc.Kill(); err != nil {
		s.plan.log.Warn(err)
	}
}

// discard ends a session that is good for nothing any more.
func (s *session) discard() {
	s.hangUp()
	s.abort()
}

// healthy asks a process that had nothing to do for a while.
func (s *session) healthy(ctx context.Context) error {
	select {
	case <-s.proc.Done():
		return s.proc.Death()
	default:
	}
	if time.Since(s.since) < s.plan.timeouts.idle {
		return nil
	}
	_, err := s.act(ctx, "featurehost.health", nil, s.plan.timeouts.health)
	s.since = time.Now()
	return err
}

// close ends a session in good order: the stream, the action, then the end of
// the process, all within 5 seconds; then it is killed (FH-5011).
func (s *session) close() error {
	timeout := s.plan.timeouts.shutdown
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	defer s.discard()
	if s.stream != nil {
		undo := context.AfterFunc(ctx, s.cancel)
		_ = s.stream.CloseSend()
		for {
			if _, err := s.stream.Recv(); err != nil {
				break
			}
		}
		undo()
	}
	_, _ = s.act(ctx, "featurehost.shutdown", nil, timeout)
	select {
	case <-s.proc.Done():
		return s.proc.Broke()
	case <-ctx.Done():
		return contract.Refusal(abi.CodeKilled, "the plugin's process %d did not end within %v of being asked to, and was killed", s.proc.PID(), timeout)
	}
}
