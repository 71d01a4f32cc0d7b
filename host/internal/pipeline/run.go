package pipeline

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/exchange"
	"github.com/featurehost/featurehost/host/internal/observe"
	"github.com/featurehost/featurehost/host/internal/plan"
)

// Settings of a run.
type Settings struct {
	Workers   int
	BatchRows int
	// Memory that the exchange may hold, in bytes.
	Memory  int64
	Scratch string
	Events  *observe.Events
	// Queries runs [query]; needed when the plan has one.
	Queries plan.Queries
	// Spill writes batches to a Parquet file; Read gives them back.
	Spill func(ctx context.Context, name string, s *flow.Schema, next func(context.Context) (flow.Batch, error)) (string, error)
	Read  func(path string) (flow.Reader, error)
	// Tap sees every batch, borrowed, that leaves the named stage.
	Tap func(stage string, b flow.Batch) error
}

// Output takes the feature table, one batch at a time, borrowed, in key order.
// Newest asks for the newest row of each key only.
type Output struct {
	Name   string
	Newest bool
	Write  func(ctx context.Context, b flow.Batch) error
	meter  *observe.Meter
}

// Result tells what went through.
type Result struct {
	Read     map[string]flow.ReadStats // by reader
	Query    int64                     // rows the query gave
	Input    int64                     // rows that entered the feature set's exchange
	Features int64                     // rows of the feature table
	Last     int64                     // greatest timestamp of the feature table, when it has rows with one
	Dated    bool
	Extent   flow.Extent
	Exchange exchange.Stats
}

// Run reads the plan's sources to their end and writes the feature table to
// the outputs.
func Run(ctx context.Context, p *plan.Plan, s Settings, outputs []Output) (Result, error) {
	r := &run{plan: p, settings: s, outputs: outputs, result: Result{Read: map[string]flow.ReadStats{}}}
	err := r.all(ctx)
	return r.result, err
}

type run struct {
	plan     *plan.Plan
	settings Settings
	outputs  []Output
	result   Result
}

