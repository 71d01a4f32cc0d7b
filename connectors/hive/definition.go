package hive

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Classes that read and write Parquet in Hive.
const (
	ParquetSerde  = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
	ParquetInput  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
	parquetOutput = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
)

// NullPartition stands for a null in the name of a partition.
const NullPartition = "__HIVE_DEFAULT_PARTITION__"

// noDay stands for rows without a timestamp.
const noDay = flow.Day(math.MinInt32)

// partitionColumns are the partition columns of the historical store.
func partitionColumns() []*hm.FieldSchema {
	return []*hm.FieldSchema{{Name: "year", Type: "int"}, {Name: "month", Type: "int"}, {Name: "day", Type: "int"}}
}

// checkName gives a name as Hive keeps it.
func checkName(what, name string) (string, error) {
	if !regexp.MustCompile(`^[A-Za-z0-9_]+$`).MatchString(name) {
		return "", fault.New(BadName, "%s %q is no name in Hive: letters, digits and underscores are", what, name)
	}
	return strings.ToLower(name), nil
}

// columnsOf gives the columns of a table as Hive writes them.
func columnsOf(s *arrow.Schema) ([]*hm.FieldSchema, error) {
	seen := map[string]string{"year": "a partition column", "month": "a partition column", "day": "a partition column"}
	var out []*hm.FieldSchema
	for _, f := range s.Fields() {
		name := strings.ToLower(f.Name)
		if before, twice := seen[name]; twice {
			return nil, fault.New(BadName, "column %q has the name of %s: Hive does not tell case apart", f.Name, before)
		}
		seen[name] = "column " + strconv.Quote(f.Name)
		t, err := TypeOf(f.Type)
		if err != nil {
			return nil, fault.Wrap(err, BadType, "column %q", f.Name)
		}
		out = append(out, &hm.FieldSchema{Name: name, Type: t})
	}
	return out, nil
}

// definition is the table that the metastore should know.
func definition(database, name, user string, t historical.Table, columns []*hm.FieldSchema) (*hm.Table, error) {
	location, err := LocationFor(t.Location, "")
	if err != nil {
		return nil, err
	}
	if user == "" {
		user = "featurehost"
	}
	out := hm.NewTable()
	out.DbName, out.TableName, out.Owner = database, name, user
	out.TableType = "EXTERNAL_TABLE"
	out.Sd = storage(location, columns)
	out.PartitionKeys = partitionColumns()
	out.Parameters = map[string]string{
		"EXTERNAL":                "TRUE",
		"external.table.purge":    "false",
		"featurehost.entity":      t.Entity,
		"featurehost.feature_set": t.Set,
	}
	return out, nil
}

// storage describes Parquet files at a location.
func storage(location string, columns []*hm.FieldSchema) *hm.StorageDescriptor {
	return &hm.StorageDescriptor{
		Cols: columns, Location: location, InputFormat: ParquetInput, OutputFormat: parquetOutput, NumBuckets: -1,
		SerdeInfo:  &hm.SerDeInfo{SerializationLib: ParquetSerde, Parameters: map[string]string{"serialization.format": "1"}},
		BucketCols: []string{}, SortCols: []*hm.Order{}, Parameters: map[string]string{},
	}
}

// dayValues are the values of the partition columns of a day.
func dayValues(d flow.Day) []string {
	if d == noDay {
		return []string{NullPartition, NullPartition, NullPartition}
	}
	y, m, day := d.Date()
	return []string{strconv.Itoa(y), strconv.Itoa(m), strconv.Itoa(day)}
}

// dayName is the name of a day's partition.
func dayName(d flow.Day) string {
	v := dayValues(d)
	return "year=" + v[0] + "/month=" + v[1] + "/day=" + v[2]
}

// dayOf reads the name of a partition; other tools pad numbers with zeros.
func dayOf(name string) (flow.Day, bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 {
		return 0, false
	}
	var n [3]int
	nulls := 0
	for i, key := range []string{"year=", "month=", "day="} {
		v, ok := strings.CutPrefix(parts[i], key)
		if !ok {
			return 0, false
		}
		if v == NullPartition {
			nulls++
			continue
		}
		var err error
		if n[i], err = strconv.Atoi(v); err != nil {
			return 0, false
		}
	}
	if nulls == 3 {
		return noDay, true
	}
	d := flow.DayOf(dateMicros(n[0], n[1], n[2]))
	y, m, day := d.Date()
	return d, nulls == 0 && y == n[0] && m == n[1] && day == n[2]
}

// setNumbers writes what is known of a partition's rows, so that planners can
// use it, but not as a count that may stand for the rows: who counts must read.
func setNumbers(parameters map[string]string, p historical.Partition) map[string]string {
	out := map[string]string{}
	for k, v := range parameters {
		out[k] = v
	}
	delete(out, "COLUMN_STATS_ACCURATE")
	out["numRows"] = strconv.FormatInt(p.Rows, 10)
	out["totalSize"] = strconv.FormatInt(p.Bytes, 10)
	out["numFiles"] = "1"
	return out
}
