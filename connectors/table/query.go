package table

import (
	"context"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive/server2"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts/days"
)

// Query reads the rows of a statement that HiveServer2 runs. It implements
// flow.Reader, for one caller at a time.
type Query struct {
	cfg    config.Reader
	schema *arrow.Schema

	session *server2.Session
	result  *server2.Result
	filter  *days.Filter
	out     *arrow.Schema
	pick    []int // columns of the statement that are given
	ready   []flow.Batch
	rows    int
	row     int64
	stats   flow.ReadStats
}

var (
	_ flow.Reader = (*Query)(nil)
	_ flow.Dated  = (*Query)(nil)
	_ flow.Prober = (*Query)(nil)
)

// Schema implements flow.Reader: it has the statement planned, and asks for no
// rows.
func (r *Query) Schema(ctx context.Context) (*flow.Schema, error) {
	if r.schema != nil {
		return r.schema, nil
	}
	if err := r.connect(ctx); err != nil {
		return nil, placed(r.cfg, err)
	}
	result, err := r.session.Query(ctx, "SELECT * FROM (\n"+r.cfg.Table.SQL+"\n) featurehost LIMIT 0")
	if err != nil {
		return nil, placed(r.cfg, err)
	}
	r.schema = result.Schema()
	return r.schema, placed(r.cfg, result.Close())
}

// connect opens a session, of which there is one.
func (r *Query) connect(ctx context.Context) (err error) {
	if r.session == nil {
		h := r.cfg.Table.Hive
		if h.Server == "" {
			return fault.New(BadConfig, "sql is run by HiveServer2, whose address is missing").WithHint("add server to hive")
		}
		r.session, err = server2.Open(ctx, h, server2.DefaultLimits())
	}
	return err
}

// CheckDays implements flow.Dated.
func (r *Query) CheckDays() error {
	if r.cfg.Incremental == nil {
		return nil
	}
	_, err := days.NewFilter(*r.cfg.Incremental, flow.Interval{}, BadIncremental).Open(context.Background(), r.schema)
	return placed(r.cfg, err)
}

// Open implements flow.Reader: it runs the statement.
func (r *Query) Open(ctx context.Context, q flow.Request) (*flow.Schema, error) {
	if _, err := r.Schema(ctx); err != nil {
		return nil, err
	}
	if err := r.CheckDays(); err != nil {
		return nil, err
	}
	r.filter = nil
	if by := r.cfg.Incremental; by != nil && (q.Interval.Start != nil || q.Interval.End != nil) {
		r.filter = days.NewFilter(*by, q.Interval, BadIncremental)
	}
	selected, err := r.project(q.Columns)
	if err == nil && r.filter != nil {
		_, err = r.filter.Open(ctx, selected)
	}
	if err != nil {
		return nil, placed(r.cfg, err)
	}
	r.drop()
	if err := r.connect(ctx); err != nil {
		return nil, placed(r.cfg, err)
	}
	list := make([]string, selected.NumFields())
	for i, f := range selected.Fields() {
		list[i] = "`" + strings.ReplaceAll(f.Name, "`", "``") + "`"
	}
	result, err := r.session.Query(ctx, "SELECT "+strings.Join(list, ", ")+" FROM (\n"+r.cfg.Table.SQL+"\n) featurehost")
	if err != nil {
		return nil, placed(r.cfg, err)
	}
	if !result.Schema().Equal(selected) {
		_ = result.Close()
		return nil, placed(r.cfg, fault.New(BadConfig, "the statement gives other columns than a moment ago"))
	}
	r.result, r.rows, r.row, r.stats = result, q.BatchRows, 0, flow.ReadStats{}
	if r.rows <= 0 {
		r.rows = defaultBatchRows
	}
	return r.out, nil
}

