package colfile

// leaf buffers the values of one column until its row group is encoded.
type leaf struct {
	kind    kind // of the values; of the elements of a list
	list    bool
	maxDef  uint8
	levels  int // definition levels so far; rows, unless a list
	nulls   int // levels below maxDef
	def     store[uint8]
	rep     store[uint8]
	v8      store[uint8] // booleans; bytes of texts
	v32     store[uint32]
	v64     store[uint64]
	v128    store[int128]
	scratch []int32 // rows of a list's elements
}

func (l *leaf) init(k, elem kind) {
	l.kind, l.maxDef = k, 1
	if k == kindList {
		// optional group, repeated group, optional element
		l.kind, l.list, l.maxDef = elem, true, 3
	}
}

// append takes the given rows of src, in that order.
func (l *leaf) append(a *Arena, src *Source, rows []int32) error {
	if l.list {
		return l.appendLists(a, src, rows)
	}
	if err := l.appendDefs(a, src, rows); err != nil {
		return err
	}
	return l.appendValues(a, src, rows)
}

// appendDefs adds a definition level per row. None is stored until a source
// has a null; from then on every row has one.
func (l *leaf) appendDefs(a *Arena, src *Source, rows []int32) error {
	if src.nulls == 0 && l.def.n == 0 {
		l.levels += len(rows)
		return nil
	}
	if l.def.n < l.levels { // the first source with a null: the rows so far were valid
		if err := l.def.fill(a, 1, l.levels-l.def.n); err != nil {
			return err
		}
	}
	if src.nulls == 0 {
		l.levels += len(rows)
		return l.def.fill(a, 1, len(rows))
	}
	l.levels += len(rows)
	for len(rows) > 0 {
		room, err := l.def.room(a)
		if err != nil {
			return err
		}
		k := min(len(rows), len(room))
		valid := 0
		for i, r := range rows[:k] {
			bit := src.offset + int(r)
			v := src.valid[bit>>3] >> (bit & 7) & 1
			room[i] = v
			valid += int(v)
		}
		l.def.wrote(k)
		l.nulls += k - valid
		rows = rows[k:]
	}
	return nil
}

// appendValues adds the values of the rows that are not null.
func (l *leaf) appendValues(a *Arena, src *Source, rows []int32) error {
	switch l.kind {
	case kind32:
		return gatherInto(&l.v32, a, src.v32, src, rows)
	case kind64:
		return gatherInto(&l.v64, a, src.v64, src, rows)
	case kind128:
		return gatherInto(&l.v128, a, src.v128, src, rows)
	case kindBool:
		return gatherBits(&l.v8, a, src.bits, src.valid, src.offset, src.offset, rows)
	default:
		for _, r := range rows {
			if src.isNull(r) {
				continue
			}
			from, to := src.offsets[r], src.offsets[r+1]
			if err := l.v32.push(a, []uint32{uint32(to - from)}); err != nil {
				return err
			}
			if err := l.v8.push(a, src.data[from:to]); err != nil {
				return err
			}
		}
		return nil
	}
}

func gatherInto[T value](s *store[T], a *Arena, values []T, src *Source, rows []int32) error {
	if src.nulls == 0 {
		return s.gather(a, values, rows)
	}
	return s.gatherValid(a, values, src.valid, src.offset, rows)
}

// appendLists adds levels and elements of lists: 0 null, 1 empty, 2 a null
// element, 3 an element.
func (l *leaf) appendLists(a *Arena, src *Source, rows []int32) error {
	var defs, reps []uint8
	elems := l.scratch[:0]
	for _, r := range rows {
		switch from, to := src.offsets[r], src.offsets[r+1]; {
		case src.isNull(r):
			defs, reps = append(defs, 0), append(reps, 0)
			l.nulls++
		case from == to:
			defs, reps = append(defs, 1), append(reps, 0)
			l.nulls++
		default:
			for e := from; e < to; e++ {
				d := uint8(3)
				if src.elem.isNull(e) {
					d = 2
					l.nulls++
				}
				defs = append(defs, d)
				reps = append(reps, min(uint8(e-from), 1))
				elems = append(elems, e)
			}
		}
	}
	l.scratch = elems
	l.levels += len(defs)
	if err := l.def.push(a, defs); err != nil {
		return err
	}
	if err := l.rep.push(a, reps); err != nil {
		return err
	}
	return l.appendValues(a, src.elem, elems)
}

// bytes is the size of the values and levels of the column.
func (l *leaf) bytes() int64 {
	return int64(l.def.n + l.rep.n + l.v8.n + 4*l.v32.n + 8*l.v64.n + 16*l.v128.n)
}

// release empties the column.
func (l *leaf) release(a *Arena) {
	l.def.release(a)
	l.rep.release(a)
	l.v8.release(a)
	l.v32.release(a)
	l.v64.release(a)
	l.v128.release(a)
	l.levels, l.nulls = 0, 0
}
