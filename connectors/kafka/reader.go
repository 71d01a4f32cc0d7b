package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// defaultBatchRows is used when a request names no size.
const defaultBatchRows = 8192

// Reader reads a range of a topic. It implements flow.Reader, flow.Dated and
// flow.Prober, for one caller at a time.
type Reader struct {
	cfg    config.Reader
	env    flow.Env
	client *client
	format format

	patience time.Duration // with a broker or partition that does not get on

	value  []arrow.Field // fields of the value; nil until asked
	schema *flow.Schema
	open   *reading
	stats  flow.ReadStats
}

var (
	_ flow.Reader = (*Reader)(nil)
	_ flow.Dated  = (*Reader)(nil)
	_ flow.Prober = (*Reader)(nil)
)

// New makes the reader of a [[reader]] of type "kafka". With stream = true it
// is a *Stream. No broker is asked yet.
func New(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
	r, err := newReader(cfg, at, env)
	if err != nil {
		return nil, placed(err, cfg.ID)
	}
	if cfg.Kafka.Stream {
		return newStream(r), nil
	}
	return r, nil
}

func newReader(cfg config.Reader, at parts.Place, env flow.Env) (*Reader, error) {
	if cfg.Kafka == nil || cfg.Kafka.Topic == "" {
		return nil, fault.New(BadConfig, "no topic is named").WithHint(`write topic = "..."`)
	}
	switch cfg.OnBadRow {
	case "", "fail", "dead_letter":
	default:
		return nil, fault.New(BadConfig, "on_bad_row = %q is not known", cfg.OnBadRow).WithHint(`write "fail" or "dead_letter"`)
	}
	c, err := newClient(cfg.Kafka.Client, at.Dir)
	if err != nil {
		return nil, err
	}
	f, err := newFormat(cfg, c)
	if err != nil {
		return nil, err
	}
	return &Reader{cfg: cfg, env: env, client: c, format: f, patience: patience}, nil
}

// placed says which reader an error is about, unless it says where it is.
func placed(err error, id string) error {
	if f := fault.As(err); f != nil && f.Place == "" && id != "" {
		f.Place = fmt.Sprintf("reader %q", id)
	}
	return err
}

// Schema implements flow.Reader: the fields of the value, then the kafka_
// columns.
func (r *Reader) Schema(ctx context.Context) (*flow.Schema, error) {
	if r.schema != nil {
		return r.schema, nil
	}
	value, err := r.format.fields(ctx)
	if err != nil {
		return nil, placed(err, r.cfg.ID)
	}
	about := aboutFields()
	for _, f := range value {
		if slices.ContainsFunc(about, func(a arrow.Field) bool { return a.Name == f.Name }) {
			return nil, placed(fault.New(BadColumn, "the field %q has the name of a column that every message has", f.Name).At("schema.%s", f.Name).
				WithHint("rename the field where it is written"), r.cfg.ID)
		}
	}
	r.value, r.schema = value, flow.NewSchema(append(slices.Clone(value), about...))
	return r.schema, nil
}

// CheckDays implements flow.Dated.
func (r *Reader) CheckDays() error {
	_, err := bindDays(r.cfg.Incremental, r.schema)
	return err
}

// shaped is the shape of a request.
func (r *Reader) shaped(ctx context.Context, q flow.Request) (*shape, error) {
	if _, err := r.Schema(ctx); err != nil {
		return nil, err
	}
	s, err := newShape(r.value, r.schema, q.Columns, r.cfg.Incremental, q.Interval)
	if err != nil {
		return nil, placed(err, r.cfg.ID)
	}
	s.strict = r.cfg.OnBadRow == "fail"
	return s, nil
}

// Open implements flow.Reader. It fixes the end of the range (K1) and starts to
// fetch. A second Open starts again.
func (r *Reader) Open(ctx context.Context, q flow.Request) (*flow.Schema, error) {
	s, err := r.shaped(ctx, q)
	if err != nil {
		return nil, err
	}
	r.stop()
	r.stats = flow.ReadStats{}
	list, ranges, err := r.bounds(ctx)
	if err != nil {
		return nil, err
	}
	var cursors []*cursor
	for _, p := range list {
		b := ranges[p.id]
		if b.from < b.to {
			cursors = append(cursors, &cursor{id: p.id, next: b.from, end: b.to, leader: p.leader})
		}
	}
	r.stats.Objects = int64(len(list))
	r.open, err = r.begin(ctx, s, cursors, q.BatchRows)
	if err != nil {
		return nil, placed(err, r.cfg.ID)
	}
	return s.out, nil
}

