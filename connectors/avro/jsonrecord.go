package avro

import (
	"bytes"
	"slices"

	hamba "github.com/hamba/avro/v2"

	"github.com/featurehost/featurehost/connectors/internal/jsontext"
)

// member is a field of the reader: its name and colon, and its value where it
// was not written.
type member struct{ name, absent []byte }

// jsonRecord writes the fields of the reader, in its order.
func (k *compiler) jsonRecord(r, w *hamba.RecordSchema) text {
	at := match(r, w)
	members, of := make([]member, len(at)), make([]int, len(w.Fields()))
	for i := range of {
		of[i] = -1
	}
	for i, f := range r.Fields() {
		members[i].name = append(jsontext.AppendQuoted(nil, f.Name()), ':')
		if at[i] >= 0 {
			of[at[i]] = i
			continue
		}
		absent, why := k.absentText(f)
		if why != "" {
			return func(cur *cursor, dst []byte) []byte {
				cur.fail(why)
				return dst
			}
		}
		members[i].absent = absent
	}
	values := make([]text, len(of)) // by field of the writer
	for i, f := range w.Fields() {
		if of[i] >= 0 {
			values[i] = k.text(r.Fields()[of[i]].Type(), f.Type())
			continue
		}
		skip := k.pass(f.Type())
		values[i] = func(cur *cursor, dst []byte) []byte {
			skip(cur)
			return dst
		}
	}
	written := slices.DeleteFunc(slices.Clone(at), func(i int) bool { return i < 0 })
	if slices.IsSorted(written) {
		return inOrder(members, values, of)
	}
	return reordered(members, values, of)
}

// absentText is the JSON of a field's default, null where it has none, or why it
// has no image in JSON.
func (k *compiler) absentText(f *hamba.Field) (b []byte, why string) {
	d, ok := k.defaults[f]
	if !ok {
		return []byte("null"), ""
	}
	cur := cursor{b: d, room: mostBatch}
	b = k.text(f.Type(), f.Type())(&cur, nil)
	return b, cur.bad
}

// appendName begins a member; several are parted by commas.
func appendName(dst []byte, members []member, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return append(dst, members[i].name...)
}

// inOrder writes values as they come. What stands between them is always the
// same.
func inOrder(members []member, values []text, of []int) text {
	between, next := make([][]byte, len(values)), 0
	fixed := []byte{'{'}
	for i, m := range of {
		if m < 0 {
			continue
		}
		for ; next < m; next++ {
			fixed = append(appendName(fixed, members, next), members[next].absent...)
		}
		between[i], fixed = appendName(fixed, members, m), nil
		next++
	}
	for ; next < len(members); next++ {
		fixed = append(appendName(fixed, members, next), members[next].absent...)
	}
	fixed = append(fixed, '}')
	return func(cur *cursor, dst []byte) []byte {
		for i, v := range values {
			if dst = v(cur, append(dst, between[i]...)); cur.bad != "" {
				return dst
			}
		}
		return append(dst, fixed...)
	}
}

// reordered writes values as they come, then puts them into the reader's order.
func reordered(members []member, values []text, of []int) text {
	return func(cur *cursor, dst []byte) []byte {
		from := len(dst)
		ends := make([]int, 1, len(values)+1)
		for _, v := range values {
			if dst = v(cur, dst); cur.bad != "" {
				return dst
			}
			ends = append(ends, len(dst)-from)
		}
		written := bytes.Clone(dst[from:])
		parts := make([][]byte, len(members))
		for i, m := range of {
			if m >= 0 {
				parts[m] = written[ends[i]:ends[i+1]]
			}
		}
		dst = append(dst[:from], '{')
		for i, m := range members {
			dst = appendName(dst, members, i)
			if parts[i] == nil {
				parts[i] = m.absent
			}
			dst = append(dst, parts[i]...)
		}
		return append(dst, '}')
	}
}
