package deadletter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"go.uber.org/goleak"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustOpen(t testing.TB, o Options) (*Writer, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a", "run-1")
	w, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return w, dir
}

func lettersOf(t testing.TB, path string) (out []string) {
	t.Helper()
	err := Read(path, func(l Letter) error {
		out = append(out, fmt.Sprintf("%s %s %q %s %q %q %q %d", strings.TrimSpace(hosttest.Text(l.Row)), l.Reason, l.Message, l.Stage, l.Plugin, l.Digest, l.Object, l.SourceRow))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriter_Letters_ReadBackWhole(t *testing.T) {
	w, dir := mustOpen(t, Options{Plugins: map[string]Plugin{"score": {"score@1.2", "sha256:ab"}, "score#2": {"score@1.3", "sha256:cd"}}})
	ctx := context.Background()
	a := hosttest.Record(t, "id bigint, tags array<string>, n decimal(10,2)", `1 | ["a"] | 1.5`, "2 | null | null", "3 | [] | 0")
	defer a.Release()
	b := hosttest.Record(t, "x double", "NaN", "-0")
	defer b.Release()
	sliced := a.NewSlice(1, 3)
	defer sliced.Release()
	for _, r := range []flow.Rejection{
		{Stage: "score", Reason: "bad_row", Message: "no", Batch: flow.Batch{Record: sliced, Position: flow.Position{Object: "in.csv", Row: 40}}, Rows: []int{0, 1}},
		{Stage: "score", Reason: "null_key", Batch: flow.Batch{Record: b}, Rows: []int{1}}, // another shape
		{Stage: "score#2", Reason: "bad_row", Batch: flow.Batch{Record: b}, Rows: []int{0}},
		{Stage: "twice", Reason: "bad_row", Batch: flow.Batch{Record: b}, Rows: []int{0}},
		{Stage: "../odd name", Reason: "bad_row", Batch: flow.Batch{Record: b}, Rows: []int{0}},
		{Stage: "score", Reason: "nothing", Batch: flow.Batch{Record: b}},
	} {
		if err := w.Reject(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if names, _ := filepath.Glob(dir + "/*.parquet"); len(names) != 0 {
		t.Errorf("visible before Close: %v", names)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`2 | null | null bad_row "no" score "score@1.2" "sha256:ab" "in.csv" 40`,
		`3 | [] | 0 bad_row "no" score "score@1.2" "sha256:ab" "in.csv" 41`,
		`-0 null_key "" score "score@1.2" "sha256:ab" "" 0`,
	}
	if got := lettersOf(t, dir+"/score.parquet"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if got := lettersOf(t, dir+"/twice.parquet"); !reflect.DeepEqual(got, []string{`NaN bad_row "" twice "" "" "" 0`}) {
		t.Errorf("%s", got)
	}
	if got := lettersOf(t, dir+"/score%232.parquet"); !reflect.DeepEqual(got, []string{`NaN bad_row "" score#2 "score@1.3" "sha256:cd" "" 0`}) {
		t.Errorf("%s", got)
	}
	if got, want := w.Counts(), map[string]int64{"bad_row": 5, "null_key": 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 || entries[0].Name() != "%2e.%2fodd%20name.parquet" {
		t.Errorf("%v %v", entries, err)
	}
	err = w.Reject(ctx, flow.Rejection{Stage: "s", Reason: "r", Batch: flow.Batch{Record: b}, Rows: []int{0}})
	if !fault.Is(err, BadRejection) {
		t.Error(err)
	}
}

func TestWriter_NothingRejected_NoFolder(t *testing.T) {
	w, dir := mustOpen(t, Options{})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !os.IsNotExist(err) {
		t.Error("a folder was made")
	}
}

func TestWriter_ManyCallersAndGroups_NothingLost(t *testing.T) {
	w, dir := mustOpen(t, Options{})
	r := hosttest.Record(t, "id bigint", "1", "2", "3", "4", "5")
	defer r.Release()
	const callers, each = 8, 500
	var wg sync.WaitGroup
	for c := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				err := w.Reject(context.Background(), flow.Rejection{Stage: fmt.Sprint("s", c%2), Reason: "bad_row",
					Batch: flow.Batch{Record: r, Position: flow.Position{Object: fmt.Sprint(c), Row: int64(i * 5)}}, Rows: []int{0, 1, 2, 3, 4}})
				if err != nil {
					t.Error(err)
				}
				w.Counts()
			}
		}()
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, s := range []string{"s0", "s1"} {
		err := Read(dir+"/"+s+".parquet", func(l Letter) error {
			if l.Row.NumRows() != 1 || strings.TrimSpace(hosttest.Text(l.Row)) != fmt.Sprint(l.SourceRow%5+1) {
				return fmt.Errorf("row %s at %d", hosttest.Text(l.Row), l.SourceRow)
			}
			seen[fmt.Sprint(l.Object, " ", l.SourceRow)]++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != callers*each*5 || w.Counts()["bad_row"] != callers*each*5 {
		t.Errorf("%d letters, %v", len(seen), w.Counts())
	}
}

func TestWriter_LargeRows_MemoryBounded(t *testing.T) {
	w, dir := mustOpen(t, Options{})
	r := hosttest.Record(t, "s string", strings.Repeat("x", 1<<20))
	defer r.Release()
	for range 9 {
		if err := w.Reject(context.Background(), flow.Rejection{Stage: "s", Reason: "r", Batch: flow.Batch{Record: r}, Rows: []int{0}}); err != nil {
			t.Fatal(err)
		}
		if held := w.files["s"].bytes; held >= groupBytes {
			t.Fatalf("%d bytes are held", held)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(lettersOf(t, dir+"/s.parquet")); got != 9 {
		t.Error(got)
	}
}

func TestReject_BadRejections_Refused(t *testing.T) {
	w, _ := mustOpen(t, Options{})
	defer w.Close()
	r := hosttest.Record(t, "id bigint", "1")
	defer r.Release()
	b := flow.Batch{Record: r}
	for _, x := range []flow.Rejection{
		{Reason: "r", Batch: b, Rows: []int{0}}, {Stage: "s", Batch: b, Rows: []int{0}}, {Stage: "s", Reason: "r", Rows: []int{0}},
		{Stage: "s", Reason: "r", Batch: b, Rows: []int{1}}, {Stage: "s", Reason: "r", Batch: b, Rows: []int{-1}},
	} {
		if err := w.Reject(context.Background(), x); !fault.Is(err, BadRejection) {
			t.Errorf("%+v: %v", x, err)
		}
	}
	if len(w.Counts()) != 0 {
		t.Error(w.Counts())
	}
	if _, err := Open("", Options{}); !fault.Is(err, NotKept) {
		t.Error(err)
	}
}

func TestWriter_DiskRefuses_SaysSoAndLeavesNothing(t *testing.T) {
	r := hosttest.Record(t, "id bigint", "1")
	defer r.Release()
	x := flow.Rejection{Stage: "s", Reason: "r", Batch: flow.Batch{Record: r}, Rows: []int{0}}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Open(blocked+"/below", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Reject(context.Background(), x); !fault.Is(err, NotKept) || fault.ClassOf(err) != fault.System {
			t.Error(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}

	w, dir := mustOpen(t, Options{})
	if err := w.Reject(context.Background(), x); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		hosttest.Missing(t, "there is no /dev/full")
	}
	// From here on every write of the open file finds the disk full.
	if err := syscall.Dup3(int(full.Fd()), int(w.files["s"].os.Fd()), 0); err != nil {
		t.Fatal(err)
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !fault.Is(err, DiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestRead_NotALetter_Unreadable(t *testing.T) {
	w, dir := mustOpen(t, Options{})
	r := hosttest.Record(t, "id bigint", "1")
	defer r.Release()
	if err := w.Reject(context.Background(), flow.Rejection{Stage: "s", Reason: "r", Batch: flow.Batch{Record: r}, Rows: []int{0}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(dir + "/s.parquet")
	if err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	pw, err := pqarrow.NewFileWriter(r.Schema(), &other, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(pw.Write(r), pw.Close()); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"half": whole[:len(whole)/2], "empty": nil, "other": other.Bytes(), "text": []byte("no parquet at all")} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := Read(path, func(Letter) error { return nil }); !fault.Is(err, Unreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Read(dir+"/absent", nil); !fault.Is(err, Unreadable) || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	stop := errors.New("stop")
	if err := Read(dir+"/s.parquet", func(Letter) error { return stop }); err != stop {
		t.Error(err)
	}
}

func TestFileName_AnyStage_SafeAndDistinct(t *testing.T) {
	seen := map[string]string{}
	for _, s := range []string{"", "a", "a%2f", "a/", ".", "..", "a.b", "é", strings.Repeat("x", 300), strings.Repeat("x", 301), "a b"} {
		n := fileName(s)
		if before, twice := seen[n]; twice || len(n) > 250 || filepath.Base(n) != n || strings.HasPrefix(n, "..") {
			t.Errorf("%q -> %q, as %q", s, n, before)
		}
		seen[n] = s
	}
}

// Any byte of a row that changed on disk is noticed before it is decoded.
func TestDecodeRow_FlippedByte_Refused(t *testing.T) {
	r := hosttest.Record(t, "id bigint, s string", "1 | a")
	defer r.Release()
	b, err := encodeRow(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	kept := hash(b)
	row, err := decodeRow(b, kept)
	if err != nil {
		t.Fatal(err)
	}
	row.Release()
	for i := range b {
		b[i] ^= 1
		if _, err := decodeRow(b, kept); err == nil {
			t.Fatalf("byte %d changed and nobody noticed", i)
		}
		b[i] ^= 1
	}
}

func TestCodes_EveryCodeExplained(t *testing.T) {
	want := map[fault.Code]bool{NotKept: true, DiskFull: true, BadRejection: true, Unreadable: true}
	for _, d := range Codes() {
		if !want[d.Code] || d.Title == "" || d.Explain == "" {
			t.Errorf("%+v", d)
		}
		delete(want, d.Code)
	}
	if len(want) > 0 {
		t.Errorf("not explained: %v", want)
	}
}

func TestSweep_KilledRun_OnlyWholeFilesStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "letters")
	if err := Sweep(dir); err != nil {
		t.Errorf("an absent folder: %v", err)
	}
	put := func(name string) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("a.parquet")
	put("b.parquet.tmp")
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "/*"); len(left) != 1 || filepath.Base(left[0]) != "a.parquet" {
		t.Errorf("%v are left", left)
	}
	if err := os.Remove(filepath.Join(dir, "a.parquet")); err != nil {
		t.Fatal(err)
	}
	put("b.parquet.tmp")
	if err := Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("an empty folder is left (%v)", err)
	}
}
