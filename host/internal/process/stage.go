package process

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// Limits of a plugin that asks for none, where they are not abi.DefaultLimits.
const (
	defaultTimeout = 60 * time.Second
	// defaultMessage stays below the 4 MiB that gRPC servers take unless told
	// otherwise.
	defaultMessage = 3 << 20
	// around is what a message has beside the buffers of a batch, and more: its
	// exact size is known once it is made.
	around = 1 << 10
	// aroundAnswer is what each message of an answer costs the host beside its
	// buffers, as counted against limits.output_ratio: many small ones are many.
	aroundAnswer = 1 << 10
)

// Use says how one stage of a pipeline uses a module.
type Use struct {
	// Stage is its name in messages; empty takes the plugin's.
	Stage string
	// Config is the stage's config table, not yet checked.
	Config map[string]any
	// By is for modules of kind keyed.
	By contract.Grouping
	// Limits are the operator's caps; zero fields leave it to the plugin's
	// manifest, then to the default. Memory and fuel do not bind a process.
	Limits abi.Limits
	// Seed is for plugins that draw random numbers.
	Seed string
	// Now is the run's as-of time in microseconds since the epoch.
	Now int64
	// RunID names the run to the plugin; may be empty.
	RunID string
	// MTLS asks that host and plugin prove themselves to each other on their
	// socket, by certificates made for each start.
	MTLS bool
}

// Stage is a process plugin at work in a pipeline.
type Stage struct {
	shared   *shared
	importer *cdata.Importer
	columns  []arrow.Array    // of the batch under way, as the plugin sees them
	charged  error            // why the last batch lost its process, until a fresh one did it
	counted  *contract.Counts // in the answer under way; of a try that failed nothing counts
	closed   bool
}

// shared is what the copies of a stage have in common.
type shared struct {
	module *Module
	use    Use
	env    flow.Env
	limits abi.Limits
	log    *contract.Log
	counts *contract.Counts

	bound    *contract.Binding
	exporter *cdata.Exporter
	pool     *pool
	timeouts timeouts

	mu     sync.Mutex
	copies int
}

// Stage makes a stage; Open does the work.
func (m *Module) Stage(u Use, env flow.Env) *Stage {
	if u.Stage == "" {
		u.Stage = m.manifest.Name
	}
	asked := m.manifest.Limits
	if asked.Timeout == 0 && u.Limits.Timeout == 0 {
		asked.Timeout = defaultTimeout
	}
	o := m.engine.options
	s := &shared{module: m, use: u, env: env, limits: asked.Under(u.Limits), counts: &contract.Counts{}, copies: 1,
		// Who gives a batch more time than a start has, gives it to the start as well:
		// models are loaded there.
		timeouts: timeouts{max(o.StartTimeout, u.Limits.Timeout), max(o.BindTimeout, u.Limits.Timeout), healthTimeout, o.ShutdownTimeout, idleTooLong}}
	s.log = contract.NewLog(env.Log, m.manifest.Name, s.limits.LogLines)
	return &Stage{shared: s}
}

// Limits in force.
func (s *Stage) Limits() abi.Limits { return s.shared.limits }

// Open starts a first process and settles the schema. All errors of load,
// config, schema and naming come from here (FH-10xx, 20xx, 5001 to 5003).
func (s *Stage) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	if err := s.shared.open(ctx, in); err != nil {
		return nil, s.shared.placed(err, "")
	}
	if err := s.ready(); err != nil {
		return nil, s.shared.placed(err, "")
	}
	return s.shared.bound.Out, nil
}

func (s *shared) open(ctx context.Context, in *flow.Schema) error {
	m := s.module.manifest
	config, err := m.CheckConfig(s.use.Config)
	if err != nil {
		return contract.FromABI(err)
	}
	bound, err := contract.Bind(m, config, in, s.use.By)
	if err != nil {
		return err
	}
	bound.Bound(s.limits)
	if s.exporter, err = cdata.NewExporter(bound.Seen); err != nil {
		return err
	}
	request, err := s.request(config, bound.Seen)
	if err != nil {
		return fault.Wrap(err, abi.CodeConfig, "the config cannot be written as JSON")
	}
	s.pool = &pool{keeper: newSupervisor(), plan: &blueprint{
		engine: s.module.engine, module: s.module, limits: s.limits, message: defaultMessage, bind: request, run: s.use.RunID,
		now: s.use.Now, in: bound.Seen, mtls: s.use.MTLS, log: s.log, counts: s.counts, timeouts: s.timeouts,
	}}
	if n := m.MaxMessageBytes; n > 0 {
		s.pool.plan.message = n
	}
	first, err := s.pool.get(ctx, false)
	if err != nil {
		return err
	}
	if err := bound.Settle(m, first.schema); err != nil {
		s.pool.end(first)
		return err
	}
	s.pool.schema = first.schema
	s.pool.put(first)
	s.bound = bound
	return nil
}

