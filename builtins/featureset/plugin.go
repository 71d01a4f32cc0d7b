package featureset

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// compilePlugin adds the column of a plugin that is named as the feature
// (S-608). The plugin is opened on the visible columns, tells which of them it
// reads, and is opened again on those alone, so that no other need be loaded or
// carried. What else it makes is not visible.
func (s *Set) compilePlugin(ctx context.Context, sc *scope, i int) ([]column, error) {
	f, path := s.cfg.Features[i], featurePlace(i)
	place := path + ".use"
	stage, out, err := s.openPlugin(ctx, f, sc.visible(), path)
	if err != nil {
		return nil, err
	}
	names := fieldNames(sc.visible())
	if r, ok := stage.(flow.Reads); ok {
		names = r.Reads()
	}
	st := &pluginStep{stage: stage, name: f.Use}
	var fields []flow.Field
	for _, name := range names {
		at, err := sc.resolve(name, place)
		if err != nil {
			return nil, errors.Join(err, stage.Close())
		}
		st.from = append(st.from, at)
		fields = append(fields, flow.Field{Name: name, Type: sc.slots[at].typ, Nullable: true})
	}
	if st.in = flow.NewSchema(fields); len(names) < sc.visible().NumFields() {
		if err := stage.Close(); err != nil {
			return nil, err
		}
		if st.stage, out, err = s.openPlugin(ctx, f, st.in, path); err != nil {
			return nil, err
		}
	}
	found := out.FieldIndices(f.Name)
	if len(found) == 0 {
		err := fault.New(BadPlugin, "plugin %q makes no column %q", f.Use, f.Name).At("%s", path+".name").
			WithHint("name the feature after a column that it makes: %s", list(newNames(out, st.in)))
		return nil, errors.Join(err, st.stage.Close())
	}
	st.column = found[0]
	widen, err := cast.Widen(out.Field(st.column).Type)
	if err != nil {
		err = fault.Wrap(err, BadInput, "column %q of plugin %q cannot be used", f.Name, f.Use).At("%s", place)
		return nil, errors.Join(err, st.stage.Close())
	}
	st.typ = out.Field(st.column).Type
	st.to = sc.add(slot{typ: st.typ})
	sc.do(st, st.from, st.to)
	at := st.to
	if !widen.Identity() {
		at = sc.apply(widen, at, f.Name)
	}
	if at, err = s.declareMade(sc, at, f.Type, f.Name, path); err != nil {
		return nil, err
	}
	sc.define(f.Name, at)
	return []column{{f.Name, at}}, nil
}

// openPlugin makes the plugin of the feature at path and opens it on columns.
func (s *Set) openPlugin(ctx context.Context, f config.Feature, in *flow.Schema, path string) (flow.Stateless, *flow.Schema, error) {
	if s.env.Plugin == nil {
		return nil, nil, fault.New(BadPlugin, "feature %q uses plugin %q, and there are no plugins here", f.Name, f.Use).At("%s", path+".use")
	}
	made, err := s.env.Plugin(ctx, f.Use, f.Config)
	if err != nil {
		return nil, nil, ofPlugin(err, path)
	}
	stage, ok := made.(flow.Stateless)
	if !ok {
		err := fault.New(BadPlugin, "plugin %q wants rows grouped by key: a feature takes one that works row by row", f.Use).At("%s", path+".use").
			WithHint("use a plugin of kind map")
		return nil, nil, errors.Join(err, made.Close())
	}
	out, err := stage.Open(ctx, in)
	if err != nil {
		return nil, nil, errors.Join(ofPlugin(err, path), stage.Close())
	}
	return stage, out, nil
}

// ofPlugin gives an error of a feature's plugin the key of the pipeline file
// that it is about: its settings, or the plugin itself. A file that the error
// names goes into the message.
func ofPlugin(err error, feature string) error {
	e := fault.As(err)
	if e == nil {
		return err
	}
	if strings.ContainsRune(e.Place, filepath.Separator) {
		e.Message = e.Place + ": " + e.Message
	}
	e.Place = feature + ".use"
	if e.Code == abi.CodeConfig {
		e.Place = feature + ".config"
	}
	return err
}

func fieldNames(s *flow.Schema) []string {
	names := make([]string, s.NumFields())
	for i := range names {
		names[i] = s.Field(i).Name
	}
	return names
}

// newNames lists the columns of a schema that another has not.
func newNames(s, without *flow.Schema) []string {
	var names []string
	for _, n := range fieldNames(s) {
		if len(without.FieldIndices(n)) == 0 {
			names = append(names, n)
		}
	}
	return names
}

// pluginStep hands rows to a plugin and takes one column of its answer.
type pluginStep struct {
	stage  flow.Stateless
	name   string
	in     *flow.Schema
	from   []int
	column int
	typ    flow.DataType
	to     int
}

func (s *pluginStep) fork(ctx context.Context) (step, error) {
	g := *s
	copied, err := s.stage.Fork(ctx)
	if err != nil {
		return nil, err
	}
	if g.stage, err = asStateless(copied); err != nil {
		return nil, err
	}
	return &g, nil
}

// asStateless gives a fork its methods back. A fork of a fork is never asked
// for, so one without Fork will do.
func asStateless(s flow.Stage) (flow.Stateless, error) {
	if x, ok := s.(flow.Stateless); ok {
		return x, nil
	}
	return onlyStage{s}, nil
}

type onlyStage struct{ flow.Stage }

func (onlyStage) Fork(context.Context) (flow.Stage, error) { return nil, errForkOfFork }

var errForkOfFork = errors.New("featureset: a copy of a plugin's stage cannot be copied")

func (s *pluginStep) close() error { return s.stage.Close() }

func (s *pluginStep) run(ctx context.Context, f *frame) error {
	columns := make([]arrow.Array, len(s.from))
	for i, slot := range s.from {
		columns[i] = f.slots[slot]
	}
	in := flow.Batch{Record: array.NewRecordBatch(s.in, columns, int64(f.rows)), Position: f.position}
	defer in.Release()
	var parts []arrow.Array
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	rows := 0
	err := s.stage.Process(ctx, in, func(b flow.Batch) error {
		defer b.Release()
		a := b.Record.Column(s.column)
		a.Retain()
		parts = append(parts, a)
		rows += a.Len()
		return nil
	})
	if err != nil {
		return err
	}
	if rows != f.rows {
		return fault.New(PluginRows, "plugin %q gave %d rows for %d", s.name, rows, f.rows).
			WithHint("a feature takes a plugin that gives each row one value, in order: use a filter as a [[stage]]")
	}
	switch len(parts) {
	case 0:
		f.slots[s.to] = array.MakeArrayOfNull(f.mem, s.typ, 0)
	case 1:
		parts[0].Retain()
		f.slots[s.to] = parts[0]
	default:
		f.slots[s.to], err = array.Concatenate(parts, f.mem)
	}
	return err
}
