package process

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/crash"
	"github.com/featurehost/featurehost/host/internal/process/wire"
)

var _ crash.Worker = (*Stage)(nil)

func hosttestEnv(t testing.TB) flow.Env {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	return env
}

// ABI-P-003, ABI-P-004, ABI-P-005, ABI-P-006: what the host says, word for
// word: bind, the descriptor, the schema first, a number for each batch, half-close,
// shutdown.
func TestSession_Conversation_AsSpecified(t *testing.T) {
	file := filepath.Join(t.TempDir(), "request")
	in := hosttest.Batch(t, "a string, x double", "p | 1", "q | 2")
	defer in.Release()
	u := Use{Stage: "scores", Config: map[string]any{"mode": "request", "file": file}, Seed: "seed", Now: 42, RunID: "run-7"}
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), u, in.Record.Schema())
	for range 2 {
		if got := run(t, s, in); got != "p | 1 | 2\nq | 2 | 4\n" {
			t.Errorf("got\n%s", got)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bind struct {
		Stage, InputSchema, TimeColumn, Seed string
		Config                               map[string]any
		Keys                                 []string
	}
	if err := json.Unmarshal([]byte(strings.NewReplacer("input_schema", "InputSchema", "time_column", "TimeColumn").Replace(string(text))), &bind); err != nil {
		t.Fatal(err)
	}
	schema, err := base64.StdEncoding.DecodeString(bind.InputSchema)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := wire.ReadEncapsulated(schema)
	if err != nil || seen.NumFields() != 1 || seen.Field(0).Name != "x" {
		t.Errorf("input schema %v, %v", seen, err)
	}
	if bind.Stage != "scores" || bind.Seed != "seed" || bind.Config["mode"] != "request" || bind.Keys == nil {
		t.Errorf("bind %s", text)
	}
	data, err := os.ReadFile(file + ".data")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i, want := range []string{
		`{"handle":"h","run_id":"run-7","partition":0,"attempt":0,"mode":"batch"}` + "\t\t",
		"\t" + `{"seq":1,"as_of":42,"wm":-9223372036854775808,"commit":false}` + "\t",
		"\t" + `{"seq":2,"as_of":42,"wm":-9223372036854775808,"commit":false}` + "\t",
	} {
		if len(lines) != 3 || !strings.HasPrefix(lines[i], want) {
			t.Fatalf("messages\n%s\nwant\n%s", data, want)
		}
	}
	for _, end := range []string{".end", ".shutdown"} {
		if _, err := os.Stat(file + end); err != nil {
			t.Errorf("the plugin saw no %s: %v", end, err)
		}
	}
}

// ABI-P-005: the kinds' rules are those of section 1: columns that the plugin
// never saw travel by reference, replaced ones stay in place, selections cut
// all, an answer may come in pieces.
func TestStage_Kinds_AsWasm(t *testing.T) {
	rows := []string{"1 | a", "2 | b", "null | c", "4 | d", "5 | e"}
	for _, c := range []struct{ kind, mode, want string }{
		{"map", "", "1 | a | 2\n2 | b | 4\nnull | c | 0\n4 | d | 8\n5 | e | 10\n"},
		{"map", "pieces", "1 | a | 2\n2 | b | 4\nnull | c | 0\n4 | d | 8\n5 | e | 10\n"},
		{"filter", "rows_odd", "2 | b\n4 | d\n"},
		{"filter", "rows_pieces", "2 | b\n4 | d\n"},
		{"filter", "rows_none", ""},
		{"filter", "keep_pieces", "2 | b\n4 | d\n"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			in := hosttest.Batch(t, "x double, s string", rows...)
			defer in.Release()
			s, _ := open(t, load(t, newEngine(t), hostile(t, c.kind, "")), mode(c.mode), in.Record.Schema())
			var got hosttest.Recorder
			defer got.Release()
			if err := s.Process(context.Background(), in, got.Emit); err != nil {
				t.Fatal(err)
			}
			if got.Text() != c.want {
				t.Errorf("got\n%s\nwant\n%s", got.Text(), c.want)
			}
			if c.mode == "" && got.Batches[0].Record.Column(1) != in.Record.Column(1) {
				t.Error("a column that the plugin never saw was copied")
			}
			if c.mode == "pieces" && (len(got.Batches) < 2 || got.Batches[1].Position.Row == 0) {
				t.Errorf("%d pieces", len(got.Batches))
			}
		})
	}
}