func (r *run) all(ctx context.Context) (err error) {
	src, steps, err := r.source(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()

	x, err := exchange.New(exchange.Options{
		Schema: r.plan.Before[len(r.plan.Before)-1].Out, Order: r.keyed().Order(), MemoryBytes: r.settings.Memory, Scratch: r.settings.Scratch,
		Workers: r.settings.Workers, Partitions: 4 * r.settings.Workers, BatchRows: r.settings.BatchRows,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	if err := r.gather(ctx, src, append(steps, r.plan.Before...), x); err != nil {
		return err
	}
	return r.fold(ctx, x)
}

func (r *run) keyed() flow.Keyed { return r.plan.Fold.Stage.(flow.Keyed) }

// source opens what the stages read: the only reader, or the query's rows. It
// gives the steps that still stand between it and the feature set.
func (r *run) source(ctx context.Context) (*source, []*plan.Step, error) {
	if r.plan.Query != nil {
		src, err := r.query(ctx)
		return src, append([]*plan.Step(nil), r.plan.Steps...), err
	}
	s := r.plan.Sources[0]
	src, err := r.open(ctx, s)
	return src, append(append([]*plan.Step(nil), s.Prepare...), r.plan.Steps...), err
}

// source is an open reader with its meter.
type source struct {
	reader flow.Reader
	meter  *observe.Meter
	done   func(flow.ReadStats)
}

func (r *run) open(ctx context.Context, s *plan.Source) (*source, error) {
	if _, err := s.Reader.Open(ctx, s.Request); err != nil {
		return nil, err
	}
	return &source{
		reader: s.Reader,
		meter:  r.settings.Events.Meter(s.Config.ID, observe.KindReader),
		done:   func(st flow.ReadStats) { r.result.Read[s.Config.ID] = st },
	}, nil
}

// Next reads a batch and times it.
func (s *source) Next(ctx context.Context) (flow.Batch, error) {
	start := time.Now()
	b, err := s.reader.Next(ctx)
	s.meter.Busy(time.Since(start))
	if err == nil {
		s.meter.In(b.Rows())
		s.meter.Out(b.Rows())
	}
	return b, err
}

// Close ends the reader and keeps its counts.
func (s *source) Close() error {
	s.done(s.reader.Stats())
	return s.reader.Close()
}

// query runs [query] into a spilled file and opens that.
func (r *run) query(ctx context.Context) (*source, error) {
	for _, s := range r.plan.Sources {
		if s.Relation != nil { // registered when the plan was bound
			if err := r.count(ctx, s); err != nil {
				return nil, err
			}
			continue
		}
		path, err := r.materialize(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := r.settings.Queries.Register(ctx, s.Config.ID, flow.Relation{Format: "parquet", Paths: []string{path}}); err != nil {
			return nil, err
		}
	}
	meter := r.settings.Events.Meter("query", observe.KindQuery)
	start := time.Now()
	dst := r.settings.Scratch + "/query.parquet"
	rows, err := r.settings.Queries.Query(ctx, r.plan.Query.SQL, dst)
	if err != nil {
		return nil, err
	}
	meter.Busy(time.Since(start))
	r.result.Query = rows
	reader, err := r.settings.Read(dst)
	if err != nil {
		return nil, err
	}
	if _, err := reader.Open(ctx, flow.Request{BatchRows: r.settings.BatchRows}); err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return &source{reader: &anonymous{reader}, meter: meter, done: func(flow.ReadStats) {}}, nil
}

// count accounts for the rows of a reader that the query scans in place.
func (r *run) count(ctx context.Context, s *plan.Source) error {
	all, kept, err := r.settings.Queries.Counts(ctx, s.Config.ID)
	if err != nil {
		return err
	}
	r.result.Read[s.Config.ID] = flow.ReadStats{Rows: all, Objects: int64(len(s.Relation.Paths)), Bytes: s.Relation.Bytes}
	reader := r.settings.Events.Meter(s.Config.ID, observe.KindReader)
	reader.In(all)
	reader.Out(all)
	if len(s.Relation.Where) > 0 {
		filter := r.settings.Events.Meter(s.Config.ID+": filter", observe.KindFilter)
		filter.In(all)
		filter.Out(kept)
	}
	return nil
}

// anonymous hides the spilled file from positions: a query's rows come from no
// place that a person could look up.
type anonymous struct{ flow.Reader }

// Next implements flow.Reader.
func (a *anonymous) Next(ctx context.Context) (flow.Batch, error) {
	b, err := a.Reader.Next(ctx)
	b.Position = flow.Position{}
	return b, err
}

// materialize passes a reader through its prepare steps into a Parquet file
// that the query can scan.
func (r *run) materialize(ctx context.Context, s *plan.Source) (string, error) {
	src, err := r.open(ctx, s)
	if err != nil {
		return "", err
	}
	chain := &chain{links: r.links(s.Prepare)}
	var ready []flow.Batch
	var written int64
	emit := func(b flow.Batch) error {
		ready = append(ready, b)
		written += b.Rows()
		return nil
	}
	ended := false
	defer func() {
		for _, b := range ready {
			b.Release()
		}
	}()
	path, err := r.settings.Spill(ctx, s.Config.ID, s.Output, func(ctx context.Context) (flow.Batch, error) {
		for len(ready) == 0 {
			if ended {
				return flow.Batch{}, io.EOF
			}
			b, err := src.Next(ctx)
			if flow.Ended(err) {
				ended = true
				err = chain.flush(ctx, emit)
			} else if err == nil {
				err = chain.process(ctx, b, emit)
				b.Release()
			}
			if err != nil {
				return flow.Batch{}, err
			}
		}
		b := ready[0]
		ready = ready[1:]
		return b, nil
	})
	if err == nil {
		err = kept(s, src.meter.Stats().RowsOut, chain.links, written)
	}
	return path, errors.Join(err, src.Close())
}

// kept holds the rows that a reader's prepare steps handed on against those
// they got: only filters may hand on fewer (P4).
func kept(s *plan.Source, read int64, links []Link, written int64) error {
	for i, l := range links {
		if st := l.Meter.Stats(); s.Prepare[i].Kind == observe.KindFilter {
			read -= st.RowsIn - st.RowsOut
		}
	}
	if read != written {
		return fault.New(RowsLost, "%d rows should have passed the prepare steps, %d did", read, written).At("reader %q", s.Config.ID)
	}
	return nil
}

// links opens a meter for each step.
func (r *run) links(steps []*plan.Step) []Link {
	out := make([]Link, len(steps))
	for i, s := range steps {
		out[i] = Link{Stage: s.Stage, Meter: r.settings.Events.Meter(s.Name, s.Kind)}
	}
	return out
}

// gather passes the source through the stateless steps into the exchange.
func (r *run) gather(ctx context.Context, src *source, steps []*plan.Step, x *exchange.Exchange) error {
	first := &chain{links: r.links(steps), tap: r.settings.Tap}
	chains := []*chain{first}
	// A tap sees batches in order, so one worker feeds it.
	for r.settings.Tap == nil && len(chains) < r.settings.Workers {
		c, ok, err := first.fork(ctx)
		if err != nil {
			return closeAll(chains[1:], err)
		}
		if !ok {
			break // a stage that only one worker may run
		}
		chains = append(chains, c)
	}
	err := mapOrdered(ctx, src.Next, chains, func(b flow.Batch) error {
		defer b.Release()
		r.result.Input += b.Rows()
		return x.Add(ctx, b)
	})
	return closeAll(chains[1:], err) // the first belongs to the plan
}

func closeAll(chains []*chain, err error) error {
	errs := []error{err}
	for _, c := range chains {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// fold passes the sorted rows through the feature set into the outputs.
func (r *run) fold(ctx context.Context, x *exchange.Exchange) error {
	meter := r.settings.Events.Meter("exchange", observe.KindExchange)
	start := time.Now()
	extent, err := x.Finish(ctx)
	meter.Busy(time.Since(start))
	meter.In(r.result.Input)
	meter.Out(extent.Rows)
	if err != nil {
		return err
	}
	r.result.Extent = extent
	if extent.Rows != r.result.Input {
		return fault.New(RowsLost, "%d rows entered the exchange, %d are in it", r.result.Input, extent.Rows)
	}
	fold := r.settings.Events.Meter(r.plan.Fold.Name, r.plan.Fold.Kind)
	fork := func(ctx context.Context) (*chain, error) {
		s, err := r.keyed().Fork(ctx)
		if err != nil {
			return nil, err
		}
		if bounded, ok := s.(flow.Bounded); ok {
			bounded.Bound(extent)
		}
		return &chain{links: []Link{{Stage: s, Meter: fold}}}, nil
	}
	out := r.fan(ctx)
	err = foldPartitions(ctx, x.Partitions(), r.settings.Workers, ahead, fork, out.write)
	if err == nil {
		err = out.flush(ctx)
	}
	r.result.Exchange = x.Stats()
	return err
}

// ahead is how many batches a partition may finish before its turn.
const ahead = 8
