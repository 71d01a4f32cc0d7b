package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	_ "github.com/mattn/go-sqlite3"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

// pipeline is a drawn pipeline.
type pipeline struct {
	compat, withData, deduplicate, nullKeys bool
	incremental, filter, flat, query        bool
	keys                                    []string
	windows                                 []span
	slide                                   span
	slideText                               string
	arrival, sequence                       string
	unit                                    string // of the timestamp; "" is a timestamp
	features                                []feature
	end                                     *int64
	cuts                                    []int64 // first days of the interval runs but the first
	first                                   int64   // first day of the first one
	format                                  string
}

// knobs are what must not change a table.
type knobs struct{ batchRows, workers, files, group int }

// TestDifferential_DrawnPipelines_EqualTheScan draws pipelines and events, runs
// them, and compares both stores and the report with a scan of all events in
// exact arithmetic. FEATUREHOST_ROUNDS=500 runs more rounds, FEATUREHOST_SEED=n
// begins at another seed, FEATUREHOST_KEEP=folder keeps the files of those that
// fail. A failure tells its seed: FEATUREHOST_SEED=n FEATUREHOST_ROUNDS=1 runs
// it alone.
// Rules: S-301, S-303, S-305, S-306, S-405, S-406, S-508, S-602, S-606, S-901, S-905, S-906, S-909..S-914, S-918..S-920,
// S-930, S-940..S-942, S-1101..S-1107, S-1301, S-1302, S-1601..S-1603, S-1607, S-1608.
func TestDifferential_DrawnPipelines_EqualTheScan(t *testing.T) {
	rounds, seed := setting(t, "FEATUREHOST_ROUNDS", 25), setting(t, "FEATUREHOST_SEED", 1)
	if testing.Short() {
		rounds = min(rounds, 10)
	}
	for i := range rounds {
		seed := uint64(seed + i)
		if !t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { round(t, seed) }) && os.Getenv("FEATUREHOST_ROUNDS") == "" {
			return
		}
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func round(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 17))
	p, events := draw(r)
	pick := func(list ...int) int { return list[r.IntN(len(list))] }
	k := knobs{pick(1, 7, 64, 8192), pick(1, 2, 5), pick(1, 1, 3), pick(5, 100, 100000)}
	dir := t.TempDir()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		if keep := os.Getenv("FEATUREHOST_KEEP"); keep != "" {
			_ = os.CopyFS(filepath.Join(keep, fmt.Sprint(seed)), os.DirFS(dir))
		}
		text, _ := os.ReadFile(filepath.Join(dir, "full.toml"))
		t.Logf("seed %d, %d events, %+v, end %s, cuts %v from %d\n%s", seed, len(events), k, dayText(p.end), p.cuts, p.first, text)
	})
	write(t, dir, p, events, k)

	want := p.oracle(events, nil, p.end)
	report := execute(t, dir, "full", p, k, nil, p.end)
	checkReport(t, report, want, p, events)
	checkTables(t, dir, "full", p, want.rows, latest(p, [][]made{want.rows}))
	if t.Failed() {
		return
	}

	// The same rows in another order, cut and format.
	p.format = []string{"parquet", "csv", "json"}[r.IntN(3)]
	if p.format == "json" && !jsonable(events) {
		p.format = "csv"
	}
	r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	k = knobs{pick(1, 7, 8192), pick(1, 2, 5), pick(1, 2), pick(3, 100000)}
	write(t, dir, p, events, k)
	again := execute(t, dir, "again", p, k, nil, p.end)
	checkReport(t, again, want, p, events)
	checkTables(t, dir, "again", p, want.rows, latest(p, [][]made{want.rows}))
	if t.Failed() || p.flat {
		return
	}

	// Without an end the labels of a run end after the greatest event (S-909),
	// so that only the last interval may reach that far.
	p.cuts = slices.DeleteFunc(p.cuts, func(c int64) bool { return p.end == nil && c > floorDiv(want.last, day) })

	// Interval runs, in any order, over the source of the second run.
	var all []made
	var runs [][]made
	starts := append([]int64{p.first}, p.cuts...)
	for _, i := range r.Perm(len(starts)) {
		start, end := &starts[i], p.end
		if i+1 < len(starts) {
			e := starts[i+1] - 1
			end = &e
		}
		if end != nil && *end < *start {
			continue
		}
		report := execute(t, dir, "parts", p, k, start, end)
		// What counts is what was read; what comes out is not, but in compat.
		o := p.oracle(read(t, events, report), start, end)
		if !p.compat {
			o.rows = p.oracle(events, start, end).rows
		}
		checkReport(t, report, o, p, events)
		all, runs = append(all, o.rows...), append(runs, o.rows)
	}
	if !p.compat {
		all = slices.DeleteFunc(slices.Clone(want.rows), func(m made) bool { return floorDiv(m.ts.(int64), day) < p.first })
	}
	checkTables(t, dir, "parts", p, all, latest(p, runs))
}