func (s *shared) request(config map[string]any, seen *flow.Schema) ([]byte, error) {
	if config == nil {
		config = map[string]any{}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	schema, err := encodeSchema(seen)
	if err != nil {
		return nil, err
	}
	return json.Marshal(bindRequest{
		Stage: s.use.Stage, Config: text, InputSchema: schema, Seed: s.use.Seed,
		Keys: append([]string{}, s.use.By.Keys...), TimeColumn: s.use.By.Time,
	})
}

// startFailure makes a failure of a process that has seen no batch one of binding:
// the pipeline or the plugin is at fault, not the data.
func startFailure(err error) error {
	if e := fault.As(err); e != nil && (e.Code/100 == 50 || e.Code == cdata.SchemaDrift) {
		return fault.Wrap(err, abi.CodeInit, "the plugin did not start")
	}
	return err
}

// ready gives this copy what it does not share.
func (s *Stage) ready() (err error) {
	s.importer, err = cdata.NewImporter(s.shared.pool.schema, cdata.ImportLimits{
		OutputRatio:  s.shared.limits.OutputRatio,
		CanonicalNaN: s.shared.module.manifest.Deterministic,
	})
	s.columns = make([]arrow.Array, len(s.shared.bound.Pick))
	return err
}

// Reads implements flow.Reads: the columns that the plugin sees.
func (s *Stage) Reads() []string {
	if b := s.shared.bound; b != nil {
		return b.Reads()
	}
	return nil
}

// Makes implements flow.Makes: the columns that the plugin answers with.
func (s *Stage) Makes() []string {
	if b := s.shared.bound; b != nil {
		return b.Makes()
	}
	return nil
}

// Fork implements flow.Stateless: a copy that shares idle processes.
func (s *Stage) Fork(context.Context) (flow.Stage, error) {
	if s.closed || s.shared.bound == nil {
		return nil, errNotOpen
	}
	c := &Stage{shared: s.shared}
	if err := c.ready(); err != nil {
		return nil, s.shared.placed(err, "")
	}
	s.shared.mu.Lock()
	s.shared.copies++
	s.shared.mu.Unlock()
	return c, nil
}

var errNotOpen = errors.New("process: the stage is not open")

// Process hands the batch to a process, in pieces as large as Most tells.
func (s *Stage) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if s.closed || s.shared.bound == nil {
		return errNotOpen
	}
	return in.Pieces(s.Most, func(part flow.Batch) error {
		out, err := s.Do(ctx, part, false)
		if err != nil {
			return err
		}
		return flow.EmitAll(out, emit)
	})
}

// Most is how many rows of a batch go into one message (ABI-P-007), and are no
// more than limits.max_batch_rows: at least one.
func (s *Stage) Most(in flow.Batch) int64 {
	most := min(in.Rows(), int64(s.shared.limits.MaxBatchRows))
	if s.fits(in, most) {
		return most
	}
	least := int64(1)
	for most-least > 1 {
		if half := (least + most) / 2; s.fits(in, half) {
			least = half
		} else {
			most = half
		}
	}
	return least
}

// fits tells whether the first rows of a batch are sure to fit a message.
func (s *Stage) fits(in flow.Batch, rows int64) bool {
	part := in.Slice(0, rows)
	defer part.Release()
	size, err := s.shared.exporter.Size(s.project(part.Record))
	return err != nil || int64(size)+around <= s.shared.pool.plan.message // an error is told when the batch is done
}

// project shows the columns of a record that the plugin sees. It is valid until
// the next one.
func (s *Stage) project(r flow.Record) projection {
	for i, c := range s.shared.bound.Pick {
		s.columns[i] = r.Column(c)
	}
	return projection{columns: s.columns, rows: r.NumRows()}
}

