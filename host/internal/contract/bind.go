package contract

import (
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/abi/cdata"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Binding is a manifest held against the schema and config of one stage.
type Binding struct {
	In   *flow.Schema
	Pick []int        // input column of each column that the plugin sees
	Seen *flow.Schema // those columns, named as the manifest names them
	Out  *flow.Schema // of the stage; nil before Settle

	keys      []int        // input columns of a keyed stage's keys, then its time
	static    []flow.Field // declared output columns; nil when the plugin decides
	selection selection
	source    []int // of each output column: input column i, or ^i for column i of the plugin's answer
	limits    abi.Limits
}

// selection says by which column a filter tells the rows that stay.
type selection int

const (
	allRows selection = iota // a map
	byKeep
	byRows
	byTake // a keyed plugin: rows in any order
)

// Grouping says by which columns a keyed stage has its rows together, and in
// order; zero for other kinds.
type Grouping struct {
	Keys []string
	Time string // timestamp[us, UTC]
}

// Bind finds the columns that the manifest asks for (FH-2002).
func Bind(m *abi.Manifest, config map[string]any, in *flow.Schema, by Grouping) (*Binding, error) {
	names, err := m.ResolveInput(config)
	if err != nil {
		return nil, FromABI(err)
	}
	b := &Binding{In: in}
	fields, err := b.bindKeys(m.Kind, by)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		want := m.Input[i]
		at, err := b.find("the plugin reads", name)
		if err != nil {
			return nil, err
		}
		typ := in.Field(at).Type
		if err := bindType(name, want, typ); err != nil {
			return nil, err
		}
		b.Pick = append(b.Pick, at)
		fields = append(fields, flow.Field{Name: want.Name, Type: typ, Nullable: want.Nullable})
	}
	b.Seen = arrow.NewSchema(fields, nil)
	if err := b.bindMoved(m.Kind); err != nil {
		return nil, err
	}
	return b, b.bindStatic(m, config)
}

// find gives the input column of a name; who says who wants it.
func (b *Binding) find(who, name string) (int, error) {
	if at := b.In.FieldIndices(name); len(at) > 0 {
		return at[0], nil
	}
	e := Refusal(abi.CodeInputSchema, "%s column %q, which its input does not have", who, name)
	if near := fault.Suggest(name, columnNames(b.In)); near != "" {
		return 0, e.WithHint("did you mean %q? Else rename it before, as in [query]", near)
	}
	return 0, e.WithHint("its input has %s", strings.Join(columnNames(b.In), ", "))
}

// bindKeys finds the columns that a keyed stage has its rows together by.
func (b *Binding) bindKeys(kind abi.Kind, by Grouping) (fields []flow.Field, err error) {
	if kind != abi.Keyed {
		if len(by.Keys) > 0 || by.Time != "" {
			return nil, Refusal(abi.CodeConfig, "keys and time are for plugins of kind %q, this one is a %s", abi.Keyed, kind)
		}
		return nil, nil
	}
	if len(by.Keys) == 0 || by.Time == "" {
		return nil, Refusal(abi.CodeConfig, "a keyed plugin needs the columns of its key and its time").
			WithHint(`write keys = ["..."] and time = "..." into the stage`)
	}
	for i, name := range append(slices.Clone(by.Keys), by.Time) {
		at, err := b.find("the stage has its rows by", name)
		if err != nil {
			return nil, err
		}
		f := flow.Field{Name: abi.KeyColumn + strconv.Itoa(i), Type: b.In.Field(at).Type, Nullable: true}
		if i == len(by.Keys) {
			f.Name = abi.TimeColumn
			if !arrow.TypeEqual(f.Type, arrow.FixedWidthTypes.Timestamp_us) {
				return nil, Refusal(abi.CodeInputSchema, "time is column %q of type %s, expected timestamp[us,UTC]", name, cdata.TypeName(f.Type)).
					WithHint("cast it before, as in [query]")
			}
		} else if err := cdata.Supported(f.Type); err != nil {
			return nil, Refusal(abi.CodeInputSchema, "key %q: %s", name, fault.As(err).Message)
		}
		b.Pick, b.keys, fields = append(b.Pick, at), append(b.keys, at), append(fields, f)
	}
	return fields, nil
}

func bindType(name string, want abi.InputColumn, typ flow.DataType) error {
	if want.Type == abi.AnyType {
		if err := cdata.Supported(typ); err != nil {
			return Refusal(abi.CodeInputSchema, "column %q: %s", name, fault.As(err).Message).WithHint("%s", fault.As(err).Hint)
		}
		return nil
	}
	t, err := cdata.TypeOf(want.Type)
	if err != nil {
		return fault.Wrap(err, abi.CodeManifest, "input column %q", want.Name)
	}
	if sameType(t, typ) {
		return nil
	}
	e := Refusal(abi.CodeInputSchema, "column %q is of type %s, the plugin reads %s", name, cdata.TypeName(typ), want.Type)
	if want.SafeCast {
		return e.WithHint("cast it before, as in [query]: the cast that the plugin would allow is not built yet")
	}
	return e.WithHint("cast it before, as in [query]")
}

