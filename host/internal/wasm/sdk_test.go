package wasm

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

//go:embed testdata/types.wasm
var typesCode []byte

func typesManifest(wasi string) string {
	var in, out []string
	for i, t := range hosttest.ZooTypes() {
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

// ABI-M-020, ABI-W-016: all types of both SDKs, with and without nulls, in
// batches of growing and shrinking size and from slices at odd bits.
func TestSDK_AllTypes_RoundTrip(t *testing.T) {
	e := newEngine(t)
	for language, wasm := range typesGuests(t) {
		m := load(t, e, wasm)
		for _, nulls := range []int{0, 3, 10} {
			t.Run(fmt.Sprintf("%s/%d", language, nulls), func(t *testing.T) {
				whole := hosttest.Zoo(t, 3000, nulls)
				defer whole.Release()
				s, _ := open(t, m, Use{}, whole.Record.Schema())
				for _, cut := range [][2]int64{{0, 1}, {0, 3000}, {1, 2}, {7, 1000}, {64, 129}, {2991, 3000}, {8, 2500}} {
					part := flow.Batch{Record: whole.Record.NewSlice(cut[0], cut[1])}
					var got hosttest.Recorder
					if err := s.Process(context.Background(), part, got.Emit); err != nil {
						t.Fatal(err)
					}
					out := got.Batches[0].Record
					for c := range hosttest.ZooTypes() {
						if a, b := part.Record.Column(c), out.Column(len(hosttest.ZooTypes())+c); !array.Equal(a, b) {
							t.Errorf("%s, rows %v: got %v\nwant %v", hosttest.ZooTypes()[c], cut, b, a)
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
				b := hosttest.Zoo(t, 3, 1)
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