// ABI-W-053: process outputs pass the list of section 4, with its codes, and
// those of the transport. After each, the host serves the next batch with a new
// process (conformance: hostile processes).
func TestStage_HostileAnswer_Coded(t *testing.T) {
	for _, c := range []struct {
		kind, mode string
		code       fault.Code
		says       string
	}{
		{"map", "exit", abi.CodeExited, "exit status 7): out of ideas"},
		{"map", "kill9", abi.CodeExited, "signal: killed"},
		{"map", "loud_exit", abi.CodeExited, "line 2999"},
		{"map", "truncated", abi.CodeStream, "before it acknowledged"},
		{"map", "truncated_after_data", abi.CodeStream, "before it acknowledged"},
		{"map", "garbage_header", abi.CodeStream, "no Arrow message"},
		{"map", "garbage_message", abi.CodeStream, "broke"},
		{"map", "unavailable", abi.CodeStream, "said on purpose"},
		{"map", "aborted", abi.CodeBadBatch, "said on purpose"},
		{"map", "data_loss", abi.CodeBadBatch, "said on purpose"},
		{"map", "internal", abi.CodeBadBatch, "said on purpose"},
		{"map", "unknown", abi.CodeBadBatch, "said on purpose"},
		{"map", "invalid", abi.CodeData, "said on purpose"},
		{"map", "exhausted", abi.CodeMemory, "said on purpose"},
		{"map", "deadline", abi.CodeDeadline, "said on purpose"},
		{"map", "ack_wrong", abi.CodeAck, "acknowledged batch 2"},
		{"map", "ack_negative", abi.CodeAck, "acknowledged batch -1"},
		{"map", "ack_text", abi.CodeAck, "app_metadata"},
		{"map", "ack_huge", abi.CodeAck, "at most 4096"},
		{"map", "ack_alone", cdata.BadLength, "0 rows, expected 2"},
		{"map", "big", abi.CodeMessage, "larger than max"},
		{"map", "wrong_schema", cdata.SchemaDrift, "int64"},
		{"map", "wrong_schema_type", cdata.SchemaDrift, "may not cross"},
		{"map", "schema_twice", abi.CodeStream, "in the middle"},
		{"map", "no_schema", abi.CodeStream, "before its schema"},
		{"map", "short", cdata.BadLength, "1 rows, expected 2"},
		{"map", "surplus", cdata.BadLength, "expected 2"},
		{"map", "two_columns", cdata.BadShape, "2 arrays, expected 1"},
		{"map", "buffers_outside", abi.CodeStream, "body of 0"},
		{"map", "compressed", abi.CodeStream, "compressed"},
		{"map", "null", cdata.BadNulls, "non-nullable"},
		{"map", "utf8_broken", cdata.BadUTF8, "UTF-8"},
		{"map", "utf8_offsets", cdata.BadOffsets, "offset"},
		{"map", "utf8_bomb", cdata.BadLength, "expected 2"},
		{"map", "decimal_beyond", cdata.BadDecimal, "digits"},
		{"map", "rejects", abi.CodeMisuse, "one by one"},
		{"map", "metrics_wrong", abi.CodeMisuse, `"a b"`},
		{"map", "flood", abi.CodeStdout, "xxx"},
		{"filter", "rows_falling", cdata.BadLength, "ascending"},
		{"filter", "rows_beyond", cdata.BadLength, "ascending"},
		{"filter", "rows_pieces_falling", cdata.BadLength, "ascending"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			rows := []string{"1", "2"}
			if c.kind == "filter" {
				rows = []string{"1", "2", "3", "4"}
			}
			in := hosttest.Batch(t, "x double", rows...)
			defer in.Release()
			s, _ := open(t, load(t, newEngineQuiet(t), hostile(t, c.kind, "")), mode(c.mode), in.Record.Schema())
			for range 2 { // the second meets a process that knows nothing of the first
				out, err := s.Do(context.Background(), in, false)
				if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || out != nil {
					t.Fatalf("got %v, %v, want %v with %q", out, err, c.code, c.says)
				}
				if !strings.Contains(err.Error(), `stage "hostile" (plugin hostile@1.0.0, sha256:0123456789ab), test:row`) {
					t.Errorf("%v does not say where", err)
				}
				if strings.Contains(err.Error(), "\x1b") {
					t.Errorf("%q would steer a terminal", err)
				}
			}
		})
	}
}

