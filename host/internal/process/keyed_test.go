package process

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/contract"
	"github.com/featurehost/featurehost/host/internal/crash"
)

const doubleEvents = "ts timestamp, x double"

// hostileKeyed is the program that breaks the rules, with x for its key.
func hostileKeyed(t testing.TB) string {
	t.Helper()
	dir := hostile(t, "keyed", "")
	put(t, filepath.Join(dir, "manifest.json"), strings.Replace(fmt.Sprintf(hostileManifest, "keyed"), `"stateful":false`, `"stateful":true`, 1))
	return dir
}

// keyed gives an open stage that is closed with the test.
func keyed(t testing.TB, m *Module, u Use, in *flow.Schema) *Keyed {
	t.Helper()
	env, _, _ := hosttest.Env(t)
	k := m.Keyed(u, env)
	impatient(k.stage)
	t.Cleanup(func() { _ = k.Close() })
	if _, err := k.Open(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	return k
}

func byX(mode string) Use {
	return Use{Config: map[string]any{"mode": mode}, By: contract.Grouping{Keys: []string{"x"}, Time: "ts"}, Limits: abi.Limits{MaxBatchRows: 10, Timeout: time.Second}}
}

// processFlush puts a batch through a stage and flushes it.
func processFlush(k flow.Stage, in flow.Batch) (string, error) {
	var out hosttest.Recorder
	defer out.Release()
	err := k.Process(context.Background(), in, out.Emit)
	if err == nil {
		err = k.Flush(context.Background(), out.Emit)
	}
	return out.Text(), err
}

// ABI-M-012, ABI-P-012: what a keyed plugin must not answer, each with its code,
// and that what it knew is lost: there is no other try.
func TestKeyed_Misdeeds_Refused(t *testing.T) {
	dir := hostileKeyed(t)
	in := hosttest.Batch(t, doubleEvents, "2024-01-01T00:00:00Z | 1", "2024-01-02T00:00:00Z | 1")
	t.Cleanup(in.Release)
	for _, c := range []struct {
		mode string
		code fault.Code
		says string
	}{
		{"flush_takes_exit", abi.CodeExited, "exit status 7"},
		{"flush_takes_no", abi.CodeData, "rejected the batch: said on purpose"},
		{"flush_takes_beyond", cdata.BadLength, "entry 1 is -1"},
		{"flush_endless", cdata.TooMuch, "at most 18 are allowed after 2 rows"},
		{"flush_empty", cdata.BadLength, "batch of 0 rows"},
		{"flush_large", cdata.BadLength, "11 rows at once, at most 10"},
		{"flush_schema", cdata.SchemaDrift, "the flush has another schema"},
		{"flush_schema_of_batches", cdata.SchemaDrift, "the flush has another schema"},
		{"flush_schema_twice", abi.CodeStream, "in the middle"},
		{"flush_no_schema", abi.CodeStream, "before its schema"},
		{"flush_batch_first", abi.CodeStream, "before its schema"},
		{"flush_garbage", abi.CodeStream, "no Arrow message"},
		{"flush_short_buffer", abi.CodeStream, "body of 0"},
		{"flush_ack", abi.CodeAck, "where there is none"},
		{"flush_dies", abi.CodeExited, "exit status 7): out of ideas"},
		{"flush_hangs", abi.CodeDeadline, "did not answer the flush within 1s"},
		{"flush_hangs_later", abi.CodeDeadline, "did not answer the flush within 1s"},
		{"flush_words", abi.CodeDeadline, "did not answer the flush within 1s"},
		{"flush_refuses", abi.CodeData, "rejected the flush: said on purpose"},
		{"flush_breaks", abi.CodeBadBatch, "failed on the flush (Internal): said on purpose"},
		{"flush_late_batch", abi.CodeAck, "twice"},
		{"flush_late_death", abi.CodeExited, "exit status 7"},
		{"flush_late_no", abi.CodeBadBatch, "said on purpose"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			k := keyed(t, load(t, newEngineQuiet(t), dir), byX(c.mode), in.Record.Schema())
			_, err := processFlush(k, in)
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %v with %q", err, c.code, c.says)
			}
			where := `stage "hostile" (plugin hostile@1.0.0, sha256:0123456789ab)`
			if !strings.HasPrefix(c.mode, "flush_takes") {
				where += ", flush"
			}
			if !strings.Contains(err.Error(), where) {
				t.Errorf("%v does not say where", err)
			}
			if _, err := processFlush(k, in); !fault.Is(err, abi.CodeExited) || !strings.Contains(err.Error(), "is lost") {
				t.Errorf("again: %v", err)
			}
			if err := k.Flush(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "is lost") {
				t.Errorf("flush, again: %v", err)
			}
		})
	}
}