// Do hands one batch to a process, whole. Nothing comes out when a filter keeps
// no row. An answer in several messages comes out as several batches.
func (s *Stage) Do(ctx context.Context, in flow.Batch, fresh bool) ([]flow.Batch, error) {
	if s.closed || s.shared.bound == nil {
		return nil, errNotOpen
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if in.Rows() == 0 { // nothing to ask about (ABI-W-017)
		return nil, nil
	}
	sh := s.shared
	where := func() string { return contract.Where(in) }
	if !fresh {
		s.charged = nil
	}
	session, err := sh.pool.get(ctx, fresh)
	if err != nil {
		return nil, sh.placed(err, where())
	}
	made, err := s.exchange(ctx, session, in.Record)
	if err != nil {
		return nil, sh.placed(err, where())
	}
	if fresh && s.charged != nil { // the rows were not to blame
		sh.pool.keeper.charge(s.charged)
		s.charged = nil
	}
	out, err := s.finish(ctx, in, made)
	if err != nil {
		return nil, sh.placed(err, where())
	}
	return out, nil
}

// finish joins an answer to its rows, and counts what it counted.
func (s *Stage) finish(ctx context.Context, in flow.Batch, made []flow.Record) ([]flow.Batch, error) {
	out, err := s.join(ctx, in, made)
	if err == nil {
		err = s.shared.counts.Take(s.counted)
	}
	if err != nil {
		flow.ReleaseAll(out)
		return nil, err
	}
	return out, nil
}

// exchange sends a batch in one message and gives the answer's batches. It puts
// the session back or throws it away.
func (s *Stage) exchange(ctx context.Context, on *session, in flow.Record) ([]flow.Record, error) {
	made, fate, err := s.ask(ctx, on, in)
	pool := s.shared.pool
	switch fate {
	case fit:
		pool.put(on)
	case alive:
		on.hangUp() // the next batch begins another stream
		pool.put(on)
	default:
		s.charged = err
		pool.toss(on)
	}
	return made, err
}

// fate is what becomes of a session after a batch.
type fate int

const (
	broken fate = iota // good for nothing any more
	alive              // for another stream
	fit                // for the next batch
)

// ask sends a batch in one message and gives the answer's batches.
func (s *Stage) ask(ctx context.Context, on *session, in flow.Record) (made []flow.Record, after fate, err error) {
	defer func() {
		if r := recover(); r != nil {
			after, err = broken, contract.Refusal(abi.CodeBadBatch, "the host broke down on the plugin's answer: %v", r)
		}
		if err != nil {
			for _, m := range made {
				m.Release()
			}
			made = nil
		}
	}()
	seen := s.project(in)
	size, err := s.shared.exporter.Size(seen)
	if err != nil {
		return nil, fit, err // the batch is at fault, and no plugin has seen it
	}
	if err := s.shared.exporter.CheckNulls(seen); err != nil {
		return nil, fit, err
	}
	r := array.NewRecordBatch(s.shared.bound.Seen, s.columns, in.NumRows())
	defer r.Release()
	message, over, err := on.encode(r)
	if err != nil {
		return nil, fit, fault.Wrap(err, abi.CodeData, "the batch cannot be written as an Arrow message")
	}
	if over {
		return nil, fit, contract.Refusal(abi.CodeMessage, "%d rows have %d bytes, a message to the plugin at most %d", in.NumRows(), len(message.DataBody), s.shared.pool.plan.message).
			WithHint("max_message_bytes in the plugin's manifest, with a server that takes as much, raises the limit")
	}
	stop := on.watch(ctx)
	defer stop()
	t := &taker{stage: s, want: cdata.Want{Rows: -1, InputBytes: int64(size)}, rows: in.NumRows()}
	defer func() { made = t.made }() // also when the host breaks down: then it is given back
	s.counted = &contract.Counts{}
	if err = on.exchange(message, s.counted, t.take); err == nil {
		err = t.finish()
	}
	if err == nil {
		if stop() {
			return nil, broken, nil // a moment later, and the answer had been late
		}
		return nil, fit, nil
	}
	err, lives := on.failed(ctx, err)
	if lives && !stop() { // it said no in time
		after = alive
	}
	return nil, after, err
}

// taker takes the batches of one answer.
type taker struct {
	stage *Stage
	want  cdata.Want
	rows  int64 // of the input
	got   int64
	last  int32 // row number, of a filter that answers with them
	made  []flow.Record
}

// take checks one batch and keeps a copy.
func (t *taker) take(p *cdata.Parts) error {
	byRows := t.stage.shared.bound.ByRows()
	if !byRows && p.Rows > t.rows-t.got {
		return fault.New(cdata.BadLength, "the answer has %d rows or more, expected %d", t.got+p.Rows, t.rows)
	}
	m, err := t.stage.importer.ImportParts(p, t.want)
	if err != nil {
		return err
	}
	t.want.Before = t.stage.importer.Copied(t.want) + aroundAnswer
	if p.Rows == 0 {
		m.Release()
		return nil
	}
	t.made = append(t.made, m)
	if byRows {
		if err := t.stage.shared.bound.CheckRows(m, t.rows); err != nil {
			return err
		}
		ascending := t.stage.shared.module.manifest.Kind == abi.Filter
		numbers := m.Column(0).(*array.Int32).Int32Values()
		if ascending && t.got > 0 && numbers[0] <= t.last {
			return fault.New(cdata.BadLength, "column %q: a message begins with %d after %d, expected ascending numbers", abi.RowsColumn, numbers[0], t.last)
		}
		t.last = numbers[len(numbers)-1]
	}
	t.got += p.Rows
	return nil
}

// finish checks the answer as a whole.
func (t *taker) finish() error {
	if !t.stage.shared.bound.ByRows() && t.got != t.rows {
		return fault.New(cdata.BadLength, "the answer has %d rows, expected %d", t.got, t.rows)
	}
	return nil
}

// join puts the batches of an answer beside the rows that they speak of. It
// gives them back.
func (s *Stage) join(ctx context.Context, in flow.Batch, made []flow.Record) (out []flow.Batch, err error) {
	defer func() {
		for _, m := range made {
			m.Release()
		}
		if err != nil {
			flow.ReleaseAll(out)
			out = nil
		}
	}()
	bound := s.shared.bound
	from := int64(0)
	var sum contract.Answer
	for _, m := range made {
		beside := in
		beside.Retain()
		if !bound.ByRows() && len(made) > 1 {
			beside.Release()
			beside = in.Slice(from, from+m.NumRows())
			from += m.NumRows()
		}
		joined, err := bound.JoinPiece(ctx, beside.Record, m, &sum)
		position := bound.Position(beside.Position)
		beside.Release()
		if err != nil {
			return out, err
		}
		if joined != nil {
			out = append(out, flow.Batch{Record: joined, Position: position})
		}
	}
	return out, nil
}

// placed says where an error happened: stage, plugin, digest, batch.
func (s *shared) placed(err error, where string) error {
	e := fault.As(err)
	if e == nil || e.Place != "" {
		return err
	}
	m := s.module
	digest := ""
	if m.digest != "" {
		digest = ", " + m.digest[:min(len(m.digest), len("sha256:")+12)]
	}
	return e.At("stage %q (plugin %s@%s%s)%s", s.use.Stage, m.manifest.Name, m.manifest.Version, digest, where)
}

// Flush implements flow.Stage; a stateless stage holds nothing back, and what its
// processes send beyond their answers is an error.
func (s *Stage) Flush(ctx context.Context, _ flow.Emit) error {
	if s.closed || s.shared.bound == nil {
		return errNotOpen
	}
	return s.shared.placed(s.shared.pool.settle(ctx), ", end of input")
}

// Close ends this copy; the last one ends the processes.
func (s *Stage) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	sh := s.shared
	sh.mu.Lock()
	sh.copies--
	last := sh.copies == 0
	sh.mu.Unlock()
	if last {
		if sh.pool != nil {
			sh.pool.close()
		}
		sh.counts.Flush(sh.env.Counter, sh.use.Stage)
		sh.log.Close()
	}
	return nil
}

// projection is a record of some columns, made without allocating.
type projection struct {
	flow.Record // nil: only the methods below are called
	columns     []arrow.Array
	rows        int64
}

// NumCols implements flow.Record.
func (p projection) NumCols() int64 { return int64(len(p.columns)) }

// NumRows implements flow.Record.
func (p projection) NumRows() int64 { return p.rows }

// Column implements flow.Record.
func (p projection) Column(i int) arrow.Array { return p.columns[i] }

// allocator is where Arrow's library makes its own buffers.
func allocator() memory.Allocator { return memory.DefaultAllocator }