// newEngineQuiet is newEngine for tests that run beside each other, which have
// children at any time.
func newEngineQuiet(t testing.TB) *Engine {
	t.Helper()
	e := NewEngine(Options{TempDir: "/tmp"})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// ABI-P-011: the end of stderr goes with the error, of which a message shows the
// last lines.
func TestStage_Death_KeepsLastWords(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("loud_exit"), in.Record.Schema())
	_, err := s.Do(context.Background(), in, false)
	if !fault.Is(err, abi.CodeExited) {
		t.Fatal(err)
	}
	text := err.Error()
	if !strings.Contains(text, "line 2999") || !strings.Contains(text, "line 2990") || strings.Contains(text, "line 2000 ") {
		t.Errorf("got %v", text)
	}
	words, ok := fault.As(err).Err.(interface{ Error() string })
	if !ok || len(fmt.Sprintf("%s", words)) > 4<<10 {
		t.Errorf("the message shows %d bytes", len(fmt.Sprint(words)))
	}
}

// ABI-P-009: a batch that is not acknowledged in time costs the process its
// life, however it spends the time; also one that will not be signalled.
func TestStage_Deadline_Killed(t *testing.T) {
	for _, how := range []string{"hang", "spin", "trickle", "signals_hang"} {
		t.Run(how, func(t *testing.T) {
			in := hosttest.Batch(t, "x double", "1")
			defer in.Release()
			u := mode(how)
			u.Limits.Timeout = 300 * time.Millisecond
			s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), u, in.Record.Schema())
			start := time.Now()
			_, err := s.Do(context.Background(), in, false)
			if !fault.Is(err, abi.CodeDeadline) || !strings.Contains(err.Error(), "within 300ms") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	s := load(t, newEngine(t), hostile(t, "map", "")).Stage(Use{}, hosttestEnv(t))
	if got := s.Limits().Timeout; got != 60*time.Second {
		t.Errorf("the default is %v", got)
	}
}

// The caller's context ends a batch, too.
func TestStage_Cancelled_Returns(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("hang"), in.Record.Schema())
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	start := time.Now()
	if _, err := s.Do(ctx, in, false); err != context.Canceled || time.Since(start) > 10*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

// ABI-P-010: a process that is killed in the middle of a batch costs that try
// alone; the next is served by another.
func TestStage_KilledMidBatch_NextServed(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1", "13")
	defer in.Release()
	dir := hostile(t, "map", "")
	u := mode("hang_on_13")
	s, _ := open(t, load(t, newEngine(t), dir), u, in.Record.Schema())
	time.AfterFunc(300*time.Millisecond, func() {
		pid, _ := os.ReadFile(filepath.Join(dir, "pid"))
		var n int
		_, _ = fmt.Sscan(string(pid), &n)
		p, _ := os.FindProcess(n)
		_ = p.Kill()
	})
	if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeExited) || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("got %v", err)
	}
	one := in.Slice(0, 1)
	defer one.Release()
	if got := run(t, s, one); got != "1 | 2\n" {
		t.Errorf("got %q", got)
	}
}

