package avro

import (
	"slices"

	hamba "github.com/hamba/avro/v2"
)

// match finds the writer's field for each field of the reader: by name, else by
// an alias that is no field's name; -1 where there is none. A field of the
// writer goes to one field.
func match(reader, writer *hamba.RecordSchema) []int {
	byName := map[string]int{}
	for i, f := range writer.Fields() {
		byName[f.Name()] = i
	}
	at, taken := make([]int, len(reader.Fields())), make([]bool, len(writer.Fields()))
	for i, f := range reader.Fields() {
		at[i] = -1
		if w, ok := byName[f.Name()]; ok {
			at[i], taken[w] = w, true
		}
	}
	for i, f := range reader.Fields() {
		if at[i] >= 0 {
			continue
		}
		for _, old := range f.Aliases() {
			if w, ok := byName[old]; ok && !taken[w] {
				at[i], taken[w] = w, true
				break
			}
		}
	}
	return at
}

// How well a reader's type takes values of a writer's, the better the more.
const (
	unfit     = iota
	grown     // a number grows, text and bytes and symbols stand for each other
	likeKind  // of the same kind, by another name
	shortName // by the same name in another namespace, or with another logical type
	alias     // by an old name
	same
)

// fit tells how well r takes values of w. Neither is a reference or a union.
func fit(r, w hamba.Schema) int {
	if r == w {
		return same
	}
	if r.Type() != w.Type() {
		switch {
		case !grows(r.Type(), w.Type()):
		case decimal(r) != nil && w.Type() == hamba.String: // of its characters nobody made a number
		case isInstant(logical(r)) && logical(w) != "": // days are no instants
		default:
			return grown
		}
		return unfit
	}
	if rn, ok := r.(hamba.NamedSchema); ok {
		wn := w.(hamba.NamedSchema)
		switch {
		case rn.FullName() == wn.FullName():
			return same
		case slices.Contains(rn.Aliases(), wn.FullName()):
			return alias
		case rn.Name() == wn.Name():
			return shortName
		}
		return likeKind
	}
	if logical(r) != logical(w) {
		return shortName
	}
	return same
}

// grows reports whether values of type w are taken as r, which is another.
func grows(r, w hamba.Type) bool {
	switch w {
	case hamba.Int:
		return r == hamba.Long || r == hamba.Float || r == hamba.Double
	case hamba.Long:
		return r == hamba.Float || r == hamba.Double
	case hamba.Float:
		return r == hamba.Double
	case hamba.String:
		return r == hamba.Bytes || r == hamba.Fixed || r == hamba.Enum
	case hamba.Bytes:
		return r == hamba.String || r == hamba.Fixed || r == hamba.Enum
	case hamba.Fixed:
		return r == hamba.Bytes
	case hamba.Enum:
		return r == hamba.String
	}
	return false
}

// branch is the reader's type for values of w, which is no union: the one that
// fits best, the first of those; nil if none does.
func branch(r, w hamba.Schema) hamba.Schema {
	u, ok := r.(*hamba.UnionSchema)
	if !ok {
		if fit(r, w) == unfit {
			return nil
		}
		return r
	}
	var best hamba.Schema
	most := unfit
	for _, t := range u.Types() {
		if t = resolved(t); fit(t, w) > most {
			best, most = t, fit(t, w)
		}
	}
	return best
}

// logical is the logical type of s, empty if it has none.
func logical(s hamba.Schema) hamba.LogicalType {
	if l, ok := s.(hamba.LogicalTypeSchema); ok && l.Logical() != nil {
		return l.Logical().Type()
	}
	return ""
}

// decimal is the decimal that s is, or nil.
func decimal(s hamba.Schema) *hamba.DecimalLogicalSchema {
	if l, ok := s.(hamba.LogicalTypeSchema); ok {
		d, _ := l.Logical().(*hamba.DecimalLogicalSchema)
		return d
	}
	return nil
}
