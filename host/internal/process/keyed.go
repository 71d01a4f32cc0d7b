package process

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/contract"
)

// Keyed is a module of kind keyed at work in a pipeline: each copy has a process
// of its own, which sees all rows of its keys. A process that fails takes its
// state with it, so nothing is tried again.
type Keyed struct {
	stage   *Stage
	answers *flow.Schema // of the flush
	flushes *cdata.Importer
	session *session // from the first row on
	rows    int64    // that it has seen
	flushed int64    // rows that it has answered at the end
	lost    bool     // it failed
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
	k.answers = sh.bound.FlushSchema(sh.pool.schema)
	k.flushes, err = cdata.NewImporter(k.answers, cdata.ImportLimits{
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

// Process hands the batch to the process of this copy, in pieces.
func (k *Keyed) Process(ctx context.Context, in flow.Batch, emit flow.Emit) error {
	if in.Rows() == 0 {
		return nil
	}
	if err := k.hold(ctx); err != nil {
		return err
	}
	return in.Pieces(k.stage.Most, func(part flow.Batch) error {
		if err := k.hold(ctx); err != nil {
			return err
		}
		out, err := k.part(ctx, part)
		if err != nil {
			k.lose()
			return k.stage.shared.placed(err, contract.Where(part))
		}
		return flow.EmitAll(out, emit)
	})
}

func (k *Keyed) part(ctx context.Context, in flow.Batch) ([]flow.Batch, error) {
	made, _, err := k.stage.ask(ctx, k.session, in.Record)
	if err != nil {
		return nil, err
	}
	k.rows += in.Rows()
	return k.stage.finish(ctx, in, made)
}

// hold gets the process that this copy keeps: one that has served nobody, since
// none is given back.
func (k *Keyed) hold(ctx context.Context) error {
	sh := k.stage.shared
	switch {
	case k.stage.closed || sh.bound == nil:
		return errNotOpen
	case k.lost:
		return sh.placed(contract.Refusal(abi.CodeExited, "the plugin failed before, and what it knew of its keys is lost"), "")
	case ctx.Err() != nil:
		return ctx.Err()
	case k.session != nil:
		return nil
	}
	s, err := sh.pool.get(ctx, false)
	if err != nil {
		return sh.placed(err, "")
	}
	k.session = s
	return nil
}

// lose ends the process after a failure, whether or not it could serve another
// batch: what it knows is of rows that the run does not go on with.
func (k *Keyed) lose() {
	k.session.discard()
	k.session, k.lost = nil, true
}

// Flush takes what the plugin has kept, until it says that this is all.
func (k *Keyed) Flush(ctx context.Context, emit flow.Emit) error {
	if k.session == nil && !k.lost {
		return nil // no rows, no keys
	}
	for {
		if err := k.hold(ctx); err != nil {
			return err
		}
		made, err := k.flush(ctx)
		if err != nil {
			k.lose()
			return k.stage.shared.placed(err, ", flush")
		}
		if made == nil {
			return nil
		}
		out := k.stage.shared.bound.Flushed(made)
		made.Release()
		if err := emit(flow.Batch{Record: out}); err != nil {
			return err
		}
	}
}

// flush takes one answer; nil means that there is no more. Each has the time of
// a batch.
func (k *Keyed) flush(ctx context.Context) (made flow.Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = contract.Refusal(abi.CodeBadBatch, "the host broke down on the plugin's answer: %v", r)
		}
	}()
	stop := k.session.watch(ctx)
	defer stop()
	made, err = k.take()
	if err != nil {
		err, _ = k.session.failed(ctx, err)
	}
	return made, err
}

func (k *Keyed) take() (flow.Record, error) {
	rows := k.stage.shared.limits.MaxBatchRows
	if !k.session.flushing {
		if err := k.session.flush(k.answers, rows); err != nil {
			return nil, err
		}
	}
	parts, err := k.session.flushed()
	if parts == nil || err != nil {
		return nil, err
	}
	k.flushed += parts.Rows
	if err := k.checkFlush(parts.Rows); err != nil {
		return nil, err
	}
	return k.flushes.ImportParts(parts, cdata.Want{Rows: -1, InputBytes: int64(rows)})
}

// checkFlush holds that flushing comes to an end, with not many more rows than the
// plugin has seen.
func (k *Keyed) checkFlush(rows int64) error {
	l := k.stage.shared.limits
	switch most := int64(l.OutputRatio*float64(k.rows)) + int64(l.MaxBatchRows); {
	case rows <= 0:
		return fault.New(cdata.BadLength, "the flush has a batch of %d rows, expected some or the end of the exchange", rows)
	case rows > int64(l.MaxBatchRows):
		return fault.New(cdata.BadLength, "the flush has %d rows at once, at most %d are allowed", rows, l.MaxBatchRows)
	case k.flushed > most:
		return fault.New(cdata.TooMuch, "the flush has %d rows, at most %d are allowed after %d rows of input", k.flushed, most, k.rows).
			WithHint("raise the stage's limits.output_ratio, if the plugin means it")
	}
	return nil
}

// Close ends this copy and its process.
func (k *Keyed) Close() error {
	if k.session != nil {
		k.stage.shared.pool.end(k.session)
		k.session = nil
	}
	return k.stage.Close()
}

// flush ends the exchange of the batches and begins the one of the flush, in
// which the host says nothing (ABI-P-012).
func (s *session) flush(answers *flow.Schema, rows int) error {
	if err := s.settle(); err != nil {
		return err
	}
	if err := s.begins(command{Flush: true, MaxBatchRows: rows}, answers); err != nil {
		return err
	}
	return s.stream.CloseSend()
}

// flushed waits for the next batch of the flush; nil means that there is no
// more.
func (s *session) flushed() (parts *cdata.Parts, err error) {
	s.line.expect()
	for parts == nil {
		d, err := s.stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && !s.greets:
			return nil, contract.Refusal(abi.CodeStream, "the plugin ended the flush before its schema")
		case errors.Is(err, io.EOF):
			s.hangUp()
			s.since = time.Now()
			return nil, nil
		case err != nil:
			return nil, err
		}
		if len(d.GetDataHeader()) > 0 {
			schema, err := s.message(d, func(p *cdata.Parts) error { parts = p; return nil })
			if err != nil {
				return nil, err
			}
			if schema {
				continue
			}
		}
		a, err := readAnswer(d.GetAppMetadata())
		if err != nil {
			return nil, err
		}
		if a.Ack != nil {
			return nil, contract.Refusal(abi.CodeAck, "the plugin acknowledged batch %d in a flush, where there is none", *a.Ack)
		}
		if err := s.plan.counts.AddAll(a.Metrics); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

var (
	_ flow.Keyed = (*Keyed)(nil)
	_ flow.Folds = (*Keyed)(nil)
	_ flow.Reads = (*Keyed)(nil)
	_ flow.Makes = (*Keyed)(nil)
)