// read gives the events that a run read: those from the first day that it asked
// its reader for.
func read(t *testing.T, events []event, r *host.Report) []event {
	t.Helper()
	if r.ReadFrom == "" {
		return events
	}
	from, err := flow.ParseDay(r.ReadFrom)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e["ts"] == nil || floorDiv(e["ts"].(int64), day) < int64(from) })
}

func dayText(d *int64) string {
	if d == nil {
		return "open"
	}
	return time.Unix(*d*86400, 0).UTC().Format("2006-01-02")
}

// draw draws a pipeline and its events.
func draw(r *rand.Rand) (*pipeline, []event) {
	chance := func(n int) bool { return r.IntN(n) == 0 }
	p := &pipeline{
		compat: chance(3), deduplicate: !chance(3), incremental: chance(3), filter: chance(5), flat: chance(4), format: "parquet",
		keys: [][]string{{"kb"}, {"ks"}, {"kb", "ks"}, {"ki"}}[r.IntN(4)],
	}
	if p.compat && chance(6) {
		p.keys = []string{"kd"}
	}
	p.nullKeys, p.query = !p.compat && chance(3), chance(4)
	if chance(3) {
		p.arrival = "arr"
	}
	if chance(3) {
		p.sequence = "sq"
	}
	if chance(4) && !p.incremental {
		p.unit = "us"
	}
	units := []struct {
		name   string
		micros int64
	}{{"second", 1e6}, {"minute", 60e6}, {"hour", 3600e6}, {"day", day}, {"week", 7 * day}}
	mode := r.IntN(6) // 0 plain, 1 without windows, else windows
	unit := units[r.IntN(len(units))]
	slides := []int64{1, 1, 1, 2, 3, 5}
	p.slide = span{slides[r.IntN(len(slides))], unit.name, 0}
	p.slide.micros = p.slide.n * unit.micros
	if chance(3) {
		p.slide = span{1, "day", day}
	}
	p.slideText = p.slide.String()
	if p.slide.n > 1 || p.slide.n == 1 && p.slide.unit != "day" && chance(2) {
		p.slideText += "s"
	}
	if p.slideText == "1 day" && p.compat && chance(3) {
		p.slideText = "24 hours"
	}
	wide := 1 + int64(r.IntN(40)) // of the events, in slides
	if mode >= 2 {
		taken := map[int64]bool{}
		for range 1 + r.IntN(3) {
			s := span{p.slide.n * (1 + int64(r.IntN(8))), p.slide.unit, 0}
			micros := p.slide.micros / p.slide.n
			switch r.IntN(3) {
			case 0: // no multiple of the slide
				s.n += int64(r.IntN(3))
			case 1: // the same in a smaller unit, perhaps some more of it
				for i, u := range units[1:] {
					if u.name == p.slide.unit {
						small := units[i]
						s = span{s.n*micros/small.micros + int64(r.IntN(2))*int64(r.IntN(30)), small.name, 0}
						micros = small.micros
						break
					}
				}
			}
			s.micros = s.n * micros
			if chance(2) {
				s.unit += "s"
			}
			if !taken[s.micros] {
				taken[s.micros] = true
				p.windows = append(p.windows, s)
			}
		}
		p.withData = !p.compat && chance(4)
	}
	p.features = drawFeatures(r, mode == 0)
	events := drawEvents(r, p, wide)
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	for _, e := range events {
		if t, ok := e["ts"].(int64); ok {
			lo, hi = min(lo, t), max(hi, t)
		}
	}
	if lo > hi {
		lo, hi = 0, 0
	}
	p.first = floorDiv(lo, day) - int64(r.IntN(3))
	days := floorDiv(hi, day) - p.first + 1
	if chance(2) {
		e := p.first + r.Int64N(days+min(days, 10))
		p.end = &e
		days = e - p.first + 1
	}
	for range r.IntN(3) {
		p.cuts = append(p.cuts, p.first+1+r.Int64N(days))
	}
	slices.Sort(p.cuts)
	p.cuts = slices.Compact(p.cuts)
	if p.windows != nil && p.slide.micros < 3600e6 && !chance(8) {
		p.end, p.cuts = nil, nil // a day has too many labels to look at each
	}
	return p, events
}