// ABI-M-012, ABI-P-005: rows are taken in any order, from all messages of an
// answer.
func TestKeyed_RowsTaken_AnyOrder(t *testing.T) {
	in := hosttest.Batch(t, doubleEvents, "2024-01-01T00:00:00Z | 1", "2024-01-02T00:00:00Z | 2")
	defer in.Release()
	k := keyed(t, load(t, newEngine(t), hostileKeyed(t)), byX("flush_takes_pieces"), in.Record.Schema())
	want := "2024-01-02 | 2\n2024-01-01 | 1\n2024-01-01 | 1\n2024-01-01 | 1\n"
	if got, err := processFlush(k, in); err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
}

// ABI-P-009: the caller's context ends a flush, too.
func TestKeyed_FlushCancelled_Returns(t *testing.T) {
	in := hosttest.Batch(t, doubleEvents, "2024-01-01T00:00:00Z | 1")
	defer in.Release()
	u := byX("flush_hangs")
	u.Limits.Timeout = time.Hour
	k := keyed(t, load(t, newEngine(t), hostileKeyed(t)), u, in.Record.Schema())
	var out hosttest.Recorder
	defer out.Release()
	if err := k.Process(context.Background(), in, out.Emit); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := k.Flush(ctx, out.Emit); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

// ABI-P-004, ABI-P-012: what a keyed plugin is told: bind names keys and time,
// and the flush has an exchange of its own after the one of the batches has ended.
func TestKeyed_Conversation_AsSpecified(t *testing.T) {
	file := filepath.Join(t.TempDir(), "request")
	in := hosttest.Batch(t, doubleEvents, "2024-01-01T00:00:00Z | 1")
	defer in.Release()
	u := byX("flush_good")
	u.Config["file"] = file
	u.RunID = "run-7"
	k := keyed(t, load(t, newEngine(t), hostileKeyed(t)), u, in.Record.Schema())
	if got, err := processFlush(k, in); err != nil || got != "2024-01-01 | 1\nnull | null\nnull | null\n" {
		t.Errorf("%v\n%s", err, got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var bind struct {
		Keys       []string `json:"keys"`
		TimeColumn string   `json:"time_column"`
	}
	if err := json.Unmarshal(text, &bind); err != nil || fmt.Sprint(bind) != "{[x] ts}" {
		t.Errorf("bind %s, %v", text, err)
	}
	said, err := os.ReadFile(file + ".data")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"handle":"h","run_id":"run-7","partition":0,"attempt":0,"mode":"batch"}
{"handle":"h","run_id":"run-7","partition":0,"attempt":0,"mode":"batch","flush":true,"max_batch_rows":10}
closed
`
	if string(said) != want {
		t.Errorf("descriptors\n%s\nwant\n%s", said, want)
	}
}

// ABI-M-012: what a keyed stage needs, and what others must not have.
func TestKeyed_Binding(t *testing.T) {
	env, _, _ := hosttest.Env(t)
	schema := hosttest.Batch(t, doubleEvents).Record.Schema()
	m := load(t, newEngine(t), hostileKeyed(t))
	for _, c := range []struct {
		by   contract.Grouping
		mode string
		code fault.Code
		says string
	}{
		{contract.Grouping{}, "", abi.CodeConfig, `keys = ["..."]`},
		{contract.Grouping{Keys: []string{"x"}}, "", abi.CodeConfig, "time"},
		{contract.Grouping{Keys: []string{"y"}, Time: "ts"}, "", abi.CodeInputSchema, "by column \"y\""},
		{contract.Grouping{Keys: []string{"ts"}, Time: "x"}, "", abi.CodeInputSchema, "timestamp[us,UTC]"},
		{byX("").By, "", abi.CodeOutputSchema, `"fh_rows" (int32)`}, // it answers "y"
	} {
		k := m.Keyed(Use{By: c.by}, env)
		impatient(k.stage)
		if _, err := k.Open(context.Background(), schema); !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.by, err)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := opening(t, newEngine(t), hostile(t, "map", ""), Use{By: byX("").By}); !fault.Is(err, abi.CodeConfig) {
		t.Errorf("a map with keys: %v", err)
	}
	k := keyed(t, m, byX("flush_good"), schema)
	if got := fmt.Sprintf("%+v %v %v", k.Order(), k.Reads(), k.Folds()); got != "{Keys:[x] Time:ts Then:[] Ties:[]} [x ts] true" {
		t.Error(got)
	}
	if _, again := flow.Stage(k).(crash.Worker); again {
		t.Error("a keyed stage can be tried again")
	}
	if err := k.Flush(context.Background(), nil); err != nil {
		t.Errorf("flush without rows: %v", err)
	}
}