func (b *Binding) bindStatic(m *abi.Manifest, config map[string]any) error {
	if !m.Output.Static {
		return nil
	}
	names, err := m.ResolveOutput(config)
	if err != nil {
		return FromABI(err)
	}
	b.static = make([]flow.Field, len(names))
	for i, c := range m.Output.Columns {
		t, err := cdata.TypeOf(c.Type)
		if err != nil {
			return fault.Wrap(err, abi.CodeManifest, "output column %q", c.Name)
		}
		b.static[i] = flow.Field{Name: names[i], Type: t, Nullable: c.Nullable}
	}
	return nil
}

// Settle settles the stage's schema once a guest has answered its own.
func (b *Binding) Settle(m *abi.Manifest, made *flow.Schema) error {
	if b.static != nil {
		if err := matchStatic(b.static, made.Fields()); err != nil {
			return err
		}
	}
	fields := made.Fields()
	if m.Kind == abi.Filter {
		if len(fields) == 0 {
			return Refusal(abi.CodeOutputSchema, "a filter's first output column is %q or %q, it has none", abi.KeepColumn, abi.RowsColumn)
		}
		first := fields[0]
		switch {
		case first.Nullable:
		case first.Name == abi.KeepColumn && first.Type.ID() == arrow.BOOL:
			b.selection = byKeep
		case first.Name == abi.RowsColumn && first.Type.ID() == arrow.INT32:
			b.selection = byRows
		}
		if b.selection == allRows {
			return Refusal(abi.CodeOutputSchema, "a filter's first output column is %q (bool) or %q (int32), never null; found %q (%s, nullable %t)",
				abi.KeepColumn, abi.RowsColumn, first.Name, cdata.TypeName(first.Type), first.Nullable)
		}
	}
	if m.Kind == abi.Keyed {
		if len(fields) == 0 || fields[0].Name != abi.RowsColumn || fields[0].Type.ID() != arrow.INT32 || fields[0].Nullable {
			return Refusal(abi.CodeOutputSchema, "the first output column of a keyed plugin is %q (int32), never null", abi.RowsColumn)
		}
		b.selection = byTake
	}
	return b.place(fields)
}

// place lays the guest's columns over the input's: in place of the one of the
// same name, else at the end (ABI-M-010).
func (b *Binding) place(made []flow.Field) error {
	fields := append([]flow.Field(nil), b.In.Fields()...)
	b.source = make([]int, len(fields))
	at := map[string]int{}
	for i, f := range fields {
		b.source[i] = i
		at[f.Name] = i
		if b.selection == byTake { // a row of the flush goes with none of the input
			fields[i].Nullable = true
		}
	}
	mine := map[string]bool{}
	for i, f := range made {
		if i == 0 && b.selection != allRows {
			continue
		}
		if err := abi.CheckName(f.Name); err != nil {
			return FromABI(err)
		}
		if mine[f.Name] {
			return Refusal(abi.CodeNameClash, "two output columns are named %q", f.Name)
		}
		mine[f.Name] = true
		k, there := at[f.Name]
		switch {
		case there && b.static == nil:
			return Refusal(abi.CodeNameClash, "the plugin makes column %q, which its input has already", f.Name).
				WithHint("a plugin that replaces columns declares them in its manifest (output.mode \"static\"); else choose another name by its config")
		case there:
			fields[k], b.source[k] = f, ^i
		default:
			fields, b.source = append(fields, f), append(b.source, ^i)
		}
	}
	metadata := b.In.Metadata()
	b.Out = arrow.NewSchema(fields, &metadata)
	return nil
}

// matchStatic holds what the plugin answered against the manifest (ABI-W-011).
func matchStatic(want, got []flow.Field) error {
	if len(want) != len(got) {
		return Refusal(abi.CodeOutputSchema, "the plugin answered %d columns, the manifest declares %d", len(got), len(want))
	}
	for i, w := range want {
		if g := got[i]; g.Name != w.Name || g.Nullable != w.Nullable || !sameType(w.Type, g.Type) {
			return Refusal(abi.CodeOutputSchema, "output column %d is %q (%s, nullable %t) by the plugin and %q (%s, nullable %t) by the manifest",
				i, g.Name, typeName(g.Type), g.Nullable, w.Name, cdata.TypeName(w.Type), w.Nullable)
		}
	}
	return nil
}

// sameType compares types without what a manifest cannot say: whether parts
// of nested types may be null, and what a list calls its items.
func sameType(a, b flow.DataType) bool {
	switch x := a.(type) {
	case *arrow.ListType:
		y, ok := b.(*arrow.ListType)
		return ok && sameType(x.Elem(), y.Elem())
	case *arrow.StructType:
		y, ok := b.(*arrow.StructType)
		if !ok || x.NumFields() != y.NumFields() {
			return false
		}
		for i, f := range x.Fields() {
			if f.Name != y.Field(i).Name || !sameType(f.Type, y.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return arrow.TypeEqual(a, b)
}

// SameSchema compares what two instances of a plugin answered (V13).
func SameSchema(a, b *flow.Schema) bool {
	if a.NumFields() != b.NumFields() {
		return false
	}
	for i, f := range a.Fields() {
		g := b.Field(i)
		if f.Name != g.Name || f.Nullable != g.Nullable || !arrow.TypeEqual(f.Type, g.Type) {
			return false
		}
	}
	return true
}

func columnNames(s *flow.Schema) []string {
	out := make([]string, s.NumFields())
	for i := range out {
		out[i] = s.Field(i).Name
	}
	return out
}
