package prepare

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// find gives the number of the column that a setting of a step names.
func find(in *flow.Schema, step, setting, name string) (int, error) {
	if name == "" {
		return 0, missing(step, setting)
	}
	at := in.FieldIndices(name)
	if len(at) == 1 {
		return at[0], nil
	}
	if len(at) > 1 {
		return 0, fault.New(MissingColumn, "column %q occurs %d times: expected once", name, len(at)).At("%s", setting)
	}
	names := make([]string, in.NumFields())
	for i, f := range in.Fields() {
		names[i] = f.Name
	}
	e := fault.New(MissingColumn, "no column %q for `%s` of %s: found %s", name, setting, step, strings.Join(names, ", ")).At("%s", setting)
	if s := fault.Suggest(name, names); s != "" {
		e = e.WithHint("did you mean %q?", s)
	}
	return 0, e
}

// findAll is find for a list of columns, each of which may occur once.
func findAll(in *flow.Schema, step, setting string, names []string) ([]int, error) {
	at := make([]int, len(names))
	seen := map[string]bool{}
	for i, name := range names {
		if seen[name] {
			return nil, fault.New(BadSetting, "column %q occurs twice in `%s` of %s", name, setting, step).At("%s", setting).
				WithHint("remove one of them")
		}
		seen[name] = true
		var err error
		if at[i], err = find(in, step, setting, name); err != nil {
			return nil, err
		}
		if t := in.Field(at[i]).Type; !canonical.Supported(t) {
			return nil, badType(setting, name, t, "a type whose values can be put in order")
		}
	}
	return at, nil
}

func missing(step, setting string) error {
	return fault.New(BadSetting, "%s has no `%s`", step, setting).At("%s", setting).WithHint("add it, as `featurehost explain %s` shows", BadSetting)
}

func badType(setting, name string, t arrow.DataType, expected string) error {
	return fault.New(BadColumn, "column %q is %s: expected %s", name, schema.TypeName(t), expected).At("%s", setting)
}

// with gives in with one column replaced, or added when at is its width.
func with(in *flow.Schema, at int, f flow.Field) *flow.Schema {
	fields := append([]flow.Field(nil), in.Fields()...)
	if at == len(fields) {
		fields = append(fields, f)
	} else {
		fields[at] = f
	}
	return flow.NewSchema(fields)
}
