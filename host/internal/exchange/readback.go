package exchange

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/featurehost/featurehost/host/fault"
)

// runReader reads blocks of a run, one after the other.
type runReader struct {
	r      *run
	next   int // block
	mem    *held
	reader *ipc.Reader
	msgs   *messages
}

func newRunReader(s *spiller, r *run, first int) (*runReader, error) {
	m := &messages{schema: s.schema, r: r, next: first, mem: s.mem}
	rd, err := ipc.NewReaderFromMessageReader(m, ipc.WithAllocator(s.mem))
	if err != nil {
		m.Release()
		return nil, readError(r, err)
	}
	return &runReader{r: r, next: first, mem: s.mem, reader: rd, msgs: m}, nil
}

// read gives the next block; the caller releases it.
func (r *runReader) read() (arrow.RecordBatch, error) {
	rec, err := r.reader.Read()
	if err == nil && int(rec.NumRows()) != r.r.blocks[r.next].rows {
		err = errors.New("other number of rows than written")
	}
	if err != nil {
		return nil, readError(r.r, err)
	}
	r.next++
	rec.Retain()
	return rec, nil
}

func (r *runReader) release() { r.reader.Release() }

// readError names the file. Its cause is never io.EOF, which would read as the
// regular end of the rows.
func readError(r *run, err error) error {
	if fault.As(err) != nil {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fault.Wrap(err, SpillRead, "spilled rows in %q cannot be read back", r.path).
		WithHint("another process touched the scratch folder, or the disk is failing: check both and run again")
}

// messages is an ipc.MessageReader: the schema, then the blocks, each checked
// against its checksum.
type messages struct {
	schema []byte
	begun  bool
	r      *run
	next   int
	mem    *held
	msg    *ipc.Message
}

// Retain implements ipc.MessageReader; there is one owner, the reader.
func (m *messages) Retain() {}

// Release implements ipc.MessageReader.
func (m *messages) Release() {
	if m.msg != nil {
		m.msg.Release()
		m.msg = nil
	}
}

// Message implements ipc.MessageReader.
func (m *messages) Message() (*ipc.Message, error) {
	m.Release()
	if !m.begun {
		m.begun = true
		return m.parse(memory.NewBufferBytes(bytes.Clone(m.schema)))
	}
	if m.next == len(m.r.blocks) {
		return nil, io.EOF
	}
	b := m.r.blocks[m.next]
	m.next++
	buf := newBuffer(m.mem, int(b.bytes))
	defer buf.Release()
	if n, err := m.r.file.ReadAt(buf.Bytes(), b.offset); n < buf.Len() {
		return nil, readError(m.r, err)
	}
	if xxh3.Hash(buf.Bytes()) != b.sum {
		return nil, readError(m.r, errors.New("the checksum does not match"))
	}
	return m.parse(buf)
}

// parse cuts an encapsulated message into metadata and body; its bytes have
// been written by this process.
func (m *messages) parse(buf *memory.Buffer) (*ipc.Message, error) {
	const prefix = 8 // continuation marker and length of the metadata
	size := int(binary.LittleEndian.Uint32(buf.Bytes()[4:]))
	meta := memory.SliceBuffer(buf, prefix, size)
	defer meta.Release()
	body := memory.SliceBuffer(buf, prefix+size, buf.Len()-prefix-size)
	defer body.Release()
	m.msg = ipc.NewMessage(meta, body)
	return m.msg, nil
}
