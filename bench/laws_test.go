package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

// TestLaws_AnyFeatures_EqualTheScan draws pipelines of every kind of feature
// and step, runs them, and compares both stores with a scan of all rows in
// exact arithmetic that follows docs/semantics.md alone: whole runs, the same
// rows in other files, batches and orders with other workers, runs again, and
// runs over parts of the time in any order. FEATUREHOST_ROUNDS, FEATUREHOST_SEED
// and FEATUREHOST_KEEP are those of the differential test.
// Rules: S-301..S-306, S-502..S-506, S-509, S-512, S-602, S-603, S-606, S-701, S-704, S-801..S-806, S-901, S-902, S-905..S-920,
// S-930..S-932, S-940..S-944, S-1001..S-1005, S-1101..S-1107, S-1301, S-1302, S-1601..S-1603, S-1605, S-1607, S-1608, S-1610.
func TestLaws_AnyFeatures_EqualTheScan(t *testing.T) {
	rounds, seed := setting(t, "FEATUREHOST_ROUNDS", 15), setting(t, "FEATUREHOST_SEED", 1)
	if testing.Short() {
		rounds = min(rounds, 10)
	}
	for i := range rounds {
		seed := uint64(seed + i)
		if !t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { lawRound(t, seed) }) && os.Getenv("FEATUREHOST_ROUNDS") == "" {
			return
		}
	}
}

func lawRound(t *testing.T, seed uint64) {
	w := drawWorld(seed)
	r := artist{rand.New(rand.NewPCG(seed, 31))}
	k := knobs{pick(r, 1, 7, 64, 8192), pick(r, 1, 2, 7), pick(r, 1, 1, 3), pick(r, 5, 100, 100000)}
	dir := t.TempDir()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if keep := os.Getenv("FEATUREHOST_KEEP"); keep != "" {
			_ = os.CopyFS(filepath.Join(keep, fmt.Sprint(seed)), os.DirFS(dir))
		}
		t.Logf("seed %d, %d events, %+v, end %s, cuts %v from %d\n%s", seed, len(w.events.rows), k, dayText(w.end), w.cuts, w.first, w.text("full", k))
	})
	w.write(t, dir, k)
	full := w.ending(w.end)
	want := w.evaluate(full, nil, w.end)
	var keys []string
	for _, k := range w.keys {
		keys = append(keys, k.name)
	}
	check := func(out string, rows []made, runs [][]made) {
		t.Helper()
		checkStores(t, dir, out, keys, w.outputs(), rows, latest(nil, runs))
	}
	report := executeText(t, dir, "full", w.text("full", k), nil, w.end)
	w.checkCounts(t, report, want)
	check("full", want.rows, [][]made{want.rows})
	if t.Failed() {
		return
	}

	// The same rows in another order and cut; and again.
	r.Shuffle(len(w.events.rows), func(i, j int) { w.events.rows[i], w.events.rows[j] = w.events.rows[j], w.events.rows[i] })
	k = knobs{pick(r, 1, 7, 8192), pick(r, 1, 2, 7), pick(r, 1, 2), pick(r, 3, 100000)}
	w.write(t, dir, k)
	for range pick(r, 1, 1, 2) {
		report = executeText(t, dir, "again", w.text("again", k), nil, w.end)
		w.checkCounts(t, report, want)
		check("again", want.rows, [][]made{want.rows})
	}
	if t.Failed() || w.flat || !w.parted() {
		return
	}

	w.cuts = slices.DeleteFunc(w.cuts, func(c int64) bool { return w.end == nil && c > floorDiv(want.last, day) })
	var all []made
	var runs [][]made
	starts := append([]int64{w.first}, w.cuts...)
	order := r.Perm(len(starts))
	if r.chance(3) {
		order = append(order, order[r.IntN(len(order))]) // once more
	}
	for n, i := range order {
		start, end := &starts[i], w.end
		if i+1 < len(starts) {
			e := starts[i+1] - 1
			end = &e
		}
		if end != nil && *end < *start {
			continue
		}
		report := executeText(t, dir, "parts", w.text("parts", k), start, end)
		in := w.ending(end)
		if w.compat && report.ReadFrom != "" { // what comes out depends on what was read (S-912)
			from, err := flow.ParseDay(report.ReadFrom)
			if err != nil {
				t.Fatal(err)
			}
			in.rows = slices.DeleteFunc(slices.Clone(in.rows), func(e event) bool { return e["ts"] == nil || floorDiv(int64(e["ts"].(instant)), day) < int64(from) })
		}
		rows := w.evaluate(in, start, end).rows
		if n < len(starts) {
			all, runs = append(all, rows...), append(runs, rows)
		}
	}
	if !w.compat {
		all = slices.DeleteFunc(slices.Clone(want.rows), func(m made) bool { return m.ts == nil || floorDiv(m.ts.(int64), day) < w.first })
	}
	check("parts", all, runs)
}

