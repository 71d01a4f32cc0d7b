package hive

import (
	"strings"
	"time"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/host/fault"
)

func dateMicros(y, m, d int) int64 {
	return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).UnixMicro()
}

// difference is how a table's columns differ from those wanted. Columns are
// told by name: Parquet files are read so, and their order says nothing.
type difference struct {
	added   []*hm.FieldSchema // wanted and not there
	gone    []*hm.FieldSchema // there and not wanted
	changed []changed         // of another type
}

type changed struct{ name, from, to string }

// compare gives the difference of the columns of a table and those wanted.
func compare(there, wanted []*hm.FieldSchema) difference {
	var d difference
	has := map[string]*hm.FieldSchema{}
	for _, c := range there {
		has[strings.ToLower(c.Name)] = c
	}
	keep := map[string]bool{}
	for _, c := range wanted {
		keep[c.Name] = true
		switch old := has[c.Name]; {
		case old == nil:
			d.added = append(d.added, c)
		case !sameType(old.Type, c.Type):
			d.changed = append(d.changed, changed{c.Name, old.Type, c.Type})
		}
	}
	for _, c := range there {
		if !keep[strings.ToLower(c.Name)] {
			d.gone = append(d.gone, c)
		}
	}
	return d
}

// checkOurs refuses a table that is not the one of this store (M3).
func checkOurs(t *hm.Table, location string) error {
	name := t.DbName + "." + t.TableName
	hint := "set another database, or drop that table in Hive; files of an external table stay"
	if strings.HasSuffix(t.TableType, "VIEW") {
		return fault.New(NotOurs, "%q is a view", name).WithHint("%s", hint)
	}
	if !strings.EqualFold(t.TableType, "EXTERNAL_TABLE") && !strings.EqualFold(t.Parameters["EXTERNAL"], "TRUE") {
		return fault.New(NotOurs, "%q is managed by Hive, which deletes its files when it is dropped: an external table is needed", name).WithHint("%s", hint)
	}
	if !samePlace(t.Sd.Location, location) {
		return fault.New(NotOurs, "%q lies at %s, and not at %s", name, t.Sd.Location, location).WithHint("%s", hint)
	}
	if t.Sd.SerdeInfo == nil || t.Sd.SerdeInfo.SerializationLib != ParquetSerde {
		return fault.New(NotOurs, "%q is not stored as Parquet", name).WithHint("%s", hint)
	}
	keys := partitionColumns()
	same := len(keys) == len(t.PartitionKeys)
	var have []string
	for i, k := range t.PartitionKeys {
		have = append(have, k.Name+" "+k.Type)
		same = same && strings.EqualFold(k.Name, keys[i].Name) && sameType(k.Type, keys[i].Type)
	}
	if !same {
		return fault.New(NotOurs, "%q is partitioned by (%s), and not by (year int, month int, day int)", name, strings.Join(have, ", ")).WithHint("%s", hint)
	}
	return nil
}

// checkFits refuses a table that needs more than new columns (S-1204).
func checkFits(t *hm.Table, d difference) error {
	name := t.DbName + "." + t.TableName
	const hint = "look at what `featurehost migrate` would change, or give the feature set a new name"
	if len(d.changed) > 0 {
		c := d.changed[0]
		return fault.New(TableDiffers, "column %q of %q is of type %s, and %s in the feature set", c.name, name, c.from, c.to).WithHint(hint)
	}
	if len(d.gone) > 0 {
		return fault.New(TableDiffers, "%q has a column %q, which the feature set has not", name, d.gone[0].Name).WithHint(hint)
	}
	return nil
}
