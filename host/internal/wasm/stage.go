package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// Use says how one stage of a pipeline uses a module.
type Use struct {
	// Stage is its name in messages; empty takes the plugin's.
	Stage string
	// Config is the stage's config table, not yet checked.
	Config map[string]any
	// By says by which columns a keyed plugin has its rows together; zero for
	// other kinds.
	By contract.Grouping
	// Limits are the operator's caps; zero fields leave it to the plugin's
	// manifest, then to abi.DefaultLimits.
	Limits abi.Limits
	// Seed makes the random numbers that guests draw.
	Seed string
	// Now is the run's as-of time in microseconds since the epoch: the only
	// time that guests can read.
	Now int64
}

// Stage is a module at work in a pipeline. It is a flow.Stateless, and a
// flow.Reads.
type Stage struct {
	shared   *shared
	importer *cdata.Importer
	columns  []arrow.Array // of the batch under way, as the guest sees them
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
	need     need
	burnt    atomic.Int64 // fuel, of all guests

	mu     sync.Mutex
	copies int
}

// Stage makes a stage; Open does the work.
func (m *Module) Stage(u Use, env flow.Env) *Stage {
	if u.Stage == "" {
		u.Stage = m.manifest.Name
	}
	s := &shared{module: m, use: u, env: env, limits: m.manifest.Limits.Under(u.Limits), counts: &contract.Counts{}, copies: 1}
	s.log = contract.NewLog(env.Log, m.manifest.Name, s.limits.LogLines)
	return &Stage{shared: s}
}

// Limits in force.
func (s *Stage) Limits() abi.Limits { return s.shared.limits }

// Open compiles the module, starts a first guest and settles the schema. All
// errors of load, config, schema and naming come from here (FH-10xx, 20xx).
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
	if config == nil {
		config = map[string]any{}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return fault.Wrap(err, abi.CodeConfig, "the config cannot be written as JSON")
	}
	pages, err := s.module.pagesFor(s.limits.Memory)
	if err != nil {
		return err
	}
	on, err := s.module.machine(ctx, pages)
	if err != nil {
		return err
	}
	s.pool = &pool{plan: &blueprint{machine: on, pages: pages, config: text, in: bound.Seen,
		limits: s.limits, first: s.module.engine.start, burnt: &s.burnt, log: s.log, counts: s.counts, now: s.use.Now, seed: sha256.Sum256([]byte(s.use.Stage + "\x00" + s.use.Seed))}}
	first, err := s.pool.get(false)
	if err != nil {
		return startFailure(err)
	}
	s.need.begin(int64(first.mem.Size()), int64(first.capped), m.Kind != abi.Keyed)
	if err := bound.Settle(m, first.schema); err != nil {
		first.close()
		return err
	}
	s.pool.schema = first.schema
	s.pool.put(first)
	s.bound = bound
	return nil
}

