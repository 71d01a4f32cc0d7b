package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Verdict is the outcome of one case.
type Verdict struct {
	Path    string  `json:"path"`
	Passed  bool    `json:"passed"`
	Updated bool    `json:"updated,omitempty"` // expectations were rewritten
	Diff    string  `json:"diff,omitempty"`    // what differs, or the error of the run
	Rows    int     `json:"rows"`              // that were compared
	Seconds float64 `json:"seconds"`
}

// Options of a test run.
type Options struct {
	Host   host.Options
	Update bool // rewrite expected rows with what came out
}

// Run runs one case. The error says that the test itself is broken; a run that
// ends otherwise than expected is a verdict.
func Run(ctx context.Context, path string, o Options) (Verdict, error) {
	start := time.Now()
	v := Verdict{Path: path}
	c, err := Load(path)
	if err != nil {
		return v, err
	}
	dir, err := os.MkdirTemp("", "featurehost-test-")
	if err != nil {
		return v, fault.Wrap(err, TestFile, "no folder for the test")
	}
	defer os.RemoveAll(dir)
	got, runErr, err := c.run(ctx, dir, o.Host)
	if err != nil {
		return v, err
	}
	v.Seconds = time.Since(start).Seconds()
	switch {
	case c.Expect.Error != "":
		v.Diff = c.errorDiffers(runErr)
	case runErr != nil:
		v.Diff = "the run failed: " + runErr.Error() + "\n"
	default:
		want, err := c.expected()
		if err != nil {
			return v, err
		}
		v.Rows = len(got.rows)
		v.Diff = diff(want, got, c.Expect)
		if v.Diff != "" && o.Update {
			if err := c.rewrite(got); err != nil {
				return v, err
			}
			v.Updated = true
		}
	}
	v.Passed = v.Diff == "" || v.Updated
	return v, nil
}

func (c *Case) errorDiffers(got error) string {
	code, err := fault.ParseCode(c.Expect.Error)
	switch {
	case err != nil:
		return err.Error() + "\n"
	case got == nil:
		return fmt.Sprintf("expected error %s, the run succeeded\n", code)
	case !fault.Is(got, code):
		return fmt.Sprintf("expected error %s, got: %v\n", code, got)
	}
	return ""
}

func (c *Case) expected() ([]row, error) {
	text, err := c.text(c.Expect.Rows, c.Expect.File)
	if err != nil {
		return nil, err
	}
	rows, err := parseRows(text)
	if err != nil {
		return nil, fault.Wrap(err, TestFile, "expected rows").At("%s", c.Path)
	}
	return rows, nil
}

// run runs the pipeline with the case's rows in dir and reads what came out.
// runErr is the run's own error.
func (c *Case) run(ctx context.Context, dir string, o host.Options) (got table, runErr, err error) {
	interval, err := c.Interval()
	if err != nil {
		return got, nil, err
	}
	file, runErr := config.Load(filepath.Join(filepath.Dir(c.Path), c.Pipeline), c.getenv)
	if runErr != nil {
		return got, runErr, nil
	}
	if err := c.redirect(file, dir); err != nil {
		return got, nil, err
	}
	h, runErr := host.New(file, o)
	if runErr != nil {
		return got, runErr, nil
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	options := host.RunOptions{Interval: interval}
	tapped := &collector{}
	store := storeAt(file, c.Expect.At)
	if store == nil {
		options.DryRun, options.TapAt, options.Tap = true, c.Expect.At, tapped.add
	}
	if _, runErr = h.Run(ctx, options); runErr != nil {
		return got, runErr, nil
	}
	switch {
	case store == nil:
	case store.Type == "historical":
		err = readHistorical(ctx, o.Catalog, file, dir, tapped)
	default:
		err = readOnline(ctx, o.Catalog, file, *store, dir, tapped)
	}
	if err == nil && tapped.table.schema == nil {
		if store != nil {
			tapped.table.schema = flow.NewSchema(nil)
		} else {
			err = fault.New(TestFile, "no stage named %q let rows pass", c.Expect.At).At("%s", c.Path)
		}
	}
	return tapped.table, nil, err
}

// getenv reads the case's variables only, so that a test gives the same on
// every machine.
func (c *Case) getenv(name string) (string, bool) {
	v, ok := c.Env[name]
	return v, ok
}

// storeAt gives the sink whose rows are expected: that of a name, or the first
// of a type; nil when rows are expected at a stage.
func storeAt(f *config.File, at string) *config.Sink {
	for i := range f.Sinks {
		if f.Sinks[i].Name == at {
			return &f.Sinks[i]
		}
	}
	for i := range f.Sinks {
		if f.Sinks[i].Type == at {
			return &f.Sinks[i]
		}
	}
	if at == "historical" || at == "online" {
		return &config.Sink{Type: at} // what reads it says that there is none
	}
	return nil
}

// redirect points readers at the case's rows and everything written at dir. No
// server is asked: stores on servers are embedded ones here, and nobody looks
// at topics.
func (c *Case) redirect(f *config.File, dir string) error {
	f.Pipeline.State = filepath.Join(dir, "state")
	var sinks []config.Sink
	for _, s := range f.Sinks {
		s.S3, s.Hive, s.Cassandra = config.S3{}, nil, nil
		switch {
		case s.Type == "historical":
			s.Path = filepath.Join(dir, "historical")
		case s.Store == "kafka" && s.Name == c.Expect.At:
			return fault.New(TestFile, "rows cannot be expected at the sink %q: it is a topic", s.Name).At("%s", c.Path).
				WithHint("expect them at another sink, or at the feature set")
		case s.Store == "kafka":
			continue
		default:
			s.Store, s.Path = "local", filepath.Join(dir, s.Name+".db")
		}
		sinks = append(sinks, s)
	}
	f.Sinks = sinks
	if err := c.feed(f, dir); err != nil {
		return err
	}
	for _, r := range f.Readers {
		if _, onS3 := strings.CutPrefix(strings.ToLower(r.Path), "s3"); r.Type != "file" || onS3 && strings.Contains(r.Path, "://") {
			return fault.New(TestFile, "the reader %q reads from a server", r.ID).At("%s", c.Path).WithHint("give it rows with [[input]]")
		}
	}
	return nil
}

// feed gives readers the case's rows.
func (c *Case) feed(f *config.File, dir string) error {
	for _, in := range c.Inputs {
		r := reader(f, in.Reader)
		if r == nil {
			return fault.New(TestFile, "the pipeline has no reader %q", in.Reader).At("%s", c.Path)
		}
		text, err := c.text(in.Rows, in.File)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, in.Reader+".jsonl")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return fault.Wrap(err, TestFile, "input rows cannot be written")
		}
		r.Type, r.Path, r.Format = "file", path, "json"
		r.S3, r.Table, r.Kafka, r.OnBadRow = config.S3{}, nil, nil, ""
		if in.Columns == "" {
			continue
		}
		s, err := schema.Parse(in.Columns)
		if err != nil {
			return fault.Wrap(err, TestFile, "columns of input %q", in.Reader).At("%s", c.Path)
		}
		r.Schema = nil
		for _, field := range s.Fields() {
			r.Schema = append(r.Schema, config.Column{Name: field.Name, Type: schema.TypeName(field.Type)})
		}
	}
	return nil
}

