package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/internal/deadletter"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// halfway gives each row twice, and fails in between on a 2.
type halfway struct {
	flow.Stage
	x *replay
}

func (s halfway) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	for range 2 {
		if err := emit(in.Slice(0, in.Rows())); err != nil {
			return err
		}
		switch strings.TrimSpace(hosttest.Text(in.Record)) {
		case "2":
			return fault.New(LetterUnfit, "is a 2")
		case "3":
			return s.x.Reject(ctx, flow.Rejection{Stage: "s", Reason: "bad_row", Batch: in, Rows: []int{0}})
		}
	}
	return nil
}

// Rows of a letter that fails after some of them have come out are not written: a
// letter is in the file or among those that failed.
func TestReplay_LetterFailsHalfway_NoRowOfIt(t *testing.T) {
	all := hosttest.Record(t, "id bigint", "1", "2", "3", "4")
	defer all.Release()
	out := filepath.Join(t.TempDir(), "rows.ndjson")
	x := &replay{report: &ReplayReport{Stage: "s"}, redact: func(s string) string { return s }, out: &rowFile{path: out, schema: all.Schema()}}
	x.steps = []*plan.Step{{Name: "s", Stage: halfway{x: x}, In: all.Schema(), Out: all.Schema()}}
	for i := range all.NumRows() {
		row := all.NewSlice(i, i+1)
		if err := x.letter(t.Context(), Letter{Letter: deadletter.Letter{Row: row}}); err != nil {
			t.Fatal(err)
		}
		row.Release()
	}
	if err := x.out.close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if want := "{\"id\":1}\n{\"id\":1}\n{\"id\":4}\n{\"id\":4}\n"; string(b) != want || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
	if r := x.report; r.Letters != 4 || r.Passed != 2 || len(r.Failed) != 2 || x.out.rows != 4 {
		t.Errorf("%+v, %d rows", r, x.out.rows)
	}
}

// Where there are no links a file still replaces no other.
func TestPlace_NameTaken_Refused(t *testing.T) {
	for name, put := range map[string]func(from, to string) error{"by a link": place, "without links": claim} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		for _, taken := range []bool{false, true} {
			if err := os.WriteFile(from, []byte("new"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := put(from, to); errors.Is(err, os.ErrExist) != taken || !taken && err != nil {
				t.Errorf("%s, taken %t: %v", name, taken, err)
			}
			if err := os.WriteFile(to, []byte("old"), 0o600); err != nil && !taken {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(to)
		if string(b) != "old" || err != nil {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