// ABI-P-002: what is printed after the handshake ends the process, whenever it
// comes.
func TestStage_WordsAfterHandshake_Refused(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	env := hosttestEnv(t)
	s := impatient(load(t, newEngine(t), hostile(t, "map", "chatty")).Stage(Use{}, env))
	defer s.Close()
	_, err := s.Open(context.Background(), in.Record.Schema())
	if err == nil {
		_, err = s.Do(context.Background(), in, false)
	}
	if !fault.Is(err, abi.CodeStdout) || !strings.Contains(err.Error(), "ready to serve") {
		t.Errorf("got %v", err)
	}
}

// ABI-P-010: a process is ended with all that it started: when it crashes, and
// when the stage closes.
func TestStage_Forks_GroupKilled(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	file := filepath.Join(t.TempDir(), "child")
	u := Use{Config: map[string]any{"mode": "forks", "file": file}}
	e := newEngine(t)
	s, _ := open(t, load(t, e, hostile(t, "map", "")), u, in.Record.Schema())
	if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeExited) {
		t.Errorf("got %v", err)
	}
	child, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gone(t, string(child))

	dir := hostile(t, "map", "fork")
	s, _ = open(t, load(t, e, dir), Use{}, in.Record.Schema())
	run(t, s, in)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if child, err = os.ReadFile(filepath.Join(dir, "child")); err != nil {
		t.Fatal(err)
	}
	gone(t, string(child))
}

// ABI-P-009: a process that does not end when asked to is killed, which the log
// tells and the run survives.
func TestStage_IgnoresShutdown_Killed(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	dir := hostile(t, "map", "")
	env, log := logged(t)
	s := impatient(load(t, newEngine(t), dir).Stage(mode("ignores_shutdown"), env))
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	run(t, s, in)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, string(pid))
	if text := log.String(); !strings.Contains(text, "FH-5011") {
		t.Errorf("log: %s", text)
	}
}

// ABI-P-011: stderr goes to the log, line by line, at most log_lines a second.
func TestStage_Stderr_LoggedWithinLimit(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	env, log := logged(t)
	u := mode("loud_exit")
	u.Limits.LogLines = 3
	s := impatient(load(t, newEngine(t), hostile(t, "map", "")).Stage(u, env))
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeExited) {
		t.Errorf("got %v", err)
	}
	_ = s.Close()
	text := log.String()
	if n := strings.Count(text, "msg=\"line "); n < 3 || n > 9 {
		t.Errorf("%d lines were logged", n)
	}
	if !strings.Contains(text, "FH-3008") || !strings.Contains(text, "plugin=hostile") {
		t.Errorf("log: %s", text)
	}
}

// ABI-P-006: metrics are counted for the stage.
func TestStage_Metrics_Counted(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1", "2", "3")
	defer in.Release()
	env, _, counts := hosttest.Env(t)
	s := impatient(load(t, newEngine(t), hostile(t, "map", "")).Stage(mode("metrics"), env))
	if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	run(t, s, in)
	run(t, s, in)
	_ = s.Close()
	if got := counts.N["plugin_seen{hostile}"]; got != 7 {
		t.Errorf("counted %d, want 3.5 twice: %v", got, counts.N)
	}
}

// ABI-M-021: nulls hold zeros and NaNs are the quiet one, whatever the process
// wrote.
func TestStage_NullsAndNaN_Canonical(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1", "2")
	defer in.Release()
	m := load(t, newEngine(t), hostile(t, "map", ""))
	s, _ := open(t, m, mode("garbage_under_nulls"), in.Record.Schema())
	out, err := s.Do(context.Background(), in, false)
	if err != nil {
		t.Fatal(err)
	}
	y := out[0].Record.Column(1).(*array.Float64)
	if y.NullN() != 2 || y.Values()[0] != 0 || y.Values()[1] != 0 {
		t.Errorf("got %v of %v", y, y.Values())
	}
	flow.ReleaseAll(out)
	s, _ = open(t, m, mode("nan"), in.Record.Schema())
	if out, err = s.Do(context.Background(), in, false); err != nil {
		t.Fatal(err)
	}
	if bits := memoryOf(out[0].Record.Column(1)); bits != "000000000000f87f000000000000f87f" {
		t.Errorf("got %s", bits)
	}
	flow.ReleaseAll(out)
}