func reader(f *config.File, id string) *config.Reader {
	for i := range f.Readers {
		if f.Readers[i].ID == id {
			return &f.Readers[i]
		}
	}
	return nil
}

// collector gathers rows as JSON values.
type collector struct{ table table }

func (c *collector) add(b flow.Batch) error {
	if c.table.schema == nil {
		c.table.schema = b.Record.Schema()
	}
	for i := range int(b.Rows()) {
		r := row{}
		for k, f := range b.Record.Schema().Fields() {
			r[f.Name] = actual(b.Record.Column(k), i)
		}
		c.table.rows = append(c.table.rows, r)
	}
	return nil
}

// readHistorical reads the Parquet files that the run published, as any
// reader of the store would.
func readHistorical(ctx context.Context, catalog *parts.Catalog, f *config.File, dir string, to *collector) (err error) {
	table := filepath.Join("historical", "historical", f.FeatureSet.Entity, f.FeatureSet.Name)
	if _, err := os.Stat(filepath.Join(dir, table)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	r, err := catalog.Readers["file"](config.Reader{ID: "historical", Type: "file", Path: table, Format: "parquet"}, parts.Place{Dir: dir, State: dir}, flow.Env{Scratch: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	all, err := r.Schema(ctx)
	if err != nil {
		return err
	}
	var columns []string
	for _, c := range all.Fields() {
		if c.Name != "year" && c.Name != "month" && c.Name != "day" { // of the path
			columns = append(columns, c.Name)
		}
	}
	if _, err := r.Open(ctx, flow.Request{Columns: columns, BatchRows: 8192}); err != nil {
		return err
	}
	for {
		b, err := r.Next(ctx)
		if flow.Ended(err) {
			return nil
		}
		if err != nil {
			return err
		}
		err = to.add(b)
		b.Release()
		if err != nil {
			return err
		}
	}
}

// readOnline reads every vector of an online store.
func readOnline(ctx context.Context, catalog *parts.Catalog, f *config.File, s config.Sink, dir string, to *collector) (err error) {
	open, ok := catalog.Vectors[s.Type]
	if !ok || s.Name == "" {
		return fault.New(TestFile, "the pipeline has no online sink to look at")
	}
	store, err := open(s, parts.Place{Dir: dir, State: filepath.Join(dir, "state")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.All(ctx, f.FeatureSet.Entity, f.FeatureSet.Name, to.vector)
}

// vector adds a vector as a row.
func (c *collector) vector(v flow.Vector) error {
	if c.table.schema == nil {
		var columns []string
		for i, name := range v.Columns {
			columns = append(columns, name+" "+v.Types[i])
		}
		s, err := schema.Parse(strings.Join(columns, ", "))
		if err != nil {
			return err
		}
		c.table.schema = s
	}
	r := row{}
	for i, name := range v.Columns {
		r[name] = jsonValue(v.Values[i])
	}
	c.table.rows = append(c.table.rows, r)
	return nil
}
