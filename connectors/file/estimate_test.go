package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/flow"
)

// year gives the days of 2024 as text.
func year() []string {
	var out []string
	for d := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() == 2024; d = d.AddDate(0, 0, 1) {
		out = append(out, d.Format("2006-01-02"))
	}
	return out
}

// sizeOf sums the sizes of the files below dir.
func sizeOf(t testing.TB, dir string) (size int64) {
	t.Helper()
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestEstimate_YearOfDays_WhatAReadTouches: a week of a year is read from its
// files, or from its row groups, and nothing else is; the estimate says so
// before, to the byte.
// Rules: S-501, S-508.
func TestEstimate_YearOfDays_WhatAReadTouches(t *testing.T) {
	const columns = "id bigint, ts timestamp, on date, ms bigint, text string, note string"
	var groups [][]string
	for i, d := range year() {
		at, err := time.Parse("2006-01-02", d)
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		for k := range 20 {
			u := at.Add(time.Duration(k) * time.Hour)
			rows = append(rows, fmt.Sprintf("%d | %s | %s | %d | %s | some text of row %d", k, u.Format(time.RFC3339), d, u.UnixMilli(), d, i*20+k))
		}
		groups = append(groups, rows)
	}
	byDay, sorted := t.TempDir(), t.TempDir()
	for i, d := range year() {
		at, _ := time.Parse("2006-01-02", d)
		parquetFile(t, byDay, fmt.Sprintf("y=%d/m=%d/d=%d/f.parquet", at.Year(), at.Month(), at.Day()), columns, groups[i])
		parquetFile(t, byDay+"-one", fmt.Sprintf("on_day=%s/f.parquet", d), columns, groups[i])
	}
	parquetFile(t, sorted, "f.parquet", columns, groups...)
	week := interval(t, "2024-03-01", "2024-03-07")
	for name, c := range map[string]struct {
		dir           string
		inc           config.Incremental
		files, groups int64
	}{
		"partitions":           {byDay, config.Incremental{Partitions: []string{"y", "m", "d"}}, 7, 0},
		"a partition by day":   {byDay + "-one", config.Incremental{Column: "on_day", Mask: "%Y-%m-%d"}, 7, 0},
		"files, statistics":    {byDay, config.Incremental{Column: "ts"}, 366, 359},
		"timestamp":            {sorted, config.Incremental{Column: "ts"}, 1, 359},
		"date":                 {sorted, config.Incremental{Column: "on"}, 1, 359},
		"milliseconds":         {sorted, config.Incremental{Column: "ms", Unit: "ms"}, 1, 359},
		"text that sorts":      {sorted, config.Incremental{Column: "text", Mask: "%Y-%m-%d"}, 1, 359},
		"everything":           {sorted, config.Incremental{}, 1, 0},
		"everything, by files": {byDay, config.Incremental{}, 366, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Reader{Path: c.dir}
			if c.inc.Column != "" || c.inc.Partitions != nil {
				cfg.Incremental = &c.inc
			}
			want := int64(7 * 20)
			if cfg.Incremental == nil {
				want = 366 * 20
			}
			r, _ := reader(t, c.dir, cfg)
			q := flow.Request{Interval: week, Columns: []string{"id", "ts"}, BatchRows: 64}
			told, err := r.(flow.Estimator).Estimate(context.Background(), q)
			if err != nil {
				t.Fatal(err)
			}
			rows(t, r, q)
			got := r.Stats()
			if got.Rows != want || got.OutOfSpan != 0 || got.Objects != c.files || got.RowGroupsSkipped != c.groups {
				t.Errorf("read %+v, want %d rows, %d files, %d row groups skipped", got, want, c.files, c.groups)
			}
			if told != got {
				t.Errorf("estimated %+v\nread      %+v", told, got)
			}
			if all := sizeOf(t, c.dir); got.Bytes <= 0 || got.Bytes > all {
				t.Errorf("%d bytes of %d", got.Bytes, all)
			} else if cfg.Incremental != nil && c.files == 7 && got.Bytes > all/40 {
				t.Errorf("%d bytes of %d for a week of a year", got.Bytes, all)
			}
			r.Close()
			if again := r.Stats(); again != got {
				t.Errorf("closed, it says %+v", again)
			}
		})
	}
}

