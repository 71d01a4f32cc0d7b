package featureset

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/builtins/cast"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
)

// column is a column of the rows beside keys and timestamp.
type column struct {
	name string
	at   int
}

// compileColumns adds the features of a plain set, or the inputs of an
// aggregated one.
func (s *Set) compileColumns(ctx context.Context, sc *scope) ([]column, error) {
	if s.aggregated {
		return s.compileInputs(ctx, sc)
	}
	made := make([][]column, len(s.cfg.Features))
	g := &group{reads: map[string]bool{}}
	for i, f := range s.cfg.Features {
		if f.SQL != "" {
			if err := s.joinGroup(ctx, sc, g, i, made); err != nil {
				return nil, err
			}
			continue
		}
		if err := s.flushGroup(ctx, sc, g, made); err != nil {
			return nil, err
		}
		var err error
		switch place := featurePlace(i); {
		case f.Window != nil:
			made[i], err = s.compileWindowed(sc, i)
		case len(f.Function) > 0:
			made[i], err = s.compileFunctions(sc, f, place)
		case f.Use != "":
			made[i], err = s.compilePlugin(ctx, sc, i)
		case f.H3 != nil:
			made[i], err = s.compileH3(sc, f.H3, f.Name, f.Type, place)
		case f.Stack != nil:
			made[i], err = s.compileStack(sc, patterns{f.Stack, f.Regex, place + ".stack"}, f.Name, f.Type, place)
		default:
			made[i], err = s.compileCopy(sc, f, place)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := s.flushGroup(ctx, sc, g, made); err != nil {
		return nil, err
	}
	var cols []column
	for _, m := range made {
		cols = append(cols, m...)
	}
	return cols, nil
}

// compileCopy adds a feature that is a column as it is, or cast (S-607).
func (s *Set) compileCopy(sc *scope, f config.Feature, place string) ([]column, error) {
	at, err := sc.resolve(source(f), sourcePlace(f, place))
	if err != nil {
		return nil, err
	}
	if at, err = s.declare(sc, at, f.Type, f.Name, place); err != nil {
		return nil, err
	}
	sc.define(f.Name, at)
	return []column{{f.Name, at}}, nil
}

// sourcePlace is the key of the pipeline file that names a feature's source.
func sourcePlace(f config.Feature, place string) string {
	if f.From == "" || f.From == f.Name { // a name left alone is its own source
		return place + ".name"
	}
	return place + ".from"
}

// declare casts a column to the type that place declares, "" for none. name is
// the column under which failures count.
func (s *Set) declare(sc *scope, at int, typ, name, place string) (int, error) {
	if typ == "" {
		return at, nil
	}
	to, err := declared(typ, place+".type")
	if err != nil {
		return 0, err
	}
	return sc.convert(at, to, s.rules(), name, place+".type")
}

// declareMade is declare for columns of sql, plugin, h3 and stack features,
// whose type a profile may leave as it is (S-404).
func (s *Set) declareMade(sc *scope, at int, typ, name, place string) (int, error) {
	if !s.profile.DeclaredTypeOnSQL {
		return at, nil
	}
	return s.declare(sc, at, typ, name, place)
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

// checkPlain refuses what a feature of a plain set cannot be.
func (s *Set) checkPlain(f config.Feature, place string) error {
	refuse := func(key, hint, format string, args ...any) error {
		return fault.New(BadFeature, format, args...).At("%s.%s", place, key).WithHint("%s", hint)
	}
	var kinds []string
	for _, k := range []struct {
		is   bool
		name string
	}{{f.SQL != "", "sql"}, {len(f.Function) > 0, "function"}, {f.Use != "", "use"}, {f.H3 != nil, "h3"}, {f.Stack != nil, "stack"}} {
		if k.is {
			kinds = append(kinds, k.name)
		}
	}
	switch {
	case len(kinds) > 1:
		return refuse(kinds[1], "make two features of it", "feature %q has both %s and %s", f.Name, kinds[0], kinds[1])
	case f.SQL != "" && f.From != "":
		return refuse("from", "name the column inside the expression", "feature %q has both from and sql", f.Name)
	case f.From != "" && len(kinds) == 1 && kinds[0] != "function":
		return refuse("from", "remove it", "feature %q has from beside %s, which names columns itself", f.Name, kinds[0])
	case f.Window != nil && len(f.Function) == 0:
		return refuse("window", `name some: function = "sum"`, "feature %q has windows and no function", f.Name)
	case len(f.Function) > 0 && f.Type != "":
		return refuse("type", fmt.Sprintf("give the type to the function: { function = %q, type = %q }", f.Function[0].Name, f.Type),
			"feature %q has both function and type", f.Name)
	case f.Stack != nil && len(f.Stack) == 0:
		return refuse("stack", `give some: stack = ["id_*"]`, "feature %q stacks by no pattern", f.Name)
	case f.Where != "":
		return refuse("where", "filter in [query], or aggregate", "feature %q has where, which is for aggregates", f.Name)
	}
	if w := f.Window; w != nil {
		switch {
		case len(w.Fixed)+len(w.Rows) == 0:
			return refuse("window", `give some: window = { fixed = ["7 days"] }`, "feature %q has no window", f.Name)
		case len(w.Fixed) > 0 && len(w.Rows) > 0:
			return refuse("window.rows", "make two features of it", "feature %q has both fixed windows and windows of rows", f.Name)
		}
	}
	return nil
}
