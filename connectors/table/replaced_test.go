package table_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
	"github.com/featurehost/featurehost/host/parts"
)

// ground is where files lie: a folder of this machine or of a bucket.
type ground struct {
	root   string
	cfg    config.S3
	put    func(path string, content []byte)
	remove func(path string)
}

func grounds(t *testing.T, f func(t *testing.T, g ground)) {
	t.Run("disk", func(t *testing.T) {
		root := t.TempDir()
		f(t, ground{root: "file://" + root,
			put: func(path string, content []byte) { put(t, root+"/"+path, content) },
			remove: func(path string) {
				if err := os.RemoveAll(root + "/" + path); err != nil {
					t.Error(err)
				}
			}})
	})
	t.Run("s3", func(t *testing.T) {
		b := newBucket(t)
		f(t, ground{root: "s3a://" + b.Bucket, cfg: b.cfg,
			put: func(path string, content []byte) {
				if err := b.store.Put(t.Context(), path, content); err != nil {
					t.Error(err)
				}
			},
			remove: func(path string) {
				if err := b.store.DeletePrefix(t.Context(), path); err != nil {
					t.Error(err)
				}
			}})
	})
}

// What happens to a partition while the one before it is read never loses its
// rows in silence: they are those of before, or those of after.
func TestReader_PartitionReplacedWhileRead_OldOrNewOrSaid(t *testing.T) {
	const columns = "id bigint, note string"
	rows := func(rows ...string) []byte { return encode(t, columns, rows...) }
	for name, c := range map[string]struct {
		files  []string // of the partition, each of one row: its number
		first  string   // what is read before the change
		change func(t *testing.T, g ground, h *house, d *hm.Table)
		want   string     // the ids of all rows
		fails  fault.Code // with an error that may be retried
		may    bool       // fail or not: S3 is listed ahead
		warns  string
	}{
		"its location is changed": {files: []string{"2"}, first: "1", want: "1 3", change: func(_ *testing.T, g ground, h *house, d *hm.Table) {
			g.put("new/b/x.parquet", rows("3 | new"))
			h.alter(d, g.root+"/new/b", "b")
			g.remove("old/b/")
		}},
		"its location is changed, before it has files": {first: "1", want: "1 3", change: func(_ *testing.T, g ground, h *house, d *hm.Table) {
			g.put("new/b/x.parquet", rows("3 | new"))
			h.alter(d, g.root+"/new/b", "b")
		}},
		"its files come late": {first: "1", want: "1 3", change: func(_ *testing.T, g ground, _ *house, _ *hm.Table) {
			g.put("old/b/x.parquet", rows("3 | new"))
		}},
		"its location is changed to one without files": {files: []string{"2"}, first: "1", want: "1", warns: "no files", change: func(_ *testing.T, g ground, h *house, d *hm.Table) {
			h.alter(d, g.root+"/new/b", "b")
			g.remove("old/b/")
		}},
		"its file gets another name": {files: []string{"2"}, first: "1", want: "1 3", change: func(_ *testing.T, g ground, _ *house, _ *hm.Table) {
			g.put("old/b/y.parquet", rows("3 | new"))
			g.remove("old/b/file-0.parquet")
		}},
		"it is forgotten": {files: []string{"2"}, first: "1", want: "1", warns: "forgotten", change: func(t *testing.T, g ground, h *house, d *hm.Table) {
			if err := h.m.DropPartitions(t.Context(), h.db, d.TableName, []string{"p=b"}); err != nil {
				t.Error(err)
			}
			g.remove("old/b/")
		}},
		"its files are gone": {files: []string{"2"}, first: "1", want: "1", fails: file.Missing, may: true, warns: "no files", change: func(_ *testing.T, g ground, _ *house, _ *hm.Table) {
			g.remove("old/b/")
		}},
		"half of it was read": {files: []string{"2", "4"}, first: "1 2", fails: table.Replaced, change: func(_ *testing.T, g ground, h *house, d *hm.Table) {
			g.put("new/b/x.parquet", rows("3 | new"))
			h.alter(d, g.root+"/new/b", "b")
			g.remove("old/b/")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			servertest.Metastores(t, func(t *testing.T, address string) {
				grounds(t, func(t *testing.T, g ground) {
					h := newHouse(t, address)
					d := h.describe("days", columns, "p string", g.root+"/table")
					h.create(d)
					g.put("old/a/x.parquet", rows("1 | a"))
					h.add(d, g.root+"/old/a", "a")
					h.add(d, g.root+"/old/b", "b")
					for i, id := range c.files {
						g.put("old/b/file-"+string(rune('0'+i))+".parquet", rows(id+" | old"))
					}
					env, _, _ := hosttest.Env(t)
					var log strings.Builder
					env.Log = slog.New(slog.NewTextHandler(&log, nil))
					r, err := table.New(config.Reader{ID: "r", S3: g.cfg, Table: &config.Table{Hive: config.Hive{Metastore: address, Database: h.db}, Name: "days"}}, parts.Place{}, env)
					if err != nil {
						t.Fatal(err)
					}
					defer r.Close()
					if _, err := r.Open(t.Context(), flow.Request{Columns: []string{"id"}}); err != nil {
						t.Fatal(err)
					}
					got := ""
					for got != c.first {
						id, err := next(t.Context(), r)
						if err != nil {
							t.Fatal(got, err)
						}
						got = strings.TrimSpace(got + " " + id)
					}
					c.change(t, g, h, d)
					for err == nil {
						var id string
						id, err = next(t.Context(), r)
						got = strings.TrimSpace(got + " " + id)
					}
					if c.fails != 0 && !(c.may && flow.Ended(err)) {
						if !fault.Is(err, c.fails) || !fault.As(err).Retry || c.fails == table.Replaced && !strings.Contains(err.Error(), "partition b") {
							t.Errorf("got %s, then %v", got, err)
						}
						return
					}
					if !flow.Ended(err) || got != c.want {
						t.Errorf("got %s, want %s, then %v", got, c.want, err)
					}
					if !strings.Contains(log.String(), c.warns) || c.warns == "" && log.Len() > 0 {
						t.Errorf("want a warning of %q, got %s", c.warns, log.String())
					}
				})
			})
		})
	}
}