// A read of every column fetches the whole file, but for what no reader needs.
func TestStats_Bytes_AreThoseFetched(t *testing.T) {
	dir := t.TempDir()
	var rows1 []string
	for i := range 2000 {
		rows1 = append(rows1, fmt.Sprintf("%d | text number %d", i, i*7919%2000))
	}
	path := parquetFile(t, dir, "a.parquet", "n bigint, s string", rows1, rows1)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := reader(t, dir, config.Reader{Path: "a.parquet"})
	rows(t, r, flow.Request{})
	all := r.Stats().Bytes
	if all < info.Size()*9/10 || all > info.Size()*11/10 {
		t.Errorf("%d bytes fetched of a file of %d", all, info.Size())
	}
	rows(t, r, flow.Request{Columns: []string{"n"}})
	if one := r.Stats().Bytes; one <= 0 || one > all*2/3 {
		t.Errorf("%d bytes for one of two columns, %d for both", one, all)
	}
}

// What text files hold only reading tells; a file is read as a whole.
func TestEstimate_Text_SizesOnly(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "in/d=2024-01-01/a.csv", []byte("n\n1\n2\n"))
	put(t, dir, "in/d=2024-01-02/a.csv", []byte("n\n3\n"))
	cfg := config.Reader{Path: "in", Format: "csv", Schema: []config.Column{{Name: "n", Type: "bigint"}}, Incremental: &config.Incremental{Column: "d", Mask: "%Y-%m-%d"}}
	r, _ := reader(t, dir, cfg)
	got, err := r.(flow.Estimator).Estimate(context.Background(), flow.Request{Interval: interval(t, "2024-01-02", "")})
	if want := (flow.ReadStats{Objects: 1, Bytes: 4, Rows: -1}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestEstimate_Errors_AsARead(t *testing.T) {
	dir := t.TempDir()
	parquetFile(t, dir, "in/a.parquet", "n bigint, ts timestamp", []string{"1 | 2024-01-01"})
	put(t, dir, "in/b.parquet", []byte("PAR1 this is none PAR1"))
	estimate := func(cfg config.Reader, q flow.Request) error {
		r, _ := reader(t, dir, cfg)
		_, err := r.(flow.Estimator).Estimate(context.Background(), q)
		_, open := r.Open(context.Background(), q)
		for open == nil {
			b, e := r.Next(context.Background())
			if open = e; e == nil {
				b.Release()
			}
		}
		if err == nil || err.Error() != open.Error() {
			t.Errorf("the estimate says %v, a read %v", err, open)
		}
		return err
	}
	for name, c := range map[string]struct {
		cfg config.Reader
		q   flow.Request
	}{
		"no file":  {config.Reader{Path: "nope"}, flow.Request{}},
		"no day":   {config.Reader{Path: "in/a.parquet", Incremental: &config.Incremental{Column: "n"}}, flow.Request{}},
		"column":   {config.Reader{Path: "in/a.parquet"}, flow.Request{Columns: []string{"m"}}},
		"damaged":  {config.Reader{Path: "in"}, flow.Request{}},
		"not like": {config.Reader{Path: "two"}, flow.Request{}},
	} {
		if name == "not like" {
			parquetFile(t, dir, "two/a.parquet", "n bigint", []string{"1"})
			parquetFile(t, dir, "two/b.parquet", "n string", []string{"1"})
		}
		if err := estimate(c.cfg, c.q); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, _ := reader(t, dir, config.Reader{Path: "in/a.parquet"})
	if _, err := r.Schema(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.(flow.Estimator).Estimate(ctx, flow.Request{}); err == nil {
		t.Error("a cancelled estimate goes on")
	}
}