func memoryOf(a interface{ Data() arrowData }) string {
	return fmt.Sprintf("%x", a.Data().Buffers()[1].Bytes())
}

// ABI-P-007: batches are cut so that a message has 3 MiB at most, or what the
// manifest says; one row above it is FH-5007.
func TestStage_LargeBatch_CutToMessages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "request")
	const rows = 1 << 20 // 8 MiB
	b := array.NewFloat64Builder(memory.DefaultAllocator)
	for i := range rows {
		b.Append(float64(i))
	}
	x := b.NewArray()
	defer x.Release()
	in := flow.Batch{Record: array.NewRecordBatch(hosttest.Record(t, "x double").Schema(), []arrowArray{x}, rows)}
	defer in.Release()
	u := Use{Config: map[string]any{"mode": "request", "file": file}, Limits: abi.Limits{MaxBatchRows: rows}}
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), u, in.Record.Schema())
	got := int64(0)
	if err := s.Process(context.Background(), in, func(b flow.Batch) error {
		y := b.Record.Column(1).(*array.Float64)
		for i := range y.Len() {
			if y.Value(i) != 2*float64(got) {
				return fmt.Errorf("row %d is %v", got, y.Value(i))
			}
			got++
		}
		b.Release()
		return nil
	}); err != nil || got != rows {
		t.Fatalf("%d rows, %v", got, err)
	}
	data, err := os.ReadFile(file + ".data")
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		var size int
		_, _ = fmt.Sscan(line[strings.LastIndexByte(line, '\t')+1:], &size)
		if size > 3<<20 {
			t.Errorf("a message of %d bytes", size)
		}
		messages++
	}
	if messages != 1+3 {
		t.Errorf("%d messages, want the schema and 3 batches", messages)
	}
	// What a caller of Do gives beyond Most is refused, and the process goes on.
	if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeMessage) {
		t.Errorf("got %v", err)
	}
	one := in.Slice(7, 8)
	defer one.Release()
	if got := run(t, s, one); got != "7 | 14\n" {
		t.Errorf("got %q", got)
	}
}