// reading is a read under way: gatherers that put items into a channel.
type reading struct {
	items  chan *item
	cancel context.CancelCauseFunc
	ended  chan struct{} // closed when all gatherers have
	failed error         // settled once ended is closed
}

var errClosed = errors.New("the read was ended")

// begin starts the gatherers. The partitions are dealt out leader by leader.
func (r *Reader) begin(ctx context.Context, s *shape, cursors []*cursor, rows int) (*reading, error) {
	if rows <= 0 {
		rows = defaultBatchRows
	}
	slices.SortFunc(cursors, func(a, b *cursor) int {
		if a.leader != b.leader {
			if a.leader < b.leader {
				return -1
			}
			return 1
		}
		return int(a.id - b.id)
	})
	n := min(len(cursors), max(2, r.env.Workers))
	// The request may end before the read does; Close ends it then.
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	x := &reading{items: make(chan *item, 1), cancel: cancel, ended: make(chan struct{})}
	var all sync.WaitGroup
	var once sync.Once
	for i := range n {
		v, err := r.format.values(s.fields)
		if err != nil {
			cancel(errClosed)
			all.Wait()
			return nil, err
		}
		g := &gatherer{
			client: r.client, topic: r.cfg.Kafka.Topic, group: r.group(), cursors: cursors[i*len(cursors)/n : (i+1)*len(cursors)/n],
			shape: s, values: v, rows: rows, wait: fetchWait, patience: r.patience,
			give: func(it *item) error {
				select {
				case x.items <- it:
					return nil
				case <-run.Done():
					it.release()
					return context.Cause(run)
				}
			},
		}
		s.gathers(&g.got)
		all.Add(1)
		go func() {
			defer all.Done()
			if err := g.run(run); err != nil {
				once.Do(func() { x.failed = err })
				cancel(err)
			}
		}()
	}
	go func() {
		all.Wait()
		close(x.ended)
		close(x.items)
	}()
	return x, nil
}

// group is the consumer group of a stream; "" of a run that ends.
func (r *Reader) group() string {
	if r.cfg.Kafka.Stream {
		return r.cfg.Kafka.Group
	}
	return ""
}

// stop ends the gatherers and gives back what they made.
func (r *Reader) stop() {
	x := r.open
	if x == nil {
		return
	}
	r.open = nil
	x.cancel(errClosed)
	for it := range x.items {
		it.release()
	}
	<-x.ended
}

// Next implements flow.Reader.
func (r *Reader) Next(ctx context.Context) (flow.Batch, error) {
	for r.open != nil {
		select {
		case <-ctx.Done():
			return flow.Batch{}, context.Cause(ctx)
		case it, ok := <-r.open.items:
			if !ok {
				if err := r.open.failed; err != nil {
					return flow.Batch{}, placed(err, r.cfg.ID)
				}
				return flow.Batch{}, io.EOF
			}
			b, err := r.account(ctx, it)
			if err != nil {
				return flow.Batch{}, err
			}
			if b.Record != nil {
				return b, nil
			}
		}
	}
	return flow.Batch{}, io.EOF
}

// account counts an item, keeps its bad messages, and hands on its rows.
func (r *Reader) account(ctx context.Context, it *item) (flow.Batch, error) {
	defer it.release()
	r.stats.Bytes += it.bytes
	r.stats.Rows += it.rows
	r.stats.OutOfSpan += it.outOfSpan
	r.stats.BadRows += int64(len(it.bad))
	for name, n := range it.failed {
		r.env.Counter.Add("cast_failures", name, n)
	}
	for _, x := range it.bad {
		err := r.env.Rejects.Reject(ctx, flow.Rejection{
			Stage: "reader " + r.cfg.ID, Reason: reasonBadPayload, Message: x.reason,
			Batch: flow.Batch{Record: x.record, Position: x.at}, Rows: []int{0},
		})
		if err != nil {
			return flow.Batch{}, err
		}
	}
	out := it.batch
	it.batch.Record = nil
	return out, nil
}

// Stats implements flow.Reader.
func (r *Reader) Stats() flow.ReadStats { return r.stats }

// Close implements flow.Reader.
func (r *Reader) Close() error {
	r.stop()
	return nil
}
