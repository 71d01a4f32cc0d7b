//go:build wasip1

package sdk

import "unsafe"

//go:wasmimport featurehost_v1 log
func importLog(level int32, p unsafe.Pointer, n int32)

//go:wasmimport featurehost_v1 set_error
func importSetError(p unsafe.Pointer, n int32)

func hostLog(level Level, text string) {
	importLog(int32(level), unsafe.Pointer(unsafe.StringData(text)), int32(len(text)))
}

func setError(text string) {
	importSetError(unsafe.Pointer(unsafe.StringData(text)), int32(len(text)))
}

// at gives the address p of linear memory.
func at(p uint32) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), p) }

func addressOf(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

// Everything whose address the host holds is reachable from here, or the
// garbage collector would take it.
var (
	blocks  = map[uint32][]byte{}
	scratch Batch
	result  laid // of fh_process
	flushed laid // of fh_flush
	schema  struct {
		children []cSchema
		table    []uint32
		texts    [][]byte
	}
)

// laid is an output as it lies in memory: what stays the same in every answer.
type laid struct {
	children []cArray
	table    []uint32
	buffers  [][3]uint32
	roots    [1]uint32
}

//go:wasmexport fh_abi_version
func exportVersion() uint32 { return abiVersion }

//go:wasmexport fh_alloc
func exportAlloc(size uint32) uint32 {
	b := make([]byte, int(size)+alignment)
	p := (addressOf(unsafe.Pointer(&b[0])) + alignment - 1) &^ (alignment - 1)
	blocks[p] = b
	return p
}

//go:wasmexport fh_free
func exportFree(p, _ uint32) { delete(blocks, p) }

//go:wasmexport fh_init
func exportInit(cfg, cfgLen, in, out uint32) (status int32) {
	defer reportPanic()
	if current == nil {
		return answer(&Error{Unsupported, "no plugin is registered: call sdk.Map, sdk.Filter or sdk.Keyed from a package variable"}, BadConfig)
	}
	fields, err := readFields((*cSchema)(at(in)))
	if err == nil {
		err = current.open(unsafe.Slice((*byte)(at(cfg)), cfgLen), fields)
	}
	if err == nil {
		err = writeSchema((*cSchema)(at(out)))
	}
	if err == nil {
		prepare()
	}
	return answer(err, BadConfig)
}

//go:wasmexport fh_process
func exportProcess(in, out uint32) (status int32) {
	defer reportPanic()
	if err := readBatch((*cArray)(at(in))); err != nil {
		return answer(err, BadSchema)
	}
	if err := current.process(scratch); err != nil {
		return answer(err, BadData)
	}
	result.write((*cArray)(at(out)), current.out)
	return 0
}

// A module of another kind has it as well; the host does not call it there.
//
//go:wasmexport fh_flush
func exportFlush(out uint32) (status int32) {
	defer reportPanic()
	if !current.keyed {
		return answer(&Error{Unsupported, "the plugin is not keyed"}, Unsupported)
	}
	if err := current.end(); err != nil {
		return answer(err, BadData)
	}
	if current.flushed.rows == 0 {
		return statusEnd
	}
	flushed.write((*cArray)(at(out)), current.flushed)
	return 0
}

//go:wasmexport fh_release
func exportRelease(uint32) {}

// reportPanic tells the host what a panic was about and lets it go on to end
// the instance, since nothing vouches for its state any more.
func reportPanic() {
	if v := recover(); v != nil {
		setError(panicText(v))
		panic(v)
	}
}

func answer(err error, plainly Status) int32 {
	if err != nil {
		setError(err.Error())
	}
	return int32(statusOf(err, plainly))
}

func readFields(root *cSchema) ([]Field, error) {
	table := unsafe.Slice((*uint32)(at(root.children)), root.nChildren)
	fields := make([]Field, len(table))
	for i, p := range table {
		c := (*cSchema)(at(p))
		name, _, err := typeOf(text(c.format))
		if err != nil {
			return nil, SchemaError("input column " + text(c.name) + ": " + err.Error())
		}
		fields[i] = Field{text(c.name), name, c.flags&flagNullable != 0}
	}
	return fields, nil
}

func text(p uint32) string {
	var b []byte
	for c := (*byte)(at(p)); *c != 0; c = (*byte)(unsafe.Add(unsafe.Pointer(c), 1)) {
		b = append(b, *c)
	}
	return string(b)
}

func cText(s string) uint32 {
	b := append([]byte(s), 0)
	schema.texts = append(schema.texts, b)
	return addressOf(unsafe.Pointer(&b[0]))
}

func writeSchema(out *cSchema) error {
	cols := current.out.cols
	schema.children, schema.table = make([]cSchema, len(cols)), make([]uint32, len(cols)+1)
	for i, c := range cols {
		format, _, err := formatOf(c.Type)
		if err != nil {
			return SchemaError(err.Error())
		}
		s := &schema.children[i]
		s.format, s.name = cText(format), cText(c.Name)
		if c.Nullable {
			s.flags = flagNullable
		}
		schema.table[i] = addressOf(unsafe.Pointer(s))
	}
	*out = cSchema{format: cText("+s"), name: cText(""), nChildren: int64(len(cols)),
		children: addressOf(unsafe.Pointer(&schema.table[0]))}
	return nil
}

// prepare lays out what stays the same in every batch.
func prepare() {
	result.lay(current.out.cols)
	if current.keyed {
		flushed.lay(current.flushed.cols)
	}
	scratch.cols = make([]column, len(current.in))
	for i, f := range current.in {
		_, width, _ := formatOf(f.Type)
		scratch.cols[i] = column{Field: f, width: width}
	}
}

func (l *laid) lay(cols []*outColumn) {
	l.children = make([]cArray, len(cols))
	l.buffers = make([][3]uint32, len(cols))
	l.table = make([]uint32, len(cols)+1)
	for i, c := range cols {
		a := &l.children[i]
		a.nBuffers = 2
		if c.width < 0 {
			a.nBuffers = 3
		}
		a.buffers = addressOf(unsafe.Pointer(&l.buffers[i]))
		l.table[i] = addressOf(unsafe.Pointer(a))
	}
}

// readBatch points the views of scratch at the input.
func readBatch(root *cArray) error {
	if int(root.nChildren) != len(scratch.cols) {
		return SchemaError("the batch has another number of columns than the schema")
	}
	scratch.rows = int(root.length)
	table := unsafe.Slice((*uint32)(at(root.children)), len(scratch.cols))
	for i, p := range table {
		a, c := (*cArray)(at(p)), &scratch.cols[i]
		c.at = int(a.offset + root.offset)
		buffers := unsafe.Slice((*uint32)(at(a.buffers)), a.nBuffers)
		c.valid = nil
		if buffers[0] != 0 && a.nullCount != 0 {
			c.valid = unsafe.Slice((*byte)(at(buffers[0])), (c.at+scratch.rows+7)/8)
		}
		if c.width < 0 {
			c.offsets = unsafe.Slice((*int32)(at(buffers[1])), c.at+scratch.rows+1)
			c.data = at(buffers[2])
		} else {
			c.data = at(buffers[1])
		}
	}
	return nil
}

func (l *laid) write(out *cArray, made *Builder) {
	rows := made.rows
	for i, c := range made.cols {
		a, b := &l.children[i], &l.buffers[i]
		a.length, a.nullCount = int64(rows), int64(c.nulls)
		b[0] = 0
		if c.nulls > 0 {
			b[0] = addressOf(unsafe.Pointer(&c.valid[0]))
		}
		data := addressOf(unsafe.Pointer(unsafe.SliceData(c.data)))
		if c.width < 0 {
			b[1], b[2] = addressOf(unsafe.Pointer(&c.offsets[0])), data
		} else {
			b[1] = data
		}
	}
	*out = cArray{length: int64(rows), nBuffers: 1, nChildren: int64(len(l.children)),
		buffers:  addressOf(unsafe.Pointer(&l.roots)),
		children: addressOf(unsafe.Pointer(&l.table[0]))}
}
