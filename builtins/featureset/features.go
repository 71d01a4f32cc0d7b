package featureset

import (
	"context"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// column is a column of Select's rows beside keys and timestamp.
type column struct {
	name string
	at   int
}

// compileColumns adds the features of a plain set, or the inputs of an
// aggregated one.
func (s *Set) compileColumns(ctx context.Context, sc *scope) ([]column, error) {
	if s.aggregated {
		return s.compileInputs(sc)
	}
	cols := make([]column, len(s.cfg.Features))
	g := &group{reads: map[string]bool{}}
	for i, f := range s.cfg.Features {
		place := featurePlace(i)
		if f.SQL != "" {
			if err := s.joinGroup(ctx, sc, g, i, cols); err != nil {
				return nil, err
			}
			continue
		}
		if err := s.flushGroup(ctx, sc, g, cols); err != nil {
			return nil, err
		}
		named := place + ".from"
		if f.From == "" {
			named = place + ".name"
		}
		at, err := sc.resolve(source(f), named)
		if err != nil {
			return nil, err
		}
		if at, err = s.declare(sc, at, f, place); err != nil {
			return nil, err
		}
		sc.define(f.Name, at)
		cols[i] = column{f.Name, at}
	}
	return cols, s.flushGroup(ctx, sc, g, cols)
}

// declare casts a column to its feature's declared type.
func (s *Set) declare(sc *scope, at int, f config.Feature, place string) (int, error) {
	if f.Type == "" {
		return at, nil
	}
	to, err := declared(f.Type, place+".type")
	if err != nil {
		return 0, err
	}
	return sc.convert(at, to, s.rules(), f.Name, place+".type")
}

func declared(typ, place string) (arrow.DataType, error) {
	to, err := schema.ParseType(typ)
	if err != nil {
		return nil, fault.Wrap(err, BadType, "the declared type is not known").At("%s", place).
			WithHint("the types are %s", list(schema.Names()))
	}
	return to, nil
}

func (s *Set) rules() cast.Rules { return cast.Rules{Overflow: s.profile.Overflow} }

// compileInputs adds the columns that aggregates read, once each, by name.
// Keys and timestamp are there already.
func (s *Set) compileInputs(sc *scope) ([]column, error) {
	have := map[string]bool{timestampColumn: true}
	for _, k := range s.cfg.Keys {
		have[k.Name] = true
	}
	var cols []column
	for i, f := range s.cfg.Features {
		name, place := source(f), featurePlace(i)+".from"
		if f.From == "" {
			place = featurePlace(i) + ".name"
		}
		if have[name] {
			continue
		}
		have[name] = true
		at, err := sc.resolve(name, place)
		if err != nil {
			return nil, err
		}
		cols = append(cols, column{name, at})
	}
	sort.Slice(cols, func(i, j int) bool { return cols[i].name < cols[j].name })
	return cols, nil
}
