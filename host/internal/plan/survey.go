package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// seen is what one binding of a file found out for the next.
type seen struct {
	learned map[stop]flow.Surveyor // copies of stages that have looked at rows
	late    map[int]bool           // readers whose rows are cut to the interval after their steps
}

func newSeen() *seen { return &seen{learned: map[stop]flow.Surveyor{}, late: map[int]bool{}} }

// list says which steps of the pipeline file are meant.
type list int

const (
	inReader list = iota // [[reader.prepare]]
	inStages             // [[stage]]
	inSinks              // [[sink.stage]]
)

// stop is a step's place in the pipeline file.
type stop struct {
	list   list
	reader int // with inReader; with inSinks the sink
	step   int
}

// String is the place as config writes it.
func (s stop) String() string {
	switch s.list {
	case inStages:
		return fmt.Sprintf("stage[%d]", s.step)
	case inSinks:
		return fmt.Sprintf("sink[%d].stage[%d]", s.reader, s.step)
	}
	return fmt.Sprintf("reader[%d].prepare[%d]", s.reader, s.step)
}

// ahead is what a survey reads: the columns of the rows that reach a step. A
// nil ahead is the whole pipeline.
type ahead struct {
	stop
	columns []string
}

// endsIn reports whether the survey ends in a list of steps.
func (a *ahead) endsIn(l list) bool { return a != nil && a.list == l }

// wants reports whether a reader is read.
func (a *ahead) wants(reader int) bool { return !a.endsIn(inReader) || a.reader == reader }

// cut leaves out the step surveyed for and those behind it.
func (a *ahead) cut(l list, steps []config.Stage) []config.Stage {
	if !a.endsIn(l) {
		return steps
	}
	return steps[:a.step]
}

// survey lets a stage see the rows that will reach it, when its schema depends
// on them. They are read once, through a plan of their own that ends in front
// of the step, over the columns asked for; later bindings recall what was
// learned.
func (b *binder) survey(ctx context.Context, at stop, stage flow.Stage, in *flow.Schema) error {
	s, ok := stage.(flow.Surveyor)
	if !ok {
		return nil
	}
	columns, needed := s.Survey()
	missing := func(name string) bool { return !in.HasField(name) }
	if !needed || slices.ContainsFunc(columns, missing) {
		return nil // Open tells what is missing
	}
	if from := b.seen.learned[at]; from != nil {
		s.Recall(from)
		return nil
	}
	parts := b.parts.Aside()
	p, err := b.bindAhead(ctx, parts, &ahead{stop: at, columns: columns})
	if err != nil {
		return err
	}
	err = parts.Rows(ctx, p, func(ctx context.Context, next func(context.Context) (flow.Batch, error)) error {
		return b.inFile(at, s.Learn(ctx, next))
	})
	if err = errors.Join(err, p.Close()); err != nil {
		return err
	}
	b.seen.learned[at] = s
	return nil
}

// inFile gives an error about the rows that a step looked at the step's place
// in the pipeline file. Errors of usage get theirs as all others do.
func (b *binder) inFile(at stop, err error) error {
	if e := fault.As(err); e != nil && e.Code.Class() != fault.Usage && !strings.ContainsAny(e.Place, "/:\"") {
		return e.At("%s", b.file.Span(at.String()))
	}
	return err
}

// bindAhead binds the part of the pipeline that a survey reads, twice as Bind
// does: over all columns, and then over those that are read.
func (b *binder) bindAhead(ctx context.Context, parts Parts, a *ahead) (*Plan, error) {
	wide := &binder{file: b.file, interval: b.interval, parts: parts, seen: b.seen, ahead: a, lookBack: b.lookBack}
	p, err := wide.bind(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := p.Close(); err != nil {
		return nil, err
	}
	narrow := &binder{file: b.file, interval: b.interval, parts: parts, seen: b.seen, ahead: a, lookBack: b.lookBack}
	return narrow.bind(ctx, wide.read)
}
