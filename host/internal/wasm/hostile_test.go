package wasm

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/conformance/hostile"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// hostilePlugin packs the hostile program with a manifest of that kind and
// output.
func hostilePlugin(t testing.TB, kind abi.Kind, output string) []byte {
	t.Helper()
	return packed(t, hostile.GuestProgram(), string(hostile.Manifest(kind, output)))
}

const (
	decided = `{"mode":"init"}`
	staticY = `{"mode":"static","columns":[{"name":"y","type":"float64","nullable":true}]}`
)

func mode(m string) Use { return Use{Config: map[string]any{"mode": m}} }

// batchOf gives rows of column x, the first one of the value given.
func batchOf(t testing.TB, first float64, rows int) flow.Batch {
	t.Helper()
	text := make([]string, rows)
	for i := range text {
		text[i] = "2"
	}
	text[0] = fmt.Sprint(first)
	return hosttest.Batch(t, "x double", text...)
}

// ABI-W-040 to ABI-W-051, ABI-W-070, ABI-E-001: each misdeed in a batch has
// its code, and the next batch is served as if nothing had happened.
func TestStage_HostileBatch_CodeAndNextBatchServed(t *testing.T) {
	e := newEngine(t)
	mapping, filter := load(t, e, hostilePlugin(t, "map", decided)), load(t, e, hostilePlugin(t, "filter", decided))
	for _, c := range []struct {
		mode string
		code fault.Code
		says string
	}{
		{"status99", cdata.BadStatus, "199"}, {"status_negative", cdata.BadStatus, "-5"}, {"status_end", cdata.BadStatus, "-1"},
		{"pointer_outside", cdata.OutOfMemory, ""}, {"pointer_null", cdata.OutOfMemory, ""}, {"children_outside", cdata.OutOfMemory, ""},
		{"alloc_outside", cdata.OutOfMemory, "fh_alloc"}, {"alloc_overlap", cdata.OutOfMemory, "overlap"},
		{"text_outside", cdata.OutOfMemory, ""},
		{"values_misaligned", cdata.Misaligned, ""}, {"struct_misaligned", cdata.Misaligned, ""}, {"table_misaligned", cdata.Misaligned, ""},
		{"alloc_unaligned", cdata.Misaligned, "fh_alloc"},
		{"children_count", cdata.BadShape, ""}, {"dictionary", cdata.BadShape, ""}, {"nothing", cdata.BadShape, ""},
		{"length_negative", cdata.BadLength, ""}, {"length_huge", cdata.BadLength, ""}, {"length_short", cdata.BadLength, ""},
		{"child_short", cdata.BadLength, ""}, {"offset_negative", cdata.BadLength, ""}, {"offset_huge", cdata.BadLength, ""},
		{"rows_unsorted", cdata.BadLength, "fh_rows"}, {"rows_outside", cdata.BadLength, "fh_rows"}, {"rows_negative", cdata.BadLength, "fh_rows"},
		{"buffers_count", cdata.BadBuffers, ""},
		{"null_count", cdata.BadNulls, ""}, {"null_count_false", cdata.BadNulls, ""}, {"not_null", cdata.BadNulls, ""},
		{"text_falling", cdata.BadOffsets, ""}, {"text_negative", cdata.BadOffsets, ""}, {"text_overlong", cdata.BadOffsets, ""},
		{"text_not_utf8", cdata.BadUTF8, ""}, {"decimal", cdata.BadDecimal, ""}, {"alias", cdata.TooMuch, ""},
		{"spin", abi.CodeFuel, "fh_process has burnt all its fuel"}, {"fills", abi.CodeFuel, ""}, {"calls", abi.CodeFuel, ""}, {"logs", abi.CodeFuel, ""},
		{"grows", abi.CodeFuel, ""}, {"doubling", abi.CodeFuel, ""}, {"alloc_spin", abi.CodeFuel, "fh_alloc"}, {"release_spin", abi.CodeFuel, "fh_release"},
		{"divide", abi.CodeTrap, "integer divide by zero"}, {"outside", abi.CodeTrap, "out of bounds memory access"},
		{"release_trap", abi.CodeTrap, "fh_release"}, {"alloc_trap", abi.CodeTrap, "fh_alloc"},
		{"trap_value", abi.CodeTrap, "13 is unlucky"}, {"stale", abi.CodeTrap, "unreachable"},
		{"recurse", 0, ""}, // clang's own stack lies in memory: FH-3002 or FH-3006
		{"bomb", abi.CodeMemory, "ate all of it"}, {"status4", abi.CodeMemory, ""}, {"alloc_zero", abi.CodeMemory, "limits.memory"},
		{"status1", abi.CodeData, "bad rows"}, {"status2", abi.CodeData, ""}, {"status64", abi.CodeData, "its own code"},
		{"log_outside", abi.CodeMisuse, ""}, {"counters", abi.CodeMisuse, "64 names"}, {"counter_name", abi.CodeMisuse, "Rows!"},
	} {
		t.Run(c.mode, func(t *testing.T) {
			m := mapping
			if strings.HasPrefix(c.mode, "rows") {
				m = filter
			}
			good, bad := batchOf(t, 1, 2), batchOf(t, 13, 10000)
			defer good.Release()
			defer bad.Release()
			use := mode(c.mode)
			use.Limits.FuelPerRow, use.Limits.FuelBase = 1000, 1_000_000
			s, _ := open(t, m, use, good.Record.Schema())
			var want, got hosttest.Recorder
			defer want.Release()
			defer got.Release()
			ctx := context.Background()
			if err := s.Process(ctx, good, want.Emit); err != nil {
				t.Fatal(err)
			}
			err := s.Process(ctx, bad, got.Emit)
			switch {
			case err == nil:
				t.Fatalf("the host took the batch:\n%.200s", got.Text())
			case c.code == 0 && (fault.Is(err, abi.CodeTrap) || fault.Is(err, abi.CodeStack)):
			case !fault.Is(err, c.code):
				t.Fatalf("got %v, want %v", err, c.code)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			for _, part := range []string{`stage "hostile"`, "hostile@1.0.0", "sha256:" + strings.TrimPrefix(m.Digest(), "sha256:")[:12], "test:rows 1 to 10000"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not name %s", err, part)
				}
			}
			kept := 0
			if c.mode == "status1" {
				kept = 1
			}
			if n := len(s.shared.pool.idle); n != kept {
				t.Errorf("%d guests are kept, want %d", n, kept)
			}
			if strings.Contains(err.Error(), "earlier call") {
				t.Errorf("%v repeats what an earlier call said", err)
			}
			if len(got.Batches) != 0 {
				t.Error("rows of the failed batch were emitted")
			}
			if err := s.Process(ctx, good, got.Emit); err != nil {
				t.Fatalf("the next batch: %v", err)
			}
			if got.Text() != want.Text() {
				t.Errorf("the next batch gave\n%s\nwant\n%s", got.Text(), want.Text())
			}
		})
	}
}