// ending gives the rows that enter the set in a run with an end.
func (w *world) ending(end *int64) *source {
	s := w.events
	for _, p := range w.prepare {
		s = p.run(s)
	}
	if w.incremental && end != nil {
		rows := slices.DeleteFunc(slices.Clone(s.rows), func(e event) bool { return e["ts"] == nil || floorDiv(int64(e["ts"].(instant)), day) > *end })
		s = &source{columns: s.columns, rows: rows}
	}
	for _, p := range w.stages {
		s = p.run(s)
	}
	return s
}

// parted tells whether runs over parts of the time are the whole run.
// are not where a row depends on rows of later days, which a run does not read.
func (w *world) parted() bool {
	return !w.incremental || !slices.ContainsFunc(w.features, func(f trait) bool {
		return f.window != nil && f.window.order != "" && f.window.order != "timestamp"
	})
}

// checkCounts holds the counts of a whole run against those expected (S-1608).
func (w *world) checkCounts(t *testing.T, r *host.Report, want answer) {
	t.Helper()
	sum := func(m map[string]int64) (n int64) {
		for _, v := range m {
			n += v
		}
		return n
	}
	in := r.Readers["events"].Rows - r.Readers["events"].OutOfInterval
	if in+r.Stacked != sum(r.Filtered)+sum(r.Folded)+sum(r.Rejected)+sum(r.Dropped)+r.Used {
		t.Errorf("%d rows read, stacked %d, filtered %v, folded %v, rejected %v, dropped %v, used %d", in, r.Stacked, r.Filtered, r.Folded, r.Rejected, r.Dropped, r.Used)
	}
	f := r.Features
	if f.Made != f.Rows+f.Duplicates+f.OutsideInterval || f.Rows != int64(len(want.rows)) {
		t.Errorf("features %+v, expected %d rows", f, len(want.rows))
	}
	if !w.aggregated() && f.Made != r.Used {
		t.Errorf("a plain set made %d rows of %d", f.Made, r.Used)
	}
	if sum(r.Rejected) != sum(want.rejected) || sum(r.Dropped) != want.dropped || r.Used != want.used || r.Stacked != want.stacked {
		t.Errorf("rejected %v, dropped %v, used %d, stacked %d, expected %v, %d, %d, %d", r.Rejected, r.Dropped, r.Used, r.Stacked, want.rejected, want.dropped, want.used, want.stacked)
	}
}

// text writes the pipeline file.
func (w *world) text(out string, k knobs) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	put("version = 1\n[pipeline]\nname = \"drawn\"\nstate = %q\nworkers = %d\nbatch_rows = %d", out+"/state", k.workers, k.batchRows)
	put("[[reader]]\nid = \"events\"\ntype = \"file\"\npath = \"in/*.parquet\"\nformat = \"parquet\"")
	if w.incremental {
		put("incremental = { column = \"ts\" }")
	}
	for _, p := range w.prepare {
		put("[[reader.prepare]]\nuse = %q\n%s", p.use, p.settings)
	}
	if w.query {
		put("[query]\nsql = \"SELECT * FROM events\"")
	}
	for _, p := range w.stages {
		put("[[stage]]\nuse = %q\n%s", p.use, p.settings)
	}
	put("[feature_set]\nname = \"drawn\"\nentity = \"thing\"\ndeduplicate_rows = %v", w.deduplicate)
	if w.compat {
		put("semantics = \"butterfree\"")
	}
	if w.nullKeys {
		put("null_keys = \"keep\"")
	}
	var keys []string
	for _, k := range w.keys {
		s := fmt.Sprintf("name = %q, type = %q", k.name, k.typ)
		switch {
		case k.h3 != nil:
			s += fmt.Sprintf(", h3 = { lat = \"lat\", lng = \"lng\", resolutions = [%s], stack = true }", strings.Trim(strings.ReplaceAll(fmt.Sprint(k.h3.resolutions), " ", ", "), "[]"))
		case k.stack != nil:
			s += ", stack = " + quotedList(k.patterns)
			if k.regex {
				s += ", regex = true"
			}
		default:
			s += fmt.Sprintf(", from = %q", k.from)
		}
		keys = append(keys, "{ "+s+" }")
	}
	put("keys = [%s]\ntimestamp = { from = \"ts\" }", strings.Join(keys, ", "))
	var order []string
	if w.arrival != "" {
		order = append(order, "arrival = \"arr\"")
	}
	if w.sequence != "" {
		order = append(order, "sequence = \"sq\"")
	}
	if order != nil {
		put("order = { %s }", strings.Join(order, ", "))
	}
	spans := func(list []length) string {
		var parts []string
		for _, l := range list {
			parts = append(parts, l.String())
		}
		return quotedList(parts)
	}
	if w.windows != nil {
		more := ""
		if w.slide != nil {
			more += fmt.Sprintf(", slide = %q", w.slide)
		}
		if w.withData {
			more += ", rows = \"with_data\""
		}
		if w.zone != "" {
			more += fmt.Sprintf(", zone = %q", w.zone)
		}
		put("windows = { rolling = %s%s }", spans(w.windows), more)
	}
	if w.pivot != "" {
		put("pivot = { column = %q, values = %s }", w.pivot, tomlList(w.values))
	}
	if w.distinct != nil {
		keep := ""
		if w.keep != "" {
			keep = fmt.Sprintf(", keep = %q", w.keep)
		}
		put("distinct = { subset = %s%s }", quotedList(w.distinct), keep)
	}
	for _, f := range w.features {
		put("[[feature_set.feature]]\nname = %q", f.name)
		if f.from != "" {
			put("from = %q", f.from)
		}
		if f.typ != "" {
			put("type = %q", f.typ)
		}
		var list []string
		for _, fn := range f.functions {
			list = append(list, fn.toml())
		}
		switch {
		case f.aggregated:
			put("aggregate = [%s]", strings.Join(list, ", "))
			if f.where != nil {
				put("where = %q", f.where.sql)
			}
		case f.sql != nil:
			put("sql = '''%s'''", f.sql.sql)
		case f.h3 != nil:
			put("h3 = { lat = \"lat\", lng = \"lng\", resolutions = [%s], stack = %v }", strings.Trim(strings.ReplaceAll(fmt.Sprint(f.h3.resolutions), " ", ", "), "[]"), f.h3.stack)
		case f.stack != nil:
			put("stack = %s\nregex = %v", quotedList(f.patterns), f.regex)
		case list != nil:
			put("function = [%s]\non_overflow = \"null\"", strings.Join(list, ", "))
		}
		if x := f.window; x != nil {
			var parts []string
			if x.fixed != nil {
				parts = append(parts, "fixed = "+spans(x.fixed))
			}
			if x.rows != nil {
				parts = append(parts, "rows = "+spans(x.rows))
			}
			if x.partition != nil {
				parts = append(parts, "partition_by = "+quotedList(x.partition))
			}
			if x.order != "" {
				parts = append(parts, fmt.Sprintf("order_by = %q", x.order))
			}
			if x.bounds != "" {
				parts = append(parts, fmt.Sprintf("bounds = %q", x.bounds))
			}
			put("window = { %s }", strings.Join(parts, ", "))
		}
	}
	put("[[sink]]\ntype = \"historical\"\npath = %q\nallow_empty = true", out)
	if w.flat {
		put("layout = \"flat\"")
	}
	put("[[sink]]\ntype = \"online\"\npath = %q", out+"/online.db")
	return b.String()
}