func drawFeatures(r *rand.Rand, plain bool) (out []feature) {
	sources := []string{"b", "i", "d", "f", "s"}
	casts := map[string][]string{
		"b": {"bigint", "integer", "double", "float", "string"}, "i": {"integer", "bigint", "double", "float", "string"},
		"d": {"double", "float", "bigint", "integer"}, "f": {"float", "double", "bigint", "integer"}, "s": {"string", "bigint", "integer"},
	}
	functions := []string{"count", "sum", "avg", "min", "max", "stddev_pop", "stddev_samp", "first", "last"}
	for i := range 1 + r.IntN(3) {
		from := sources[r.IntN(len(sources))]
		f := feature{name: fmt.Sprintf("x%d", i), from: from}
		if plain {
			f.typ = casts[from][r.IntN(len(casts[from]))]
			out = append(out, f)
			continue
		}
		for _, n := range r.Perm(len(functions))[:1+r.IntN(len(functions))] {
			a := aggregate{name: functions[n]}
			var types []string
			switch a.name {
			case "count":
				types = []string{"bigint", "integer", "double"}
			case "sum":
				types = []string{"double", "float"}
			case "avg", "stddev_pop", "stddev_samp":
				types = []string{"double", "float", "bigint"}
			default:
				types = casts[from]
			}
			if from == "s" && slices.Contains([]string{"sum", "avg", "stddev_pop", "stddev_samp"}, a.name) {
				continue
			}
			if r.IntN(4) == 0 {
				a.typ = types[r.IntN(len(types))]
			}
			f.aggregates = append(f.aggregates, a)
		}
		if f.aggregates == nil {
			f.aggregates = []aggregate{{name: "last"}}
		}
		out = append(out, f)
	}
	return out
}

func drawEvents(r *rand.Rand, p *pipeline, wide int64) (out []event) {
	chance := func(n int) bool { return r.IntN(n) == 0 }
	n := 1 + r.IntN(100)
	if chance(8) {
		n = 300 + r.IntN(300)
	}
	base := []int64{1704067200e6, 1709164800e6, 0, -100 * day, -5000*day + 12345678, 1e15}[r.IntN(6)]
	base -= base % 1000000
	reach := max(1, wide*p.slide.micros)
	nulls := []int{2, 5, 20, 1 << 30}[r.IntN(4)]
	odd := []int{2, 10, 1 << 30}[r.IntN(3)]
	offset := []float64{0, 0, 1e9, -1e9}[r.IntN(4)]
	keys := 1 + r.IntN(6)
	skew := chance(2)
	sparse := func(v any) any {
		if r.IntN(nulls) == 0 {
			return nil
		}
		return v
	}
	float := func() float64 {
		if r.IntN(odd) == 0 {
			return []float64{math.NaN(), 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1e16, -1e16, 1, 5e-324, 1e-300, math.MaxFloat64, -math.MaxFloat64, 1e308, 9.3e18, -9223372036854775808, 2147483648}[r.IntN(16)]
		}
		switch r.IntN(4) {
		case 0:
			return offset + float64(r.IntN(5))
		case 1:
			return offset + r.NormFloat64()
		case 2:
			return []float64{0, math.Copysign(0, -1), 0.1, 0.2, 0.3, 1, 1e16, -1e16}[r.IntN(8)]
		}
		return float64(r.IntN(3))
	}
	for range n {
		k := r.IntN(keys)
		if skew && !chance(10) {
			k = 0
		}
		e := event{"kb": int64(k*k - 3), "ki": int32(k - 2), "ks": []string{"", "a", "aa", "b", "é", "a b"}[k], "kd": []float64{0, 1.5, math.NaN(), math.Inf(1), -2, 1e300}[k]}
		if k == 0 && chance(2) {
			e["kd"] = math.Copysign(0, -1)
		}
		if len(p.keys) == 2 {
			e["ks"] = []string{"", "a", "b"}[r.IntN(3)]
		}
		for _, c := range p.keys {
			if nulls < 20 && chance(8) {
				e[c] = nil
			}
		}
		ts := base + r.Int64N(reach)
		switch r.IntN(6) {
		case 0:
			ts = floorDiv(ts, day) * day
		case 1:
			ts = floorDiv(ts, p.slide.micros) * p.slide.micros
		case 2:
			if len(out) > 0 {
				if t, ok := out[r.IntN(len(out))]["ts"].(int64); ok {
					ts = t
				}
			}
		case 3:
			ts -= ts % 1000000
		}
		e["ts"] = ts
		if nulls < 20 && chance(12) {
			e["ts"] = nil
		}
		e["arr"], e["sq"] = sparse(int64(r.IntN(3))), sparse(int64(r.IntN(3)))
		b := []int64{int64(offset) + int64(r.IntN(5)), int64(r.IntN(3)), 1 << 53, 1<<53 + 1, -1<<53 - 1, 1e15 + 1, 3000000000}[r.IntN(7)]
		e["b"] = sparse(b)
		e["i"] = sparse([]int32{0, 1, int32(r.IntN(100)), math.MaxInt32, math.MinInt32}[r.IntN(5)])
		e["d"] = sparse(float())
		e["f"] = sparse(float32(float()))
		e["s"] = sparse([]string{"", "a", "b", "ba", "é", " 12 ", "7", "3000000000", "z"}[r.IntN(9)])
		out = append(out, e)
	}
	return out
}

