package wasm

import (
	"context"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// Keyed is a module of kind keyed at work in a pipeline: each copy has a guest of
// its own, which sees all rows of its keys. A guest that fails takes its state
// with it, so nothing is tried again.
type Keyed struct {
	stage   *Stage
	flushes *cdata.Importer
	guest   *guest // from the first row on
	rows    int64  // that it has seen
	flushed int64  // rows that it has answered at the end
	lost    bool   // it failed
}

// Keyed makes a stage of a module of kind keyed; Open does the work.
func (m *Module) Keyed(u Use, env flow.Env) *Keyed { return &Keyed{stage: m.Stage(u, env)} }

// Limits in force.
func (k *Keyed) Limits() abi.Limits { return k.stage.Limits() }

// Open implements flow.Stage, as Stage.Open does.
func (k *Keyed) Open(ctx context.Context, in *flow.Schema) (*flow.Schema, error) {
	out, err := k.stage.Open(ctx, in)
	if err == nil {
		err = k.ready()
	}
	return out, err
}

func (k *Keyed) ready() (err error) {
	sh := k.stage.shared
	k.flushes, err = cdata.NewImporter(sh.bound.FlushSchema(sh.pool.schema), cdata.ImportLimits{
		OutputRatio: sh.limits.OutputRatio, CanonicalNaN: sh.module.manifest.Deterministic,
	})
	return sh.placed(err, "")
}

// Order implements flow.Keyed.
func (k *Keyed) Order() flow.Order { return k.stage.shared.bound.Order(k.stage.shared.use.By) }

// Folds implements flow.Folds: what comes out is up to the plugin.
func (k *Keyed) Folds() bool { return true }

// Reads implements flow.Reads.
func (k *Keyed) Reads() []string { return k.stage.Reads() }

// Makes implements flow.Makes.
func (k *Keyed) Makes() []string { return k.stage.Makes() }

// Fork implements flow.Keyed.
func (k *Keyed) Fork(ctx context.Context) (flow.Stage, error) {
	s, err := k.stage.Fork(ctx)
	if err != nil {
		return nil, err
	}
	c := &Keyed{stage: s.(*Stage)}
	if err := c.ready(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return c, nil
}

// Process hands the batch to the guest of this copy, in pieces.
func (k *Keyed) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	return in.Pieces(k.stage.Most, func(part flow.Batch) error {
		out, err := k.part(ctx, part)
		if err != nil || out.Record == nil {
			return err
		}
		return emit(out)
	})
}

func (k *Keyed) part(ctx context.Context, in flow.Batch) (out flow.Batch, err error) {
	if err := k.hold(ctx); err != nil {
		return out, err
	}
	sh := k.stage.shared
	made, _, err := k.stage.exchange(k.guest, in.Record)
	if err != nil {
		k.lose()
		return out, sh.placed(err, contract.Where(in))
	}
	defer made.Release()
	k.rows += in.Rows()
	r, err := sh.bound.Join(ctx, in.Record, made)
	if err == nil {
		err = take(sh.counts, k.guest.counted())
	}
	if err != nil {
		if r != nil {
			r.Release()
		}
		k.lose()
		return out, sh.placed(err, contract.Where(in))
	}
	return flow.Batch{Record: r}, nil
}

// hold gets the guest that this copy keeps.
func (k *Keyed) hold(ctx context.Context) error {
	switch {
	case k.stage.closed || k.stage.shared.bound == nil:
		return errNotOpen
	case k.lost:
		return k.stage.shared.placed(contract.Refusal(abi.CodeTrap, "the plugin failed before, and what it knew of its keys is lost"), "")
	case ctx.Err() != nil:
		return ctx.Err()
	case k.guest != nil:
		return nil
	}
	g, err := k.stage.shared.pool.get(true)
	if err != nil {
		return k.stage.shared.placed(startFailure(err), "")
	}
	k.guest = g
	return nil
}

// lose ends the guest after a failure, whether or not it could serve another:
// what it knows is of rows that the run does not go on with.
func (k *Keyed) lose() {
	k.guest.close()
	k.guest, k.lost = nil, true
}

// Flush asks the guest for what it has kept, until it says that this is all.
func (k *Keyed) Flush(ctx context.Context, emit flow.Emit) error {
	if k.guest == nil && !k.lost {
		return nil // no rows, no keys
	}
	for {
		if err := k.hold(ctx); err != nil {
			return err
		}
		out, err := k.flush()
		if err != nil {
			k.lose()
			return k.stage.shared.placed(err, ", flush")
		}
		if out == nil {
			return nil
		}
		err = k.inPieces(out, emit)
		out.Release()
		if err != nil {
			return err
		}
	}
}

// flushRows is the most that one answer to fh_flush may have. A module is not
// told max_batch_rows, so that a stage may lower it for its input.
func (k *Keyed) flushRows() int64 {
	return int64(max(k.stage.shared.limits.MaxBatchRows, abi.DefaultLimits().MaxBatchRows))
}

// inPieces emits rows by as many as a batch may have.
func (k *Keyed) inPieces(rows flow.Record, emit flow.Emit) error {
	most := int64(k.stage.shared.limits.MaxBatchRows)
	for from := int64(0); from < rows.NumRows(); from += most {
		if err := emit(flow.Batch{Record: rows.NewSlice(from, min(from+most, rows.NumRows()))}); err != nil {
			return err
		}
	}
	return nil
}

// flush is one call of fh_flush; nil means that there is no more.
func (k *Keyed) flush() (out flow.Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = contract.Refusal(abi.CodeTrap, "the host broke down on the plugin's answer: %v", r)
		}
	}()
	g, sh := k.guest, k.stage.shared
	// Each answer may hold as many rows as a batch, and be as large.
	g.tank.fill(budget(sh.limits, k.flushRows()))
	g.tank.watch(sh.limits.Timeout)
	defer func() {
		g.tank.unwatch()
		g.tank.account()
	}()
	clear(g.memory()[g.out : g.out+abi.ArraySize])
	g.stack[0] = uint64(g.out)
	status, err := g.run(g.flush, "fh_flush")
	if err != nil {
		return nil, err
	}
	switch s := abi.Status(int32(status)); {
	case s == abi.StatusEnd:
		return nil, take(sh.counts, g.counted())
	case s == abi.StatusMemory, s != abi.StatusOK && s.Valid():
		return nil, contract.Refusal(abi.CodeData, "the plugin cannot flush (%s)%s", s, g.because())
	case s != abi.StatusOK:
		return nil, fault.New(cdata.BadStatus, "fh_flush answered status %d, which the ABI does not define", int32(s))
	}
	made, err := k.flushes.Import(g.memory(), g.out, cdata.Want{Rows: -1, InputBytes: int64(sh.limits.MaxBatchRows)})
	if err != nil {
		return nil, err
	}
	defer made.Release()
	k.flushed += made.NumRows()
	if err := k.checkFlush(made.NumRows()); err != nil {
		return nil, err
	}
	g.stack[0] = uint64(g.out)
	if _, err := g.run(g.release, "fh_release"); err != nil {
		return nil, err
	}
	if err := take(sh.counts, g.counted()); err != nil {
		return nil, err
	}
	return sh.bound.Flushed(made), nil
}

// checkFlush holds that flushing comes to an end, with not many more rows than the
// guest has seen.
func (k *Keyed) checkFlush(rows int64) error {
	l := k.stage.shared.limits
	switch most := int64(l.OutputRatio*float64(k.rows)) + k.flushRows(); {
	case rows == 0:
		return fault.New(cdata.BadLength, "fh_flush answered no rows, expected some or status %d", abi.StatusEnd)
	case rows > k.flushRows():
		return fault.New(cdata.BadLength, "fh_flush answered %d rows at once, at most %d are allowed", rows, k.flushRows())
	case k.flushed > most:
		return fault.New(cdata.TooMuch, "fh_flush has answered %d rows, at most %d are allowed after %d rows of input", k.flushed, most, k.rows).
			WithHint("raise the stage's limits.output_ratio, if the plugin means it")
	}
	return nil
}

// Close ends this copy and its guest.
func (k *Keyed) Close() error {
	if k.guest != nil {
		k.guest.close()
		k.guest = nil
	}
	return k.stage.Close()
}

var (
	_ flow.Keyed = (*Keyed)(nil)
	_ flow.Folds = (*Keyed)(nil)
	_ flow.Reads = (*Keyed)(nil)
	_ flow.Makes = (*Keyed)(nil)
)