// ABI-W-011, ABI-M-010, ABI-M-011, ABI-M-017, ABI-W-047: what goes wrong before the first batch
// comes from Open, with a code of binding.
func TestStage_HostileInit_RefusedByOpen(t *testing.T) {
	e := newEngine(t)
	for _, c := range []struct {
		mode   string
		kind   abi.Kind
		output string
		code   fault.Code
		cause  fault.Code
		says   string
	}{
		{"init_trap", "map", decided, abi.CodeInit, abi.CodeTrap, "unreachable"},
		{"init_spin", "map", decided, abi.CodeInit, abi.CodeFuel, "fh_init has burnt all its fuel"},
		{"init_data", "map", decided, abi.CodeInit, 0, "no"},
		{"init_config", "map", decided, abi.CodeConfig, 0, "threshold is odd"},
		{"init_schema", "map", decided, abi.CodeInputSchema, 0, "x is odd"},
		{"init_status", "map", decided, abi.CodeInit, cdata.BadStatus, "199"},
		{"unterminated", "map", decided, abi.CodeInit, cdata.BadString, ""},
		{"name_not_utf8", "map", decided, abi.CodeInit, cdata.BadString, ""},
		{"name_outside", "map", decided, abi.CodeInit, cdata.OutOfMemory, ""},
		{"schema_children_outside", "map", decided, abi.CodeInit, cdata.OutOfMemory, ""},
		{"schema_many", "map", decided, abi.CodeInit, cdata.BadShape, ""},
		{"unsupported", "map", decided, abi.CodeOutputSchema, 0, ""},
		{"other_type", "map", staticY, abi.CodeOutputSchema, 0, "int64"},
		{"other_name", "map", staticY, abi.CodeOutputSchema, 0, `"z"`},
		{"not_null", "map", staticY, abi.CodeOutputSchema, 0, "nullable"},
		{"alias", "map", staticY, abi.CodeOutputSchema, 0, "100 columns"},
		{"replace_x", "map", decided, abi.CodeNameClash, 0, `"x"`},
		{"reserved", "map", decided, abi.CodeNameClash, 0, "fh_"},
		{"wrong_selection", "filter", decided, abi.CodeOutputSchema, 0, "fh_keep"},
		{"good", "filter", decided, abi.CodeOutputSchema, 0, "fh_rows"},
	} {
		t.Run(c.mode+"/"+string(c.kind), func(t *testing.T) {
			env, _, _ := hosttest.Env(t)
			s := load(t, e, hostilePlugin(t, c.kind, c.output)).Stage(mode(c.mode), env)
			defer s.Close()
			b := batchOf(t, 1, 1)
			defer b.Release()
			_, err := s.Open(context.Background(), b.Record.Schema())
			if err == nil || fault.As(err).Code != c.code {
				t.Fatalf("got %v, want %v", err, c.code)
			}
			if c.cause != 0 && !fault.Is(err, c.cause) {
				t.Errorf("%v is not caused by %v", err, c.cause)
			}
			if c.code.Class() != fault.Usage {
				t.Errorf("%v is no error of usage", c.code)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			if err := s.Process(context.Background(), b, nil); err == nil {
				t.Error("a stage that did not open takes batches")
			}
		})
	}
}