// jsonable reports whether JSON can hold the events.
func jsonable(events []event) bool {
	for _, e := range events {
		for _, v := range e {
			switch f := v.(type) {
			case float64:
				if math.IsNaN(f) || math.IsInf(f, 0) {
					return false
				}
			case float32:
				if g := float64(f); math.IsNaN(g) || math.IsInf(g, 0) {
					return false
				}
			}
		}
	}
	return true
}

func columnTypes() []struct{ name, typ string } {
	return []struct{ name, typ string }{{"s", "string"}, {"ts", "timestamp"}, {"kb", "bigint"}, {"ki", "integer"}, {"ks", "string"}, {"kd", "double"},
		{"arr", "bigint"}, {"sq", "bigint"}, {"b", "bigint"}, {"i", "integer"}, {"d", "double"}, {"f", "float"}}
}

// write writes the events into files of the pipeline's format.
func write(t *testing.T, dir string, p *pipeline, events []event, k knobs) {
	t.Helper()
	folder := filepath.Join(dir, "in")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range k.files {
		part := events[len(events)*i/k.files : len(events)*(i+1)/k.files]
		name := filepath.Join(folder, fmt.Sprintf("%d.%s", i, p.format))
		switch p.format {
		case "parquet":
			writeParquet(t, name, p, part, k.group)
		case "csv":
			writeText(t, name, "s,ts,kb,ki,ks,kd,arr,sq,b,i,d,f\n", part, func(v any, last bool) string {
				text := `\N`
				if v != nil {
					text = plainText(v)
					if _, ok := v.(string); ok {
						text = `"` + text + `"`
					}
				}
				if !last {
					text += ","
				}
				return text
			}, p, false)
		default:
			writeText(t, name, "", part, func(v any, last bool) string {
				text := "null"
				if s, ok := v.(string); ok {
					b, _ := json.Marshal(s)
					text = string(b)
				} else if v != nil {
					text = plainText(v)
				}
				return text
			}, p, true)
		}
	}
}

