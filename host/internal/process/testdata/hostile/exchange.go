package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

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
	stream gen.FlightService_DoExchangeServer
	seq    int64
}

func (l *link) ack(n int64) { l.send(nil, nil, fmt.Sprintf(`{"ack":%d}`, n)) }

func (l *link) send(header, body []byte, said string) {
	if err := l.stream.Send(&gen.FlightData{DataHeader: header, DataBody: body, AppMetadata: []byte(said)}); err != nil {
		panic(err)
	}
}

func (l *link) schema(s *arrow.Schema) {
	p := ipc.GetSchemaPayload(s, memory.DefaultAllocator)
	l.send(p.Meta().Bytes(), nil, "")
}

// encode writes the values of one column as a batch.
func encode(s *arrow.Schema, a arrow.Array, opts ...ipc.Option) (header, body []byte) {
	p, err := ipc.GetRecordBatchPayload(array.NewRecordBatch(s, []arrow.Array{a}, int64(a.Len())), opts...)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := p.SerializeBody(&b); err != nil {
		panic(err)
	}
	return p.Meta().Bytes(), b.Bytes()
}

func doubles(values ...float64) arrow.Array {
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func texts(values ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func numbers(values ...int32) arrow.Array {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func (p *plugin) DoExchange(stream gen.FlightService_DoExchangeServer) error {
	mode := p.config.Mode
	if strings.HasPrefix(mode, "flush") {
		first, err := stream.Recv()
		if err != nil {
			return err
		}
		var asked struct{ Flush bool }
		if err := json.Unmarshal(first.GetFlightDescriptor().GetCmd(), &asked); err != nil {
			return err
		}
		p.note(string(first.GetFlightDescriptor().GetCmd()))
		if asked.Flush {
			if _, err := stream.Recv(); errors.Is(err, io.EOF) {
				p.note("closed")
			}
			return p.flush(&link{stream: stream})
		}
		stream = &begun{stream, first}
	}
	if strings.HasPrefix(mode, "request") { // what the host says with a batch
		stream = &recorded{stream, p.config.File}
	}
	r, err := flight.NewRecordReader(stream)
	if err != nil {
		return err
	}
	s := schemaOf(mode)
	l := &link{stream: stream}
	switch mode {
	case "wrong_schema":
		l.schema(arrow.NewSchema([]arrow.Field{{Name: "y", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil))
	case "wrong_schema_type":
		l.schema(arrow.NewSchema([]arrow.Field{{Name: "y", Type: arrow.BinaryTypes.LargeString, Nullable: true}}, nil))
	case "no_schema":
	case "schema_twice":
		l.schema(s)
		l.schema(s)
	default:
		l.schema(s)
	}
	for r.Next() {
		var said struct{ Seq int64 }
		if err := json.Unmarshal(r.LatestAppMetadata(), &said); err != nil {
			return err
		}
		l.seq = said.Seq
		if err := p.answer(l, s, r.RecordBatch()); err != nil {
			return err
		}
		if mode == "truncated" || mode == "truncated_after_data" {
			return nil
		}
	}
	switch mode {
	case "flush_late_batch":
		l.ack(l.seq)
	case "flush_late_death":
		os.Exit(7)
	case "flush_late_no":
		return status.Error(codes.Internal, "said on purpose")
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.HasPrefix(mode, "request") {
		return os.WriteFile(p.config.File+".end", nil, 0o600)
	}
	return nil
}

// note writes down what the host did in an exchange.
func (p *plugin) note(text string) {
	if p.config.File == "" {
		return
	}
	f, err := os.OpenFile(p.config.File+".data", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(f, text)
	f.Close()
}

// recorded writes down what comes.
type recorded struct {
	gen.FlightService_DoExchangeServer
	file string
}

func (r *recorded) Recv() (*gen.FlightData, error) {
	d, err := r.FlightService_DoExchangeServer.Recv()
	if err == nil {
		f, err := os.OpenFile(r.file+".data", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(f, "%s\t%s\t%d\n", d.GetFlightDescriptor().GetCmd(), d.AppMetadata, len(d.DataHeader)+len(d.DataBody))
		f.Close()
	}
	return d, err
}

func (p *plugin) answer(l *link, s *arrow.Schema, in arrow.RecordBatch) error {
	x := in.Column(0).(*array.Float64)
	n := x.Len()
	twice := make([]float64, n)
	for i := range twice {
		twice[i] = 2 * x.Value(i)
	}
	holds := func(v float64) bool {
		for i := range n {
			if x.IsValid(i) && x.Value(i) == v {
				return true
			}
		}
		return false
	}
	good := func() {
		header, body := encode(s, doubles(twice...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	}
	switch mode := p.config.Mode; mode {
	default: // good
		if strings.HasPrefix(mode, "flush") {
			header, body := encode(s, numbers(0))
			l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
			break
		}
		good()
	case "flush_takes_no":
		return status.Error(codes.InvalidArgument, "said on purpose")
	case "exit", "flush_takes_exit":
		fmt.Fprintln(os.Stderr, "out of ideas")
		os.Exit(7)
	case "exit_on_13":
		if holds(13) {
			fmt.Fprintln(os.Stderr, "thirteen")
			os.Exit(13)
		}
		good()
	case "abort_on_13":
		if holds(13) {
			return status.Error(codes.Aborted, "thirteen")
		}
		good()
	case "exit_once":
		f, err := os.OpenFile(p.config.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			os.Exit(7)
		}
		good()
	case "exit_every_other": // each process serves one batch
		if l.seq > 1 {
			os.Exit(7)
		}
		good()
	case "exit_after": // dies once it has answered
		good()
		go func() { time.Sleep(50 * time.Millisecond); os.Exit(5) }()
	case "kill9":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		time.Sleep(time.Hour)
	case "loud_exit":
		for i := range 3000 {
			fmt.Fprintf(os.Stderr, "line %d %s\n", i, strings.Repeat("z", 60))
		}
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	case "hang_on_13":
		if holds(13) {
			time.Sleep(time.Hour)
		}
		good()
	case "spin":
		for {
		}
	case "trickle":
		for {
			header, body := encode(s, doubles())
			l.send(header, body, "")
		}
	case "signals_hang": // deaf to everything but the kill that none can refuse
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Hour)
	case "aborted", "data_loss", "internal", "unknown", "invalid", "exhausted", "unavailable", "deadline":
		code := map[string]codes.Code{"aborted": codes.Aborted, "data_loss": codes.DataLoss, "internal": codes.Internal, "unknown": codes.Unknown,
			"invalid": codes.InvalidArgument, "exhausted": codes.ResourceExhausted, "unavailable": codes.Unavailable, "deadline": codes.DeadlineExceeded}[mode]
		return status.Error(code, "said on purpose\x1b[31m")
	case "ack_wrong":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq+1))
	case "ack_negative":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, `{"ack":-1}`)
	case "ack_twice":
		good()
		l.ack(l.seq)
	case "ack_text":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, `{"ack":"one"}`)
	case "ack_huge":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d,"pad":%q}`, l.seq, strings.Repeat("p", 8<<10)))
	case "ack_alone":
		l.ack(l.seq)
	case "truncated":
	case "truncated_after_data":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, "")
	case "garbage_header":
		l.send(bytes.Repeat([]byte{0xff}, 64), nil, "")
	case "garbage_message": // not even protobuf: the stream itself is broken
		return status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: PROTOCOL_ERROR")
	case "big":
		l.send([]byte{1}, make([]byte, 41<<20), "")
	case "short":
		header, body := encode(s, doubles(twice[:n-1]...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "surplus":
		header, body := encode(s, doubles(append(twice, 1)...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "pieces": // of a third each, with empty ones between
		for i := range 3 {
			header, body := encode(s, doubles(twice[i*n/3:(i+1)*n/3]...))
			l.send(header, body, "")
			header, body = encode(s, doubles())
			l.send(header, body, `{}`)
		}
		l.ack(l.seq)
	case "nan":
		for i := range twice {
			twice[i] = math.Float64frombits(0xfff0_0000_0000_0001 + uint64(i))
		}
		good()
	case "garbage_under_nulls":
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		for i := range n {
			b.Append(twice[i])
		}
		d := b.NewArray().Data()
		bits := memory.NewBufferBytes(make([]byte, (n+7)/8))
		a := array.MakeFromData(array.NewData(d.DataType(), n, []*memory.Buffer{bits, d.Buffers()[1]}, nil, n, 0))
		header, body := encode(s, a)
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "null":
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		b.AppendNulls(n)
		header, body := encode(s, b.NewArray())
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "utf8_broken", "utf8_offsets", "utf8_bomb":
		values := make([]string, n)
		for i := range values {
			values[i] = "ab\xff"[:2]
		}
		header, body := encode(s, texts(values...))
		switch mode {
		case "utf8_broken":
			body = bytes.Replace(body, []byte("ab"), []byte("a\xff"), 1)
		case "utf8_offsets": // the second falls below the first
			copy(body[4:], []byte{0xff, 0xff, 0xff, 0x7f})
		case "utf8_bomb": // as long as a message may be, again and again
			for {
				header, body := encode(s, texts(strings.Repeat("x", 2<<20)))
				l.send(header, body, "")
			}
		}
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "decimal_beyond":
		b := array.NewDecimal128Builder(memory.DefaultAllocator, s.Field(0).Type.(*arrow.Decimal128Type))
		for range n {
			if err := b.AppendValueFromString("999"); err != nil {
				panic(err)
			}
		}
		header, body := encode(s, b.NewArray())
		body[1] = 0xff
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "compressed":
		header, body := encode(s, doubles(twice...), ipc.WithZstd())
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "two_columns":
		two := arrow.NewSchema([]arrow.Field{s.Field(0), {Name: "z", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, nil)
		p, err := ipc.GetRecordBatchPayload(array.NewRecordBatch(two, []arrow.Array{doubles(twice...), doubles(twice...)}, int64(n)))
		if err != nil {
			panic(err)
		}
		var b bytes.Buffer
		_ = p.SerializeBody(&b)
		l.send(p.Meta().Bytes(), b.Bytes(), fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "buffers_outside": // the header of one batch with the body of a shorter one
		header, _ := encode(s, doubles(twice...))
		l.send(header, nil, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "rejects":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d,"rejects":[{"row":0,"code":1,"message":"no"}]}`, l.seq))
	case "metrics":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d,"metrics":{"seen":%d.5}}`, l.seq, n))
	case "metrics_wrong":
		header, body := encode(s, doubles(twice...))
		l.send(header, body, fmt.Sprintf(`{"ack":%d,"metrics":{"a b":1}}`, l.seq))
	case "flood":
		go func() {
			for {
				fmt.Println(strings.Repeat("x", 1<<10))
			}
		}()
		time.Sleep(time.Hour)
	case "forks":
		child := exec.Command("sleep", "1000")
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
		_ = os.WriteFile(p.config.File, []byte(strconv.Itoa(child.Process.Pid)), 0o600)
		os.Exit(1)
	case "flush_takes_beyond":
		header, body := encode(s, numbers(0, -1))
		l.send(header, body, fmt.Sprintf(`{"ack":%d}`, l.seq))
	case "flush_takes_pieces": // in any order, again and again, in several messages
		for _, piece := range [][]int32{{int32(n - 1), 0}, nil, {0, 0}} {
			header, body := encode(s, numbers(piece...))
			l.send(header, body, "")
		}
		l.ack(l.seq)
	case "rows_odd", "rows_falling", "rows_beyond", "rows_pieces", "rows_pieces_falling", "rows_none":
		var odd []int32
		for i := 1; i < n; i += 2 {
			odd = append(odd, int32(i))
		}
		pieces := [][]int32{odd}
		switch mode {
		case "rows_falling":
			pieces = [][]int32{{2, 1}}
		case "rows_beyond":
			pieces = [][]int32{{int32(n)}}
		case "rows_pieces":
			pieces = [][]int32{odd[:1], odd[1:]}
		case "rows_pieces_falling":
			pieces = [][]int32{odd[1:], odd[:1]}
		case "rows_none":
			pieces = nil
		}
		for _, piece := range pieces {
			header, body := encode(s, numbers(piece...))
			l.send(header, body, "")
		}
		l.ack(l.seq)
	case "keep_pieces":
		for i := range n {
			b := array.NewBooleanBuilder(memory.DefaultAllocator)
			b.Append(i%2 == 1)
			header, body := encode(s, b.NewArray())
			l.send(header, body, "")
		}
		l.ack(l.seq)
	}
	return nil
}
