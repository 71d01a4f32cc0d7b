package avro

import hamba "github.com/hamba/avro/v2"

// pass steps over a value.
type pass func(cur *cursor, depth int)

// skipping compiles the stepping over values of s.
func skipping(s hamba.Schema) pass {
	s = resolved(s)
	switch x := s.(type) {
	case *hamba.NullSchema:
		return func(*cursor, int) {}
	case *hamba.FixedSchema:
		return func(cur *cursor, _ int) { cur.take(x.Size()) }
	case *hamba.PrimitiveSchema:
		switch x.Type() {
		case hamba.Boolean:
			return func(cur *cursor, _ int) { cur.bool() }
		case hamba.Int:
			return func(cur *cursor, _ int) { cur.int() }
		case hamba.Float:
			return func(cur *cursor, _ int) { cur.take(4) }
		case hamba.Double:
			return func(cur *cursor, _ int) { cur.take(8) }
		case hamba.Bytes, hamba.String:
			return func(cur *cursor, _ int) { cur.bytes() }
		}
	case *hamba.EnumSchema:
		symbols := int64(len(x.Symbols()))
		return func(cur *cursor, _ int) {
			if n := cur.long(); n < 0 || n >= symbols {
				cur.fail("an enum has no symbol of the number given")
			}
		}
	case *hamba.RecordSchema:
		fields := make([]pass, len(x.Fields()))
		for i, f := range x.Fields() {
			fields[i] = later(f.Type())
		}
		return func(cur *cursor, depth int) {
			for _, f := range fields {
				if cur.bad != "" {
					return
				}
				f(cur, depth)
			}
		}
	case *hamba.UnionSchema:
		types := make([]pass, len(x.Types()))
		for i, t := range x.Types() {
			types[i] = later(t)
		}
		return func(cur *cursor, depth int) {
			n := cur.long()
			if n < 0 || n >= int64(len(types)) {
				cur.fail("a union has no type of the number given")
				return
			}
			types[n](cur, depth)
		}
	case *hamba.ArraySchema:
		elem, least := later(x.Items()), leastBytes(x.Items(), 0)
		return func(cur *cursor, depth int) { cur.blocks(least, func() { elem(cur, depth) }) }
	case *hamba.MapSchema:
		elem := later(x.Values())
		return func(cur *cursor, depth int) {
			cur.blocks(1, func() {
				cur.bytes()
				elem(cur, depth)
			})
		}
	}
	return func(cur *cursor, _ int) { cur.long() } // long
}

// later compiles a schema when it is first needed, and watches the depth.
func later(s hamba.Schema) pass {
	var made pass
	return func(cur *cursor, depth int) {
		if depth >= deepest {
			cur.fail("values are nested too deep")
			return
		}
		if made == nil {
			made = skipping(s)
		}
		made(cur, depth+1)
	}
}