// next gives the ids of a batch.
func next(ctx context.Context, r flow.Reader) (string, error) {
	b, err := r.Next(ctx)
	if err != nil {
		return "", err
	}
	defer b.Release()
	return strings.Join(strings.Fields(hosttest.Text(b.Record)), " "), nil
}

// A file that is listed and cannot be found at the same place is looked for a
// few times, and then an error as ever.
func TestReader_ListedFileCannotBeFound_Fails(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		d := h.describe("days", "id bigint", "p string", "file://"+h.root+"/days")
		h.create(d)
		put(t, h.root+"/days/a/b.parquet", encode(t, "id bigint", "1"))
		if err := os.Symlink(h.root+"/nowhere", h.root+"/days/a/a.parquet"); err != nil {
			t.Fatal(err)
		}
		h.add(d, "file://"+h.root+"/days/a", "a")
		r := h.reader("days", nil)
		if _, err := tryText(t, r, flow.Request{}); !fault.Is(err, file.Missing) || !strings.Contains(err.Error(), "a.parquet") {
			t.Error(err)
		}
		if n := r.(*table.Reader).Calls()["get_partition"]; n < 1 || n > 5 {
			t.Errorf("asked %d times", n)
		}
	})
}

// The place of a table without partitions is asked for once more, too.
func TestReader_TableMovedBeforeItIsRead_NewRows(t *testing.T) {
	servertest.Metastores(t, func(t *testing.T, address string) {
		h := newHouse(t, address)
		d := h.describe("flat", "id bigint", "", "file://"+h.root+"/old")
		h.create(d)
		r := h.reader("flat", nil)
		if _, err := r.Schema(t.Context()); err != nil {
			t.Fatal(err)
		}
		d, err := h.m.Table(t.Context(), h.db, "flat")
		if err != nil {
			t.Fatal(err)
		}
		put(t, h.root+"/new/x.parquet", encode(t, "id bigint", "1"))
		d.Sd.Location = "file://" + h.root + "/new"
		if err := h.m.AlterTable(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := text(t, r, flow.Request{}); got != "1" {
			t.Error(got)
		}
	})
}