// write writes the events into Parquet files.
func (w *world) write(t *testing.T, dir string, k knobs) {
	t.Helper()
	folder := filepath.Join(dir, "in")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	rows := w.events.rows
	for i := range k.files {
		part := &source{columns: w.events.columns, rows: rows[len(rows)*i/k.files : len(rows)*(i+1)/k.files]}
		writeSource(t, filepath.Join(folder, fmt.Sprintf("%d.parquet", i)), part, k.group)
	}
}

// writeSource writes a table into a Parquet file.
func writeSource(t *testing.T, name string, s *source, group int) {
	t.Helper()
	types := map[string]arrow.DataType{"bigint": arrow.PrimitiveTypes.Int64, "integer": arrow.PrimitiveTypes.Int32, "double": arrow.PrimitiveTypes.Float64,
		"float": arrow.PrimitiveTypes.Float32, "string": arrow.BinaryTypes.String, "timestamp": arrow.FixedWidthTypes.Timestamp_us,
		"boolean": arrow.FixedWidthTypes.Boolean, "date": arrow.FixedWidthTypes.Date32, decimals: &arrow.Decimal128Type{Precision: 12, Scale: 2}}
	var fields []arrow.Field
	for _, c := range s.columns {
		fields = append(fields, arrow.Field{Name: c.name, Type: types[c.typ], Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	build := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer build.Release()
	for _, e := range s.rows {
		for i, f := range fields {
			b := build.Field(i)
			switch v := e[f.Name].(type) {
			case nil:
				b.AppendNull()
			case instant:
				b.(*array.TimestampBuilder).Append(arrow.Timestamp(v))
			case int64:
				b.(*array.Int64Builder).Append(v)
			case int32:
				b.(*array.Int32Builder).Append(v)
			case float64:
				b.(*array.Float64Builder).Append(v)
			case float32:
				b.(*array.Float32Builder).Append(v)
			case string:
				b.(*array.StringBuilder).Append(v)
			case bool:
				b.(*array.BooleanBuilder).Append(v)
			case civil:
				b.(*array.Date32Builder).Append(arrow.Date32(v))
			case dec:
				b.(*array.Decimal128Builder).Append(decimal128.FromBigInt(v.n))
			}
		}
	}
	record := build.NewRecordBatch()
	defer record.Release()
	table := array.NewTableFromRecords(schema, []arrow.RecordBatch{record})
	defer table.Release()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := pqarrow.WriteTable(table, file, int64(group), parquet.NewWriterProperties(), pqarrow.DefaultWriterProps()); err != nil {
		t.Fatal(err)
	}
}
