package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkArrow15 measures again why the host is on the maintained home of the
// Arrow library: the same program on v15, of 2024, and on the host's version.
// write-ratio is the processor time of v15's Parquet writer over the other's;
// died-v15 and died-v18 are of 300 batches with one damaged byte how many ended
// the program, in a panic or for want of memory.
//
//	go test ./bench -run '^$' -bench Arrow15 -benchtime 1x
func BenchmarkArrow15(b *testing.B) {
	old, now := arrow15(b)
	for b.Loop() {
		var took [2][]float64
		for range 5 {
			for i, program := range []string{old, now} {
				out, err := exec.Command(program, "write", filepath.Join(b.TempDir(), "rows.parquet")).Output()
				if err != nil {
					b.Fatal(err)
				}
				seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
				if err != nil {
					b.Fatal(err)
				}
				took[i] = append(took[i], seconds)
			}
		}
		median := func(l []float64) float64 { slices.Sort(l); return l[len(l)/2] }
		b.ReportMetric(median(took[0])/median(took[1]), "write-ratio")
		b.ReportMetric(float64(died(b, old)), "died-v15")
		b.ReportMetric(float64(died(b, now)), "died-v18")
	}
}

// arrow15 builds the program against both versions.
func arrow15(b *testing.B) (old, now string) {
	b.Helper()
	dir := b.TempDir()
	source, err := filepath.Abs("arrow15/main.go")
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(source)
	if err != nil {
		b.Fatal(err)
	}
	other := filepath.Join(dir, "main.go")
	ported := strings.ReplaceAll(string(text), "github.com/apache/arrow/go/v15/", "github.com/apache/arrow-go/v18/")
	if err := os.WriteFile(other, []byte(ported), 0o600); err != nil {
		b.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: other}})
	if err != nil {
		b.Fatal(err)
	}
	overlaid := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlaid, overlay, 0o600); err != nil {
		b.Fatal(err)
	}
	old, now = filepath.Join(dir, "v15"), filepath.Join(dir, "v18")
	for _, args := range [][]string{{"-o", old}, {"-overlay", overlaid, "-o", now}} {
		if out, err := exec.Command("go", append(append([]string{"build"}, args...), "./arrow15")...).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	return old, now
}

// died counts the programs that did not end by themselves.
func died(b *testing.B, program string) (n int) {
	b.Helper()
	for seed := range 300 {
		err := exec.Command(program, "read", fmt.Sprint(seed)).Run()
		var exit *exec.ExitError
		switch {
		case err == nil || errors.As(err, &exit) && exit.ExitCode() == 1:
		case exit != nil:
			n++
		default:
			b.Fatal(err)
		}
	}
	return n
}