// project chooses the columns that are given, and gives those to be asked for:
// them, and what tells the day of a row. One column at least is asked for.
func (r *Query) project(want []string) (*arrow.Schema, error) {
	wanted, asked := map[string]bool{}, map[string]bool{}
	for _, w := range want {
		if wanted[w] = true; !r.schema.HasField(w) {
			var names []string
			for _, f := range r.schema.Fields() {
				names = append(names, f.Name)
			}
			err := fault.New(UnknownColumn, "the statement gives no column %q", w)
			if s := fault.Suggest(w, names); s != "" {
				return nil, err.WithHint("did you mean %q?", s)
			}
			return nil, err
		}
	}
	if r.filter != nil {
		for _, name := range r.filter.Reads() {
			asked[name] = true
		}
	}
	var given, selected []arrow.Field
	r.pick = nil
	for i, f := range r.schema.Fields() {
		give := want == nil || wanted[f.Name]
		if give {
			given, r.pick = append(given, f), append(r.pick, len(selected))
		}
		if give || asked[f.Name] || len(want) == 0 && want != nil && len(asked) == 0 && i == 0 {
			selected = append(selected, f)
		}
	}
	r.out = arrow.NewSchema(given, nil)
	return arrow.NewSchema(selected, nil), nil
}

// Next implements flow.Reader.
func (r *Query) Next(ctx context.Context) (flow.Batch, error) {
	if r.result == nil {
		return flow.Batch{}, io.EOF
	}
	for len(r.ready) == 0 {
		if err := r.fetch(ctx); err != nil {
			return flow.Batch{}, err
		}
	}
	b := r.ready[0]
	r.ready = r.ready[1:]
	return b, nil
}

// fetch makes the next batches ready.
func (r *Query) fetch(ctx context.Context) error {
	rec, err := r.result.Next(ctx, r.rows)
	if err != nil {
		if !flow.Ended(err) {
			err = placed(r.cfg, err)
		}
		return err
	}
	b := flow.Batch{Record: rec, Position: flow.Position{Object: r.session.Name(), Row: r.row}}
	defer b.Release()
	r.row += b.Rows()
	r.stats.Rows += b.Rows()
	kept := int64(0)
	take := func(b flow.Batch) error {
		defer b.Release()
		kept += b.Rows()
		columns := make([]arrow.Array, len(r.pick))
		for i, k := range r.pick {
			columns[i] = b.Record.Column(k)
		}
		r.ready = append(r.ready, flow.Batch{Record: array.NewRecordBatch(r.out, columns, b.Rows()), Position: b.Position})
		return nil
	}
	if r.filter == nil {
		b.Retain()
		return take(b)
	}
	err = r.filter.Process(ctx, b, take)
	r.stats.OutOfSpan += b.Rows() - kept
	return err
}

// drop gives back a result that is not wanted any more.
func (r *Query) drop() {
	for _, b := range r.ready {
		b.Release()
	}
	r.ready = nil
	if r.result != nil {
		_ = r.result.Close() // nobody wants its rows
		r.result = nil
	}
}

// Stats implements flow.Reader.
func (r *Query) Stats() flow.ReadStats { return r.stats }

// Close implements flow.Reader.
func (r *Query) Close() error {
	r.drop()
	if r.session == nil {
		return nil
	}
	s := r.session
	r.session = nil
	return s.Close()
}

// Probe implements flow.Prober.
func (r *Query) Probe(ctx context.Context) ([]flow.Finding, error) {
	f := flow.Finding{Server: "hiveserver2 " + r.cfg.Table.Hive.Server}
	s, err := server2.Open(ctx, r.cfg.Table.Hive, server2.DefaultLimits())
	if err != nil {
		f.Text = err.Error()
		if e := fault.As(err); e != nil {
			f.Text, f.Hint = e.Message, e.Hint
			if e.Err != nil {
				f.Text += ": " + e.Err.Error()
			}
		}
		return []flow.Finding{f}, nil
	}
	f.OK, f.Text = true, "answers and opens a session"
	return []flow.Finding{f}, s.Close()
}