// startFailure makes a failure before the first batch one of binding: nothing
// has run yet, so the pipeline or the plugin is at fault, not the data.
func startFailure(err error) error {
	if e := fault.As(err); e != nil && (e.Code/100 == 30 || e.Code/100 == 40) {
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

// Reads implements flow.Reads: the columns that the guest sees.
func (s *Stage) Reads() []string {
	if b := s.shared.bound; b != nil {
		return b.Reads()
	}
	return nil
}

// Makes implements flow.Makes: the columns that the guest answers with.
func (s *Stage) Makes() []string {
	if b := s.shared.bound; b != nil {
		return b.Makes()
	}
	return nil
}

// Fork implements flow.Stateless: a copy that shares code and idle guests.
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

var errNotOpen = errors.New("wasm: the stage is not open")

// Process hands the batch to a guest, in pieces of at most max_batch_rows.
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

// Most is how many rows of a batch a guest can take at once: as many as its
// limits allow and as its memory is likely to hold (ABI-W-074).
func (s *Stage) Most(in flow.Batch) int64 {
	rows := min(in.Rows(), int64(s.shared.limits.MaxBatchRows))
	part := in.Slice(0, rows)
	defer part.Release()
	size, err := s.shared.exporter.Size(s.project(part.Record))
	if err != nil {
		return rows // told when it is done
	}
	return s.shared.need.most(rows, int64(size))
}

// project shows the columns of a record that the guest sees.
func (s *Stage) project(r flow.Record) projection {
	for i, c := range s.shared.bound.Pick {
		s.columns[i] = r.Column(c)
	}
	return projection{columns: s.columns, rows: r.NumRows()}
}

// Do hands one batch to a guest, whole. Nothing comes out when a filter keeps no
// row.
func (s *Stage) Do(ctx context.Context, in flow.Batch, fresh bool) ([]flow.Batch, error) {
	if s.closed || s.shared.bound == nil {
		return nil, errNotOpen
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if in.Rows() == 0 { // nothing to ask a guest about (ABI-W-017)
		return nil, nil
	}
	sh := s.shared
	where := func() string { return contract.Where(in) }
	g, err := sh.pool.get(fresh)
	if err != nil {
		return nil, sh.placed(startFailure(err), where()) // no row is to blame
	}
	made, fit, err := s.exchange(g, in.Record)
	counted := g.counted()
	if fit {
		sh.pool.put(g)
	} else {
		g.close()
	}
	if err != nil {
		return nil, sh.placed(err, where())
	}
	out, err := sh.bound.Join(ctx, in.Record, made)
	made.Release()
	if err == nil {
		err = take(sh.counts, counted)
	}
	if err != nil {
		if out != nil {
			out.Release()
		}
		return nil, sh.placed(err, where())
	}
	if out == nil {
		return nil, nil
	}
	return []flow.Batch{{Record: out, Position: sh.bound.Position(in.Position)}}, nil
}

// exchange is one call of fh_process: projection into the arena, the call, a
// checked copy of the answer, fh_release. fit tells whether the guest may
// serve another batch.
func (s *Stage) exchange(g *guest, in flow.Record) (made flow.Record, fit bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			fit, err = false, contract.Refusal(abi.CodeTrap, "the host broke down on the plugin's answer: %v", r)
		}
	}()
	sh := s.shared
	g.tank.watch(sh.limits.Timeout)
	defer func() {
		g.tank.unwatch()
		g.tank.account()
	}()
	seen := s.project(in)
	size, err := sh.exporter.Size(seen)
	if err != nil {
		return nil, true, err // the batch is at fault, and no guest has seen it
	}
	before := int64(g.mem.Size())
	defer func() {
		if fault.Is(err, abi.CodeMemory) {
			sh.need.failed(int64(size))
		} else {
			sh.need.saw(int64(size), before, int64(g.mem.Size()))
		}
	}()
	if err := g.reserve(size); err != nil {
		return nil, false, err
	}
	g.tank.fill(budget(sh.limits, in.NumRows()))
	mem := g.memory()
	root, err := sh.exporter.Write(mem, g.arena, seen)
	if err != nil {
		return nil, fault.Is(err, abi.CodeData), err
	}
	clear(mem[g.out : g.out+abi.ArraySize])
	g.stack[0], g.stack[1] = uint64(root), uint64(g.out)
	status, err := g.run(g.process, "fh_process")
	if err != nil {
		return nil, false, err
	}
	if err := g.processStatus(abi.Status(int32(status))); err != nil {
		return nil, abi.Status(int32(status)) == abi.StatusData, err
	}
	want := cdata.Want{Rows: in.NumRows(), InputBytes: int64(size)}
	if sh.bound.ByRows() {
		want.Rows = -1
	}
	if made, err = s.importer.Import(g.memory(), g.out, want); err != nil {
		return nil, false, err
	}
	if sh.bound.ByRows() {
		err = sh.bound.CheckRows(made, in.NumRows())
	}
	if err == nil {
		g.stack[0] = uint64(g.out)
		_, err = g.run(g.release, "fh_release")
	}
	if err != nil {
		made.Release()
		return nil, false, err
	}
	return made, true, nil
}

func (g *guest) processStatus(s abi.Status) error {
	switch {
	case s == abi.StatusOK:
		return nil
	case !s.Valid():
		return fault.New(cdata.BadStatus, "fh_process answered status %d, which the ABI does not define", int32(s))
	case s == abi.StatusMemory:
		return contract.Refusal(abi.CodeMemory, "the plugin has no memory for the batch: it uses %s of its cap of %s%s", size(int64(g.mem.Size())), size(int64(g.capped)), g.because()).
			WithHint("raise the stage's limits.memory, or lower limits.max_batch_rows")
	}
	return contract.Refusal(abi.CodeData, "the plugin rejected the batch (%s)%s", s, g.because())
}

// placed says where an error happened: stage, plugin, digest, batch.
func (s *shared) placed(err error, where string) error {
	e := fault.As(err)
	if e == nil || e.Place != "" {
		return err
	}
	m := s.module
	return e.At("stage %q (plugin %s@%s, %s)%s", s.use.Stage, m.manifest.Name, m.manifest.Version, short(m.digest), where)
}

// short gives enough of a digest to tell files apart by eye.
func short(digest string) string { return digest[:min(len(digest), len("sha256:")+12)] }

// Flush implements flow.Stage; a stateless stage holds nothing back.
func (s *Stage) Flush(context.Context, flow.Emit) error { return nil }

// Close ends this copy; the last one ends the guests.
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
		if n := sh.burnt.Load(); n > 0 && sh.env.Counter != nil {
			sh.env.Counter.Add(CountFuel, sh.use.Stage, n)
		}
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

var (
	_ flow.Stateless = (*Stage)(nil)
	_ flow.Reads     = (*Stage)(nil)
	_ flow.Record    = projection{}
)
