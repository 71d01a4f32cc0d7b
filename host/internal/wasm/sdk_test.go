package wasm

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

//go:embed testdata/types.wasm
var typesCode []byte

// allTypes are the types that both SDKs read and write; testdata/types_go has
// the same list.
var allTypes = []string{"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "utf8", "binary", "date32",
	"timestamp[s]", "timestamp[ms,UTC]", "timestamp[us,UTC]", "timestamp[ns]"}

func typesManifest(wasi string) string {
	var in, out []string
	for i, t := range allTypes {
		name := string(rune('a' + i))
		in = append(in, fmt.Sprintf(`{"name":%q,"type":%q,"nullable":true}`, name, t))
		out = append(out, fmt.Sprintf(`{"name":"out_%s","type":%q,"nullable":true}`, name, t))
	}
	return fmt.Sprintf(`{"abi":"1.0","name":"types","version":"1.0.0","kind":"map","wasi":%q,"input":{"columns":[%s]},
		"output":{"mode":"static","columns":[%s]},"config_schema":{"type":"object","properties":{"fail":{"type":"string","default":""},
		"loud":{"type":"boolean","default":true},"times":{"type":"number","default":1}}},"stateful":false,"deterministic":true}`,
		wasi, strings.Join(in, ","), strings.Join(out, ","))
}

// typesGuests gives the guests of both languages. The Go one is compiled here:
// the toolchain is there, since it runs this test.
func typesGuests(t *testing.T) map[string][]byte {
	t.Helper()
	guests := map[string][]byte{"c": packed(t, typesCode, typesManifest("none"))}
	if testing.Short() {
		return guests
	}
	out := filepath.Join(t.TempDir(), "types.wasm")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = filepath.Join("testdata", "types_go")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	guests["go"] = packed(t, b, typesManifest("preview1"))
	return guests
}

