package deadletter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// someLetters makes the file of one stage, and gives its bytes.
func someLetters(t testing.TB, n int, message string) []byte {
	t.Helper()
	w, dir := mustOpen(t, Options{Plugins: map[string]Plugin{"score": {"score@1.0.0", "sha256:ab"}}})
	rows, texts := make([]int, n), make([]string, n)
	for i := range rows {
		rows[i], texts[i] = i, fmt.Sprint(i)
	}
	b := flow.Batch{Record: hosttest.Record(t, "x double", texts...), Position: flow.Position{Object: "in.csv"}}
	defer b.Record.Release()
	if err := w.Reject(context.Background(), flow.Rejection{Stage: "score", Reason: "FH-3002", Message: message, Batch: b, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return slurp(t, filepath.Join(dir, "score.parquet"))
}

func slurp(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counts are what List and Read make of bytes.
type counts struct {
	listed, read     int64
	listErr, readErr error
}

// decoded counts what decoding makes of bytes, as List and Read do those of a file.
func decoded(b []byte) (c counts) {
	each := func(columns []int, n *int64, f func(arrow.RecordBatch, int) error) error {
		return decode(bytes.NewReader(b), int64(len(b)), columns, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				*n++
				if err := f(b, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.listErr = each(groupColumns(), &c.listed, func(arrow.RecordBatch, int) error { return nil })
	c.readErr = each(nil, &c.read, func(b arrow.RecordBatch, i int) error {
		l, err := letterOf(b, i)
		if err == nil {
			l.Row.Release()
		}
		return err
	})
	return c
}

// onDisk gives bytes as a file to List and Read.
func onDisk(t testing.TB, b []byte) (c counts) {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, "000001-a", "s.parquet")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	groups, _, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		c.listed += g.Rows
		c.listErr = g.Err
	}
	c.readErr = Read(path, func(Letter) error { c.read++; return nil })
	for _, err := range []error{c.listErr, c.readErr} {
		if err != nil && (!fault.Is(err, Unreadable) || !strings.Contains(err.Error(), path)) {
			t.Errorf("the error is %v", err)
		}
	}
	return c
}

// all tells whether List and Read counted so many letters.
func (c counts) all(n int64) bool {
	return c.listErr == nil && c.readErr == nil && c.listed == n && c.read == n
}

// A file of which any byte changed, or any part is missing, is an error; it never
// reads as fewer letters (D5).
func TestRead_Damaged_Noticed(t *testing.T) {
	whole := someLetters(t, 40, "no")
	if c := onDisk(t, whole); !c.all(40) || !decoded(whole).all(40) {
		t.Fatalf("whole: %+v", c)
	}
	n := 0
	check := func(what string, b []byte) {
		from := decoded
		if n++; n%500 == 0 {
			from = func(b []byte) counts { return onDisk(t, b) }
		}
		if c := from(b); c.listErr == nil || c.readErr == nil || c.read != 0 {
			t.Errorf("%s: %+v", what, c)
		}
	}
	b := bytes.Clone(whole)
	for at := range whole {
		for _, v := range []byte{whole[at] ^ 1, ^whole[at]} {
			b[at] = v
			check(fmt.Sprintf("byte %d is %d", at, v), b)
		}
		b[at] = whole[at]
	}
	for n := range whole {
		check(fmt.Sprintf("cut to %d", n), whole[:n])
	}
	check("longer", append(bytes.Clone(whole), 0))
	check("twice", append(bytes.Clone(whole), whole...))
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := bytes.Clone(whole)
		for range 2 + random.IntN(8) {
			b[random.IntN(len(b))] = byte(random.Uint32())
		}
		if !bytes.Equal(b, whole) {
			check("several bytes", b)
		}
	}
}

// A footer that was damaged before the file had its sum, or one without a sum, is
// not believed either: all letters are there, or there is an error.
func TestRead_DamagedWithoutSum_NoLetterIsLost(t *testing.T) {
	for name, c := range map[string]struct {
		whole []byte
		rows  int64
		seal  bool
	}{
		"a file of an earlier build": {slurp(t, "testdata/format1.parquet"), 3, false},
		"sealed afterwards":          {someLetters(t, 40, "no"), 40, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := bytes.Clone(c.whole)
			for at := range c.whole {
				v := []byte{c.whole[at] ^ 1, c.whole[at] ^ 0x80, ^c.whole[at], 0, 1}[at%5]
				if b[at] = v; c.seal {
					sealed(b)
				}
				got := decoded(b)
				if got.listErr == nil && got.listed != c.rows || got.readErr == nil && got.read != c.rows {
					t.Errorf("byte %d is %d: %+v", at, v, got)
				}
				copy(b, c.whole)
			}
		})
	}
}

// sealed gives bytes the sum that they have, where there is still a place for it.
func sealed(b []byte) {
	_ = seal(inMemory{bytes.NewReader(b), b}, int64(len(b)))
}

type inMemory struct {
	io.ReaderAt
	b []byte
}

func (m inMemory) WriteAt(p []byte, at int64) (int, error) { return copy(m.b[at:], p), nil }

// A file that tells its version has a sum.
func TestRead_SumTakenAway_Refused(t *testing.T) {
	b := bytes.Replace(someLetters(t, 3, "no"), []byte(sumKey), []byte("featurehost.sha255"), 1)
	if c := onDisk(t, b); c.listErr == nil || c.readErr == nil || !strings.Contains(c.readErr.Error(), sumKey) {
		t.Errorf("%+v", c)
	}
}

// Texts of letters stand in the footer too, and may look like a sum.
func TestWriter_MessageLooksLikeASum_FileHasItsOwn(t *testing.T) {
	b := someLetters(t, 3, sumStart+noSum)
	if n := bytes.Count(b, []byte(sumStart)); n < 2 {
		t.Fatalf("the file has %d: the test is made for several", n)
	}
	if c := onDisk(t, b); !c.all(3) {
		t.Errorf("%+v", c)
	}
}

// A file holds no Arrow schema: its decoder is not safe from damage, and the
// columns are known.
func TestWriter_Metadata_VersionAndSumOnly(t *testing.T) {
	r, err := file.NewParquetReader(bytes.NewReader(someLetters(t, 3, "no")))
	if err != nil {
		t.Fatal(err)
	}
	if keys := r.MetaData().KeyValueMetadata().Keys(); strings.Join(keys, " ") != formatKey+" "+sumKey {
		t.Errorf("the keys are %q", keys)
	}
}

// The library reads pages of 64 MiB at most unless it is told: a row may be larger.
func TestRead_RowOfManyBytes_Whole(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a gigabyte of memory")
	}
	text := make([]byte, 70<<20) // that Snappy makes no smaller
	random := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = ' ' + byte(random.IntN(95))
	}
	w, dir := mustOpen(t, Options{})
	r := hosttest.Record(t, "s string", strings.ReplaceAll(string(text), "|", "!"))
	defer r.Release()
	if err := w.Reject(context.Background(), flow.Rejection{Stage: "s", Reason: "r", Batch: flow.Batch{Record: r}, Rows: []int{0}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := Read(filepath.Join(dir, "s.parquet"), func(Letter) error { n++; return nil }); n != 1 || err != nil {
		t.Errorf("%d letters, %v", n, err)
	}
}

// A pipe among the letters would wait for who writes it.
func TestList_Pipe_IsNoFile(t *testing.T) {
	root := t.TempDir()
	write(t, root, "000001-a", "score FH-3002")
	if err := syscall.Mkfifo(filepath.Join(root, "000001-a", "pipe.parquet"), 0o600); err != nil {
		hosttest.Missing(t, "there are no pipes: "+err.Error())
	}
	got := strings.Join(listed(t, root), "\n")
	if !strings.Contains(got, "pipe.parquet true") || !strings.Contains(got, "score.parquet false") {
		t.Errorf("got\n%s", got)
	}
}

// Whatever a file holds, it is letters or an error, and List and Read agree.
func FuzzRead(f *testing.F) {
	f.Add(someLetters(f, 3, "no"))
	f.Add(slurp(f, "testdata/format1.parquet"))
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for range 2 {
			c := decoded(b)
			if c.listErr == nil && c.readErr == nil && c.listed != c.read || c.readErr == nil && (c.listErr != nil || c.read == 0) {
				t.Errorf("%+v", c)
			}
			b = bytes.Clone(b)
			sealed(b)
		}
	})
}
