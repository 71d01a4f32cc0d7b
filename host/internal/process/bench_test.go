package process

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// wide makes rows of 42 bytes in five columns.
func wide(b *testing.B, rows int) flow.Batch {
	b.Helper()
	text := make([]string, rows)
	for i := range text {
		text[i] = fmt.Sprintf("%d | %d | %g | %g | text%02d", i, i%97, float64(i)/3, float64(i)/7, i%100)
	}
	return hosttest.Batch(b, "a bigint, b bigint, c double, d double, e string", text...)
}

func wideManifest(name string) string {
	var in []string
	for i, typ := range []string{"int64", "int64", "float64", "float64", "utf8"} {
		in = append(in, fmt.Sprintf(`{"name":%q,"type":%q,"nullable":true}`, string(rune('a'+i)), typ))
	}
	return fmt.Sprintf(`{"abi":"1.0","name":%q,"version":"1.0.0","kind":"map","input":{"columns":[%s]},"output":{"mode":"init"},
		"config_schema":{"type":"object","properties":{"fail":{"type":"string","default":""}}},"stateful":false,"deterministic":true}`, name, strings.Join(in, ","))
}

// BenchmarkPassThrough sends rows of 42 bytes out and takes them back. Its figure is
// rows/s; small batches tell the time of a round trip as p50-us.
func BenchmarkPassThrough(b *testing.B) {
	for language, dir := range map[string]func(testing.TB) string{
		"go": func(t testing.TB) string {
			return folder(t, "zoo_go", programs.build(t, "host/internal/process/testdata/zoo_go"), wideManifest("zoo_go"))
		},
		"python": func(t testing.TB) string {
			return pyFolder(t, "zoo_py", "testdata/zoo_py/plugin.py", wideManifest("zoo_py"))
		},
	} {
		for _, rows := range []int{64, 8192, 65536} {
			b.Run(fmt.Sprintf("%s/%d", language, rows), func(b *testing.B) {
				in := wide(b, rows)
				defer in.Release()
				s, _ := open(b, load(b, newEngine(b), dir(b)), Use{}, in.Record.Schema())
				through(b, s, in)
			})
		}
	}
}

// BenchmarkDelayScore is the transform of the samples.
func BenchmarkDelayScore(b *testing.B) {
	in := flights(b, 65536)
	defer in.Release()
	for name, dir := range delayScores() {
		b.Run(name, func(b *testing.B) {
			s, _ := open(b, load(b, newEngine(b), dir(b)), Use{}, in.Record.Schema())
			through(b, s, in)
		})
	}
}

func through(b *testing.B, s *Stage, in flow.Batch) {
	b.Helper()
	var each []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		if err := s.Process(context.Background(), in, func(out flow.Batch) error { out.Release(); return nil }); err != nil {
			b.Fatal(err)
		}
		each = append(each, time.Since(start))
	}
	sort.Slice(each, func(i, k int) bool { return each[i] < each[k] })
	b.ReportMetric(float64(in.Rows())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrow/s")
	b.ReportMetric(float64(each[len(each)/2].Microseconds()), "p50-us")
}

// BenchmarkStart opens a stage and puts one row through it.
func BenchmarkStart(b *testing.B) {
	in := flights(b, 1)
	defer in.Release()
	for name, dir := range delayScores() {
		b.Run(name, func(b *testing.B) {
			m := load(b, newEngine(b), dir(b))
			for b.Loop() {
				env, _, _ := hosttest.Env(b)
				s := m.Stage(Use{}, env)
				if _, err := s.Open(context.Background(), in.Record.Schema()); err != nil {
					b.Fatal(err)
				}
				out, err := s.Do(context.Background(), in, false)
				if err != nil {
					b.Fatal(err)
				}
				flow.ReleaseAll(out)
				b.StopTimer()
				_ = s.Close()
				b.StartTimer()
			}
		})
	}
}
