package staged_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/connectors/online/staged"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

const columns = "id bigint, timestamp timestamp, v double"

func TestWriter_Rows_ReadBackWithTheirRevisions(t *testing.T) {
	state := t.TempDir()
	path := staged.Path(state, "run-7", "online")
	if want := filepath.Join(state, "pending", "run-7", "online.arrow"); path != want {
		t.Errorf("path %s", path)
	}
	r := hosttest.Record(t, columns, "1 | 1970-01-01 | 5", "2 | 1970-01-02 | null", "3 | null | 1")
	defer r.Release()
	w, err := staged.Create(path, r.Schema(), 1, func(d flow.Day) int64 { return int64(d) + 7 })
	if err != nil {
		t.Fatal(err)
	}
	other := hosttest.Record(t, "id bigint, timestamp timestamp, w double")
	defer other.Release()
	for range 2 {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(other); !fault.Is(err, staged.WrongBatch) || !strings.Contains(err.Error(), `"w"`) {
			t.Errorf("another batch: %v", err)
		}
	}
	digest, err := w.Finish()
	if err != nil || w.Rows() != 6 {
		t.Fatal(w.Rows(), err)
	}
	if err := staged.Check(path, "run-7", digest); err != nil {
		t.Error(err)
	}
	if err := staged.Check(path, "run-7", "xxh3:00"); !fault.Is(err, staged.PendingLost) {
		t.Error(err)
	}
	var got []string
	err = staged.Read(context.Background(), path, func(s *flow.Schema) error {
		c, err := staged.Columns(s)
		if err == nil && !c.Equal(r.Schema()) {
			t.Errorf("schema %v", c)
		}
		return err
	}, func(b flow.Record) error {
		for i := range int(b.NumRows()) {
			got = append(got, b.Column(0).ValueStr(i)+":"+b.Column(3).(*array.Int64).ValueStr(i))
		}
		return nil
	})
	if err != nil || strings.Join(got, " ") != "1:7 2:8 3:0 1:7 2:8 3:0" {
		t.Error(got, err)
	}
	for range 2 {
		if err := staged.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Dir(path)); !os.IsNotExist(err) {
		t.Error("the run's folder is left behind")
	}
	if err := staged.Check(path, "run-7", digest); !fault.Is(err, staged.PendingLost) {
		t.Error(err)
	}
	if _, err := staged.Columns(r.Schema()); !fault.Is(err, staged.PendingLost) {
		t.Error(err)
	}
}

// Rule: S-1307.
func TestVisible_UntilTimestampAndTTL(t *testing.T) {
	now := time.UnixMicro(1_000_000)
	for _, c := range []struct {
		us   int64
		ttl  time.Duration
		want bool
	}{
		{0, time.Second, false}, {1, time.Second, true}, {0, time.Second + time.Microsecond, true},
		{2_000_000, time.Microsecond, true}, {math.MaxInt64, time.Hour, true}, {math.MinInt64, time.Hour, false},
	} {
		if got := staged.Visible(c.us, c.ttl, now); got != c.want {
			t.Errorf("%d, %s: %v", c.us, c.ttl, got)
		}
	}
}
