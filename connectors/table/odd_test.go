package table_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// oddMetastore answers what no metastore should. What a test does not set it
// does not know.
type oddMetastore struct {
	servertest.SilentMetastore
	table      *hm.Table
	names      []string
	partitions []*hm.Partition
	one        func() *hm.Partition
}

func (o *oddMetastore) GetTableReq(context.Context, *hm.GetTableRequest) (*hm.GetTableResult_, error) {
	return &hm.GetTableResult_{Table: o.table}, nil
}

func (o *oddMetastore) GetPartitionNames(context.Context, string, string, int16) ([]string, error) {
	return o.names, nil
}

func (o *oddMetastore) GetPartitionsByNames(context.Context, string, string, []string) ([]*hm.Partition, error) {
	return o.partitions, nil
}

func (o *oddMetastore) GetPartition(context.Context, string, string, []string) (*hm.Partition, error) {
	return o.one(), nil
}

// A listing of partitions that makes no sense is an error that names what is
// wrong with it.
func TestReader_OddAnswers_Errors(t *testing.T) {
	h := &house{t: t, db: "odd", root: t.TempDir()}
	put(t, h.root+"/x.parquet", encode(t, "id bigint", "1"))
	var moves int
	for name, c := range map[string]struct {
		keys   string
		names  []string
		change func(d *hm.Table, p *hm.Partition)
		one    func(p *hm.Partition) *hm.Partition
		code   fault.Code // 0: no error
		want   string     // of the error, or the rows
	}{
		"as it should be":         {want: "1 | 7"},
		"a null":                  {names: []string{"k=" + hive.NullPartition}, change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{hive.NullPartition} }, want: "1 | null"},
		"no values":               {change: func(_ *hm.Table, p *hm.Partition) { p.Values = nil }, code: table.BadPartition, want: "0 values"},
		"too many values":         {change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{"7", "8"} }, code: table.BadPartition, want: `"7/8" has 2 values`},
		"no description":          {change: func(_ *hm.Table, p *hm.Partition) { p.Sd = &hm.StorageDescriptor{} }, code: hive.BadLocation, want: "no place"},
		"no format":               {change: func(_ *hm.Table, p *hm.Partition) { p.Sd.SerdeInfo = nil }, code: table.FormatUnknown, want: "not read"},
		"no location":             {change: func(_ *hm.Table, p *hm.Partition) { p.Sd.Location = "" }, code: hive.BadLocation, want: "no place"},
		"no columns":              {change: func(_ *hm.Table, p *hm.Partition) { p.Sd.Cols = nil }, want: "1 | 7"},
		"no number":               {change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{"7x"} }, code: table.BadPartition, want: `"7x" is no integer`},
		"an empty value":          {change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{""} }, code: table.BadPartition, want: `"" is no integer`},
		"a decimal beyond all":    {keys: "k decimal(5,2)", change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{"1e9"} }, code: table.BadPartition, want: `"1e9" is no decimal`},
		"a decimal of no number":  {keys: "k decimal(5,2)", change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{"Inf"} }, code: table.BadPartition, want: `"Inf" is no decimal`},
		"a date that is none":     {keys: "k date", change: func(_ *hm.Table, p *hm.Partition) { p.Values = []string{"2024-02-30"} }, code: table.BadPartition, want: `"2024-02-30" is no date`},
		"a table without columns": {change: func(d *hm.Table, p *hm.Partition) { d.Sd.Cols, d.PartitionKeys = nil, nil }, code: table.TypeNotReadable, want: "no column"},
		"nothing when asked again": {change: func(_ *hm.Table, p *hm.Partition) { p.Sd.Location += "/nothing" }, one: func(*hm.Partition) *hm.Partition { return nil },
			code: hive.Refused, want: "a partition"},
		"another when asked again": {change: func(_ *hm.Table, p *hm.Partition) { p.Sd.Location += "/nothing" }, one: func(p *hm.Partition) *hm.Partition { p.Values = nil; return p },
			code: table.BadPartition, want: "0 values"},
		"moved whenever asked": {change: func(_ *hm.Table, p *hm.Partition) { p.Sd.Location += "/nothing" }, one: func(p *hm.Partition) *hm.Partition {
			moves++
			p.Sd.Location = fmt.Sprintf("/nowhere/%d", moves)
			return p
		}, code: table.Replaced, want: "partition 7"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.keys == "" {
				c.keys = "k int"
			}
			d := h.describe("t", "id bigint", c.keys, "file://"+h.root)
			d.CreateTime = 1
			sd, serde := *d.Sd, *d.Sd.SerdeInfo
			sd.SerdeInfo = &serde
			p := h.partition(d, "file://"+h.root, []string{"7"})
			p.Sd = &sd
			if c.change != nil {
				c.change(d, p)
			}
			o := &oddMetastore{table: d, names: []string{"k=7"}, partitions: []*hm.Partition{p}}
			if c.names != nil {
				o.names = c.names
			}
			if c.one != nil {
				o.one = func() *hm.Partition { return c.one(p) }
			}
			r, err := table.New(config.Reader{ID: "r", Table: &config.Table{Hive: config.Hive{Metastore: servertest.ServeMetastore(t, o), Database: "odd"}, Name: "t"}}, parts0, env0(t))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := tryText(t, r, flow.Request{})
			switch {
			case c.code == 0 && (err != nil || got != c.want):
				t.Errorf("got %q, %v", got, err)
			case c.code != 0 && (!fault.Is(err, c.code) || !strings.Contains(err.Error(), c.want)):
				t.Error(got, err)
			case c.code == table.Replaced && (!fault.As(err).Retry || moves > 10):
				t.Error(err, moves)
			}
		})
	}
}