func plainText(v any) string {
	switch v := v.(type) {
	case float64:
		if v == 0 && math.Signbit(v) {
			return "-0.0"
		}
		return strings.Replace(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"), "Inf", "Infinity", 1)
	case float32:
		if v == 0 && math.Signbit(float64(v)) {
			return "-0.0"
		}
		return strings.Replace(strings.TrimPrefix(strconv.FormatFloat(float64(v), 'g', -1, 32), "+"), "Inf", "Infinity", 1)
	}
	return fmt.Sprint(v)
}

func writeText(t *testing.T, name, head string, events []event, show func(v any, last bool) string, p *pipeline, names bool) {
	t.Helper()
	var out strings.Builder
	out.WriteString(head)
	columns := columnTypes()
	for _, e := range events {
		for i, c := range columns {
			v := e[c.name]
			if us, ok := v.(int64); ok && c.name == "ts" && p.unit == "" {
				v = time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.000000")
			}
			if names {
				sign := ", "
				if i == 0 {
					sign = "{"
				}
				fmt.Fprintf(&out, "%s%q: %s", sign, c.name, show(v, false))
			} else {
				out.WriteString(show(v, i+1 == len(columns)))
			}
		}
		if names {
			out.WriteString("}")
		}
		out.WriteString("\n")
	}
	if err := os.WriteFile(name, []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeParquet(t *testing.T, name string, p *pipeline, events []event, group int) {
	t.Helper()
	types := map[string]arrow.DataType{"bigint": arrow.PrimitiveTypes.Int64, "integer": arrow.PrimitiveTypes.Int32, "double": arrow.PrimitiveTypes.Float64,
		"float": arrow.PrimitiveTypes.Float32, "string": arrow.BinaryTypes.String, "timestamp": arrow.FixedWidthTypes.Timestamp_us}
	var fields []arrow.Field
	for _, c := range columnTypes() {
		typ := types[c.typ]
		if c.name == "ts" && p.unit != "" {
			typ = types["bigint"]
		}
		fields = append(fields, arrow.Field{Name: c.name, Type: typ, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	build := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer build.Release()
	for _, e := range events {
		for i, f := range fields {
			b := build.Field(i)
			switch v := e[f.Name].(type) {
			case nil:
				b.AppendNull()
			case int64:
				if b, ok := b.(*array.TimestampBuilder); ok {
					b.Append(arrow.Timestamp(v))
					continue
				}
				b.(*array.Int64Builder).Append(v)
			case int32:
				b.(*array.Int32Builder).Append(v)
			case float64:
				b.(*array.Float64Builder).Append(v)
			case float32:
				b.(*array.Float32Builder).Append(v)
			case string:
				b.(*array.StringBuilder).Append(v)
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

// text writes the pipeline file.
func (p *pipeline) text(out string, k knobs) string {
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	put("version = 1\n[pipeline]\nname = \"drawn\"\nstate = %q\nworkers = %d\nbatch_rows = %d", out+"/state", k.workers, k.batchRows)
	put("[[reader]]\nid = \"events\"\ntype = \"file\"\npath = \"in/*.%s\"\nformat = %q", p.format, p.format)
	if p.incremental {
		put("incremental = { column = \"ts\" }")
	}
	if p.format != "parquet" {
		var columns []string
		for _, c := range columnTypes() {
			if c.name == "ts" && p.unit != "" {
				c.typ = "bigint"
			}
			columns = append(columns, fmt.Sprintf("%s = %q", c.name, c.typ))
		}
		put("schema = { %s }", strings.Join(columns, ", "))
	}
	if p.format == "csv" {
		put(`csv = { delimiter = ",", header = true, quote = '"', null = '\N' }`)
	}
	if p.filter {
		put("[[reader.prepare]]\nuse = \"filter\"\nwhere = \"i IS NOT NULL\"")
	}
	if p.query {
		put("[query]\nsql = \"SELECT * FROM events\"")
	}
	put("[feature_set]\nname = \"drawn\"\nentity = \"thing\"\ndeduplicate_rows = %v", p.deduplicate)
	if p.compat {
		put("semantics = \"butterfree\"")
	}
	if p.nullKeys {
		put("null_keys = \"keep\"")
	}
	var keys []string
	for _, key := range p.keys {
		typ := map[string]string{"kb": "bigint", "ki": "integer", "ks": "string", "kd": "double"}[key]
		keys = append(keys, fmt.Sprintf("{ name = %q, type = %q }", key, typ))
	}
	put("keys = [%s]", strings.Join(keys, ", "))
	if p.unit != "" {
		put("timestamp = { from = \"ts\", unit = %q }", p.unit)
	} else {
		put("timestamp = { from = \"ts\" }")
	}
	var order []string
	if p.arrival != "" {
		order = append(order, "arrival = \"arr\"")
	}
	if p.sequence != "" {
		order = append(order, "sequence = \"sq\"")
	}
	if order != nil {
		put("order = { %s }", strings.Join(order, ", "))
	}
	if p.windows != nil {
		var rolling []string
		for _, w := range p.windows {
			rolling = append(rolling, fmt.Sprintf("%q", w))
		}
		rows := ""
		if p.withData {
			rows = ", rows = \"with_data\""
		}
		put("windows = { rolling = [%s], slide = %q%s }", strings.Join(rolling, ", "), p.slideText, rows)
	}
	for _, f := range p.features {
		put("[[feature_set.feature]]\nname = %q\nfrom = %q", f.name, f.from)
		if f.aggregates == nil {
			put("type = %q", f.typ)
			continue
		}
		var list []string
		for _, a := range f.aggregates {
			if a.typ == "" {
				list = append(list, fmt.Sprintf("%q", a.name))
			} else {
				list = append(list, fmt.Sprintf("{ function = %q, type = %q }", a.name, a.typ))
			}
		}
		put("aggregate = [%s]", strings.Join(list, ", "))
	}
	put("[[sink]]\ntype = \"historical\"\npath = %q\nallow_empty = true", out)
	if p.flat {
		put("layout = \"flat\"")
	}
	put("[[sink]]\ntype = \"online\"\npath = %q", out+"/online.db")
	return b.String()
}

func execute(t *testing.T, dir, out string, p *pipeline, k knobs, start, end *int64) *host.Report {
	t.Helper()
	return executeText(t, dir, out, p.text(out, k), start, end)
}

// executeText runs a pipeline file over an interval.
func executeText(t *testing.T, dir, out, text string, start, end *int64) *host.Report {
	t.Helper()
	name := filepath.Join(dir, out+".toml")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := config.Load(name, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, file)
	defer h.Close()
	var interval flow.Interval
	if start != nil {
		d := flow.Day(*start)
		interval.Start = &d
	}
	if end != nil {
		d := flow.Day(*end)
		interval.End = &d
	}
	report, err := h.Run(context.Background(), host.RunOptions{Interval: interval})
	if err != nil {
		t.Fatalf("%s %s..%s: %v", out, dayText(start), dayText(end), err)
	}
	return report
}

// checkReport holds the counts of a run against those expected (S-1608).
func checkReport(t *testing.T, r *host.Report, want outcome, p *pipeline, events []event) {
	t.Helper()
	sum := func(m map[string]int64) (n int64) {
		for _, v := range m {
			n += v
		}
		return n
	}
	read := r.Readers["events"].Rows - r.Readers["events"].OutOfInterval
	if p.query && r.Query != read-want.filtered {
		t.Errorf("the query gave %d rows of %d, of which %d are filtered", r.Query, read, want.filtered)
	}
	if read != sum(r.Filtered)+sum(r.Rejected)+sum(r.Dropped)+r.Used {
		t.Errorf("%d rows read, filtered %v, rejected %v, dropped %v, used %d", read, r.Filtered, r.Rejected, r.Dropped, r.Used)
	} else if !p.incremental && read != int64(len(events)) {
		t.Errorf("%d rows read of %d", read, len(events))
	}
	f := r.Features
	if f.Made != f.Rows+f.Duplicates+f.OutsideInterval || f.Rows != int64(len(want.rows)) {
		t.Errorf("features %+v, expected %d rows", f, len(want.rows))
	}
	if p.features[0].aggregates == nil && f.Made != r.Used {
		t.Errorf("a plain set made %d rows of %d", f.Made, r.Used)
	}
	if p.features[0].aggregates == nil {
		failures := maps.Clone(r.CastFailures)
		maps.DeleteFunc(failures, func(_ string, n int64) bool { return n == 0 })
		if !maps.Equal(failures, want.failures) && len(failures)+len(want.failures) > 0 {
			t.Errorf("cast failures %v, expected %v", failures, want.failures)
		}
	}
	if !maps.Equal(r.Rejected, want.rejected) && len(r.Rejected)+len(want.rejected) > 0 {
		t.Errorf("rejected %v, expected %v", r.Rejected, want.rejected)
	}
	if sum(r.Dropped) != sum(want.dropped) || sum(r.Filtered) != want.filtered || r.Used != want.used {
		t.Errorf("dropped %v, filtered %v, used %d, expected %v, %d, %d", r.Dropped, r.Filtered, r.Used, want.dropped, want.filtered, want.used)
	}
}

// latest gives the online rows after some runs over intervals apart.
func latest(p *pipeline, runs [][]made) []made {
	best := map[string]made{}
	for _, rows := range runs {
		last := map[string]made{}
		for _, m := range rows { // in total order of each key
			id := ""
			for _, k := range m.key {
				id += string(bytesOf(k))
			}
			last[id] = m
		}
		for id, m := range last {
			if old, ok := best[id]; !ok || old.ts == nil || m.ts != nil && m.ts.(int64) > old.ts.(int64) {
				best[id] = m
			}
		}
	}
	return slices.Collect(maps.Values(best))
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		if v != v {
			return "f64:NaN"
		}
		return "f64:" + plainText(v)
	case float32:
		if v != v {
			return "f32:NaN"
		}
		return "f32:" + plainText(v)
	case int64:
		return fmt.Sprint("i64:", v)
	case int32:
		return fmt.Sprint("i32:", v)
	case string:
		return strconv.Quote(v)
	}
	return showMore(v)
}

// stored gives a value as SQLite holds it.
func stored(v any) any {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case float32:
		return stored(float64(v))
	case float64:
		if v != v {
			return "NaN"
		}
		if v == 0 && math.Signbit(v) {
			return "-0.0"
		}
	}
	return storedMore(v)
}

// checkTables compares both stores with the rows expected.
func checkTables(t *testing.T, dir, out string, p *pipeline, history, online []made) {
	t.Helper()
	checkStores(t, dir, out, p.keys, p.names(), history, online)
}

func checkStores(t *testing.T, dir, out string, keys, features []string, history, online []made) {
	t.Helper()
	lines := func(rows []made, as func(any) any) (list []string) {
		for _, m := range rows {
			var parts []string
			for _, v := range append(append(slices.Clone(m.key), m.ts), m.values...) {
				parts = append(parts, show(as(v)))
			}
			list = append(list, strings.Join(parts, " | "))
		}
		return list
	}
	columns := append(append(slices.Clone(keys), "timestamp"), features...)
	files := 0
	root := filepath.Join(dir, out, "historical")
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			files++
		}
		return nil
	})
	var got []string
	if files > 0 {
		quoted := make([]string, len(columns))
		for i, c := range columns {
			quoted[i] = `"` + c + `"`
		}
		quoted[len(keys)] = "epoch_us(timestamp)"
		got = query(t, "duckdb", "", "SELECT "+strings.Join(quoted, ", ")+" FROM read_parquet('"+root+"/**/*.parquet', hive_partitioning = false)")
	}
	compareLines(t, out+": historical store", columns, got, lines(history, func(v any) any { return v }))
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = `"` + c + `"`
	}
	db := filepath.Join(dir, out, "online.db")
	got = nil
	if _, err := os.Stat(db); err == nil {
		if n := query(t, "sqlite3", "file:"+db, "SELECT count(*) FROM sqlite_master WHERE name = 'thing__drawn'"); n[0] != "i64:0" {
			got = query(t, "sqlite3", "file:"+db, "SELECT "+strings.Join(quoted, ", ")+" FROM thing__drawn")
		}
	}
	compareLines(t, out+": online store", columns, got, lines(online, stored))
}

func query(t *testing.T, driver, source, text string) (list []string) {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, places := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(names))
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			parts[i] = show(v)
		}
		list = append(list, strings.Join(parts, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func compareLines(t *testing.T, what string, columns, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	count := map[string]int{}
	for _, l := range got {
		count[l]++
	}
	for _, l := range want {
		count[l]--
	}
	var diff []string
	for l, n := range count {
		if n > 0 {
			diff = append(diff, l+"   <- stored, not expected")
		} else if n < 0 {
			diff = append(diff, l+"   <- expected, not stored")
		}
	}
	slices.Sort(diff)
	t.Errorf("%s: %d rows, expected %d; %d differ\n%s\n%s", what, len(got), len(want), len(diff), strings.Join(columns, " | "), strings.Join(diff[:min(len(diff), 8)], "\n"))
}
