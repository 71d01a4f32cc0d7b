package exchange

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/flow/canonical"
)

// ordering is a flow.Order in column numbers.
type ordering struct {
	schema *arrow.Schema
	// chain holds the columns to compare, first to last, none twice: keys,
	// time, then, ties, and all others with canonical bytes by name (E1).
	chain []int
	texts []int // columns without canonical bytes, by name
	keys  int   // how many of chain are keys
	time  int   // column number, or -1
}

func newOrdering(s *arrow.Schema, o flow.Order) (*ordering, error) {
	out := &ordering{schema: s, time: -1}
	for i, f := range s.Fields() {
		if !carried(f.Type) {
			return nil, fault.New(UnsupportedColumn, "column %q has type %s, which the exchange does not carry", f.Name, f.Type).
				WithHint("cast it to a plain type before the feature set")
		}
		for _, g := range s.Fields()[:i] {
			if f.Name == g.Name {
				return nil, fault.New(BadOrder, "two columns are named %q", f.Name)
			}
		}
	}
	seen := make([]bool, s.NumFields())
	add := func(role, name string) (int, error) {
		found := s.FieldIndices(name)
		if len(found) == 0 {
			return 0, fault.New(BadOrder, "%s column %q is not among the columns %q", role, name, names(s))
		}
		c := found[0]
		if !canonical.Supported(s.Field(c).Type) {
			return 0, fault.New(BadOrder, "%s column %q has type %s, which has no order", role, name, s.Field(c).Type)
		}
		if !seen[c] {
			seen[c] = true
			out.chain = append(out.chain, c)
		}
		return c, nil
	}
	for _, k := range o.Keys {
		if _, err := add("key", k); err != nil {
			return nil, err
		}
	}
	out.keys = len(out.chain)
	if o.Time != "" {
		c, err := add("time", o.Time)
		if err != nil {
			return nil, err
		}
		if t, ok := s.Field(c).Type.(*arrow.TimestampType); !ok || t.Unit != arrow.Microsecond {
			return nil, fault.New(BadOrder, "time column %q has type %s, want timestamp[us]", o.Time, s.Field(c).Type)
		}
		out.time = c
	}
	for _, n := range o.Then {
		if _, err := add("order", n); err != nil {
			return nil, err
		}
	}
	for _, n := range o.Ties {
		if _, err := add("tie", n); err != nil {
			return nil, err
		}
	}
	for _, c := range canonical.ByName(s) {
		switch {
		case !canonical.Supported(s.Field(c).Type):
			out.texts = append(out.texts, c)
		case !seen[c]:
			out.chain = append(out.chain, c)
		}
	}
	return out, nil
}

// carried reports whether a column of type t can be copied, spilled and
// gathered.
func carried(t arrow.DataType) bool {
	switch x := t.(type) {
	case *arrow.DictionaryType, *arrow.RunEndEncodedType, arrow.UnionType,
		arrow.BinaryViewDataType, *arrow.ListViewType, *arrow.LargeListViewType:
		return false
	case arrow.ExtensionType: // an unregistered one is not read back as written
		return arrow.GetExtensionType(x.ExtensionName()) != nil && carried(x.StorageType())
	case arrow.NestedType:
		for _, f := range x.Fields() {
			if !carried(f.Type) {
				return false
			}
		}
	}
	return true
}

func names(s *arrow.Schema) []string {
	out := make([]string, s.NumFields())
	for i := range out {
		out[i] = s.Field(i).Name
	}
	return out
}

// sameColumns reports whether batches of schema a can be read as b: names and
// types, whatever the metadata says.
func sameColumns(a, b *arrow.Schema) bool {
	if a == b {
		return true
	}
	if a.NumFields() != b.NumFields() {
		return false
	}
	for i := range a.NumFields() {
		f, g := a.Field(i), b.Field(i)
		if f.Name != g.Name || !arrow.TypeEqual(f.Type, g.Type) {
			return false
		}
	}
	return true
}