// zoo makes n rows of all types; nulls is the share of nulls in tenths.
func zoo(t *testing.T, n, nulls int) flow.Batch {
	t.Helper()
	fields := make([]arrow.Field, len(allTypes))
	for i, name := range allTypes {
		typ, err := cdata.TypeOf(name)
		if err != nil {
			t.Fatal(err)
		}
		fields[i] = arrow.Field{Name: string(rune('a' + i)), Type: typ, Nullable: true}
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	r := rand.New(rand.NewPCG(3, uint64(n)))
	for range n {
		for _, f := range b.Fields() {
			if r.IntN(10) < nulls {
				f.AppendNull()
				continue
			}
			switch x := f.(type) {
			case *array.BooleanBuilder:
				x.Append(r.IntN(2) == 0)
			case *array.StringBuilder:
				x.Append(strings.Repeat("ü", r.IntN(20)))
			case *array.BinaryBuilder:
				x.Append([]byte{byte(r.IntN(256)), 0}[:r.IntN(3)])
			case *array.Float64Builder:
				x.Append(r.NormFloat64())
			case *array.Float32Builder:
				x.Append(float32(r.NormFloat64()))
			case *array.Date32Builder:
				x.Append(arrow.Date32(r.Int32()))
			case *array.TimestampBuilder:
				x.Append(arrow.Timestamp(r.Int64()))
			default:
				if err := f.AppendValueFromString(strconv.Itoa(r.IntN(128))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return flow.Batch{Record: b.NewRecordBatch()}
}

// ABI-M-020, ABI-W-016: all types of both SDKs, with and without nulls, in
// batches of growing and shrinking size and from slices at odd bits.
func TestSDK_AllTypes_RoundTrip(t *testing.T) {
	e := newEngine(t)
	for language, wasm := range typesGuests(t) {
		m := load(t, e, wasm)
		for _, nulls := range []int{0, 3, 10} {
			t.Run(fmt.Sprintf("%s/%d", language, nulls), func(t *testing.T) {
				whole := zoo(t, 3000, nulls)
				defer whole.Release()
				s, _ := open(t, m, Use{}, whole.Record.Schema())
				for _, cut := range [][2]int64{{0, 1}, {0, 3000}, {1, 2}, {7, 1000}, {64, 129}, {2991, 3000}, {8, 2500}} {
					part := flow.Batch{Record: whole.Record.NewSlice(cut[0], cut[1])}
					var got hosttest.Recorder
					if err := s.Process(context.Background(), part, got.Emit); err != nil {
						t.Fatal(err)
					}
					out := got.Batches[0].Record
					for c := range allTypes {
						if a, b := part.Record.Column(c), out.Column(len(allTypes)+c); !array.Equal(a, b) {
							t.Errorf("%s, rows %v: got %v\nwant %v", allTypes[c], cut, b, a)
						}
					}
					got.Release()
					part.Release()
				}
			})
		}
	}
}

// ABI-E-001: what an SDK says when its plugin fails, and that a panic in Go
// reaches the host as a text.
func TestSDK_Failures_SaySomething(t *testing.T) {
	e := newEngine(t)
	for language, wasm := range typesGuests(t) {
		m := load(t, e, wasm)
		for _, c := range []struct {
			fail string
			code fault.Code
			says string
		}{
			{"config", abi.CodeConfig, "fail says so"}, {"data", abi.CodeData, "fail says é"}, {"rows", abi.CodeData, "rows"}, {"panic", abi.CodeTrap, "panic: fail says boom"},
		} {
			if language == "c" && c.fail == "panic" {
				continue
			}
			t.Run(language+"/"+c.fail, func(t *testing.T) {
				b := zoo(t, 3, 1)
				defer b.Release()
				env, _, _ := hosttest.Env(t)
				var text bytes.Buffer
				env.Log = logInto(&text)
				s := m.Stage(Use{Config: map[string]any{"fail": c.fail}}, env)
				defer s.Close()
				_, err := s.Open(context.Background(), b.Record.Schema())
				if err == nil {
					err = s.Process(context.Background(), b, nil)
				}
				if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want %v with %q", err, c.code, c.says)
				}
				if opened := strings.Contains(text.String(), "msg=opened plugin=types"); opened != (c.fail != "config") {
					t.Errorf("log %q", text.String())
				}
			})
		}
	}
}

// ABI-W-021: the C header spells the numbers that the host uses.
func TestHeader_Constants_AreTheHosts(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "pluginsdk", "c", "featurehost.h"))
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^#define (FH_[A-Z0-9_]+) (\d+)`).FindAllStringSubmatch(string(b), -1) {
		defined[m[1]], _ = strconv.Atoi(m[2])
	}
	for _, c := range abi.Constants() {
		if v, ok := defined[c.Name]; !ok || v != c.Value {
			t.Errorf("%s is %d in the header (there: %t), %d in the host", c.Name, v, ok, c.Value)
		}
	}
}

// The committed modules behave as ones built from their source now, where
// there is a compiler.
func TestGuestsInC_Rebuilt_SameRows(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles C")
	}
	if _, err := exec.LookPath("clang"); err != nil {
		hosttest.Missing(t, "there is no clang")
	}
	in := flights(t, 5000)
	defer in.Release()
	for name, config := range map[string]map[string]any{
		"delay_score_c": nil,
		"ratio":         {"over": "dep_delay", "under": "wind_speed", "into": "per_knot"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join("..", "..", "..", "plugins", name)
			out := filepath.Join(t.TempDir(), "x.wasm")
			cmd := exec.Command("sh", filepath.Join(dir, "build.sh"), out)
			if text, err := cmd.CombinedOutput(); err != nil {
				hosttest.Missing(t, fmt.Sprintf("clang cannot build for wasm32-wasi here: %v\n%s", err, text))
			}
			code, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			e := newEngine(t)
			var rows [2]hosttest.Recorder
			for i, wasm := range [][]byte{plugin(t, name), packed(t, code, string(manifest))} {
				s, _ := open(t, load(t, e, wasm), Use{Config: config}, in.Record.Schema())
				if err := s.Process(context.Background(), in, rows[i].Emit); err != nil {
					t.Fatal(err)
				}
				defer rows[i].Release()
			}
			if rows[0].Text() != rows[1].Text() {
				t.Error("the committed module gives other rows than its source")
			}
		})
	}
}
