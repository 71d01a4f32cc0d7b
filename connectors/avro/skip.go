package avro

import hamba "github.com/hamba/avro/v2"

// pass steps over a value.
type pass func(*cursor)

// pass compiles the stepping over values of s, once.
func (k *compiler) pass(s hamba.Schema) pass {
	s = resolved(s)
	made, ok := k.passes[s]
	if !ok {
		made = new(pass) // schemas may hold themselves
		k.passes[s] = made
		*made = k.makePass(s)
	}
	return func(cur *cursor) {
		if cur.enter() {
			(*made)(cur)
		}
		cur.leave()
	}
}

func (k *compiler) makePass(s hamba.Schema) pass {
	switch x := s.(type) {
	case *hamba.NullSchema:
		return func(*cursor) {}
	case *hamba.FixedSchema:
		return func(cur *cursor) { cur.take(x.Size()) }
	case *hamba.PrimitiveSchema:
		switch x.Type() {
		case hamba.Boolean:
			return func(cur *cursor) { cur.bool() }
		case hamba.Int:
			return func(cur *cursor) { cur.int() }
		case hamba.Float:
			return func(cur *cursor) { cur.take(4) }
		case hamba.Double:
			return func(cur *cursor) { cur.take(8) }
		case hamba.Bytes, hamba.String:
			return func(cur *cursor) { cur.bytes() }
		}
	case *hamba.EnumSchema:
		symbols := len(x.Symbols())
		return func(cur *cursor) { cur.number(symbols, noSymbol) }
	case *hamba.RecordSchema:
		fields := make([]pass, len(x.Fields()))
		for i, f := range x.Fields() {
			fields[i] = k.pass(f.Type())
		}
		return func(cur *cursor) {
			for _, f := range fields {
				if f(cur); cur.bad != "" {
					return
				}
			}
		}
	case *hamba.UnionSchema:
		types := make([]pass, len(x.Types()))
		for i, t := range x.Types() {
			types[i] = k.pass(t)
		}
		return func(cur *cursor) {
			if n := cur.number(len(types), noType); n >= 0 {
				types[n](cur)
			}
		}
	case *hamba.ArraySchema:
		elem, least := k.pass(x.Items()), k.leastBytes(x.Items())
		return func(cur *cursor) { cur.blocks(least, func() { elem(cur) }) }
	case *hamba.MapSchema:
		elem := k.pass(x.Values())
		return func(cur *cursor) {
			cur.blocks(1, func() {
				cur.bytes()
				elem(cur)
			})
		}
	}
	return func(cur *cursor) { cur.long() } // long
}