// ABI-P-007: the manifest may name another limit; a single row above it is
// refused, and a batch of many under the crash policy is cut down to it.
func TestStage_RowAboveMessage_Refused(t *testing.T) {
	dir := hostile(t, "map", "")
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"input"`, `"max_message_bytes":65536,"input"`, 1)
	changed = strings.Replace(changed, `"nullable":true}]`, `"nullable":true},{"name":"s","type":"utf8","nullable":true}]`, 1)
	put(t, filepath.Join(dir, "manifest.json"), changed)
	in := hosttest.Batch(t, "x double, s string", "1 | a", "2 | "+strings.Repeat("b", 70000), "3 | "+strings.Repeat("c", 60000), "4 | "+strings.Repeat("d", 30000))
	defer in.Release()
	env, rejected, _ := hosttest.Env(t)
	s := impatient(load(t, newEngine(t), dir).Stage(Use{}, env))
	defer s.Close()
	guarded := crash.Guard(s, crash.Settings{Name: "s", Policy: crash.DeadLetter, Circuit: crash.Circuit{Rejected: 1}, Rejects: rejected})
	if _, err := guarded.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	var got hosttest.Recorder
	defer got.Release()
	if err := guarded.Process(context.Background(), in, got.Emit); err != nil {
		t.Fatal(err)
	}
	if len(rejected.Rows) != 1 || !strings.HasPrefix(rejected.Rows[0], "FH-5007: 2 | b") {
		t.Errorf("rejected %.80q", rejected.Rows)
	}
	passed := ""
	for _, line := range strings.Split(strings.TrimSpace(got.Text()), "\n") {
		passed += line[:1]
	}
	if passed != "134" {
		t.Errorf("passed rows %s", passed)
	}
}

// Copies of a stage work beside each other, each with a process of its
// own while it needs one, and share the idle.
func TestStage_Forks_WorkBesideEachOther(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1", "2")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), Use{}, in.Record.Schema())
	var wait sync.WaitGroup
	for range 3 {
		f, err := s.Fork(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			defer f.Close()
			for range 20 {
				var got hosttest.Recorder
				if err := f.Process(context.Background(), in, got.Emit); err != nil || got.Text() != "1 | 2\n2 | 4\n" {
					t.Errorf("got %q, %v", got.Text(), err)
				}
				got.Release()
			}
		})
	}
	wait.Wait()
	if n := len(s.shared.pool.idle); n < 1 || n > 3 {
		t.Errorf("%d idle processes", n)
	}
}

// ABI-W-071, ABI-P-008: rows that kill the process, or that it refuses, are found
// and rejected; the others pass, and no restart is charged to the process.
func TestStage_PoisonRow_RejectedAlone(t *testing.T) {
	for _, c := range []struct{ mode, code string }{{"exit_on_13", "FH-5004"}, {"aborted_on_13", "FH-5008"}, {"hang_on_13", "FH-5005"}} {
		t.Run(c.mode, func(t *testing.T) {
			in := hosttest.Batch(t, "x double", "1", "2", "13", "4", "5")
			defer in.Release()
			env, rejected, counts := hosttest.Env(t)
			u := mode(c.mode)
			u.Limits.Timeout = 400 * time.Millisecond
			s := impatient(load(t, newEngine(t), hostile(t, "map", "")).Stage(u, env))
			guarded := crash.Guard(s, crash.Settings{Name: "s", Policy: crash.DeadLetter, Circuit: crash.Circuit{Rejected: 1}, Rejects: rejected, Counter: counts})
			defer guarded.Close()
			if _, err := guarded.Open(context.Background(), in.Record.Schema()); err != nil {
				t.Fatal(err)
			}
			var got hosttest.Recorder
			defer got.Release()
			if err := guarded.Process(context.Background(), in, got.Emit); err != nil {
				t.Fatal(err)
			}
			if got.Text() != "1 | 2\n2 | 4\n4 | 8\n5 | 10\n" || len(rejected.Rows) != 1 || rejected.Rows[0] != c.code+": 13\n" {
				t.Errorf("passed\n%srejected %q", got.Text(), rejected.Rows)
			}
			if n := len(s.shared.pool.keeper.charged); n != 0 {
				t.Errorf("%d restarts were charged", n)
			}
		})
	}
}

// ABI-W-072: a process that keeps dying of nothing that its rows do opens the
// circuit.
func TestStage_DiesAgainAndAgain_CircuitOpens(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	env, _, counts := hosttest.Env(t)
	s := impatient(load(t, newEngine(t), hostile(t, "map", "")).Stage(mode("exit_every_other"), env))
	guarded := crash.Guard(s, crash.Settings{Name: "s", Policy: crash.DeadLetter, Counter: counts})
	defer guarded.Close()
	if _, err := guarded.Open(context.Background(), in.Record.Schema()); err != nil {
		t.Fatal(err)
	}
	s.shared.pool.keeper.sleep = func(context.Context, time.Duration) error { return nil }
	for i := range 20 {
		err := guarded.Process(context.Background(), in, func(b flow.Batch) error { b.Release(); return nil })
		if err != nil {
			if !fault.Is(err, abi.CodeCircuit) || !strings.Contains(err.Error(), "5 times within 10m") || !strings.Contains(err.Error(), "exit status 7") {
				t.Errorf("got %v", err)
			}
			if i != mostRestarts+1 {
				t.Errorf("after %d batches", i)
			}
			return
		}
	}
	t.Error("the circuit never opened")
}

// A process that dies between batches is replaced, and that is charged.
func TestStage_DiesIdle_Replaced(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), hostile(t, "map", "")), mode("exit_after"), in.Record.Schema())
	for range 2 {
		if got := run(t, s, in); got != "1 | 2\n" {
			t.Errorf("got %q", got)
		}
		time.Sleep(300 * time.Millisecond)
	}
	if n := len(s.shared.pool.keeper.charged); n != 1 {
		t.Errorf("%d restarts were charged", n)
	}
}

// ABI-P-009: a process that had nothing to do is asked for its health first.
func TestStage_IdleAndStopped_Replaced(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	dir := hostile(t, "map", "")
	s, _ := open(t, load(t, newEngine(t), dir), Use{}, in.Record.Schema())
	s.shared.pool.plan.timeouts.idle, s.shared.pool.plan.timeouts.health = 0, 200*time.Millisecond
	run(t, s, in)
	first := pidOf(t, dir)
	stop(t, dir)
	start := time.Now()
	if got := run(t, s, in); got != "1 | 2\n" || pidOf(t, dir) == first || time.Since(start) > 20*time.Second {
		t.Errorf("got %q of process %s after %v", got, pidOf(t, dir), time.Since(start))
	}
}

// ABI-M-003: a null where the manifest allows none stays with the host, and the
// process serves on.
func TestStage_NullInNonNullable_Refused(t *testing.T) {
	dir := hostile(t, "map", "")
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "manifest.json"), strings.Replace(string(text), `"nullable":true`, `"nullable":false`, 1))
	in := hosttest.Batch(t, "x double", "1", "null")
	defer in.Release()
	s, _ := open(t, load(t, newEngine(t), dir), Use{}, in.Record.Schema())
	if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeData) || !strings.Contains(err.Error(), `"x" holds 1 nulls`) {
		t.Errorf("got %v", err)
	}
	one := in.Slice(0, 1)
	defer one.Release()
	before := pidOf(t, dir)
	if got := run(t, s, one); got != "1 | 2\n" || pidOf(t, dir) != before {
		t.Errorf("got %q", got)
	}
}

// A second try meets a process that has served nobody; the one before it is
// ended, so that there are no more than were at work at once. A process that
// says no in words serves on.
func TestStage_Fresh_ReplacesProcess(t *testing.T) {
	in := hosttest.Batch(t, "x double", "1")
	defer in.Release()
	e := newEngine(t)
	dir := hostile(t, "map", "")
	s, _ := open(t, load(t, e, dir), Use{}, in.Record.Schema())
	run(t, s, in)
	first := pidOf(t, dir)
	out, err := s.Do(context.Background(), in, true)
	if err != nil {
		t.Fatal(err)
	}
	flow.ReleaseAll(out)
	if pidOf(t, dir) == first || len(s.shared.pool.idle) != 1 {
		t.Errorf("process %s served again, %d are idle", first, len(s.shared.pool.idle))
	}
	gone(t, first)

	dir = hostile(t, "map", "")
	s, _ = open(t, load(t, e, dir), mode("invalid"), in.Record.Schema())
	first = pidOf(t, dir)
	for range 3 {
		if _, err := s.Do(context.Background(), in, false); !fault.Is(err, abi.CodeData) {
			t.Fatal(err)
		}
	}
	if pidOf(t, dir) != first {
		t.Error("a process that rejected its rows was replaced")
	}

	dir = hostile(t, "map", "")
	s, _ = open(t, load(t, e, dir), mode("aborted_on_13"), in.Record.Schema())
	first = pidOf(t, dir)
	poison := hosttest.Batch(t, "x double", "13")
	defer poison.Release()
	if _, err := s.Do(context.Background(), poison, false); !fault.Is(err, abi.CodeBadBatch) {
		t.Fatal(err)
	}
	if got := run(t, s, in); got != "1 | 2\n" || pidOf(t, dir) != first {
		t.Errorf("got %q from process %s after %s", got, pidOf(t, dir), first)
	}
}
