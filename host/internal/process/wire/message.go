package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/featurehost/featurehost/abi/cdata"
)

// Kind of a message.
type Kind int

// The kinds that this package reads.
const (
	Schema Kind = 1
	Batch  Kind = 3
)

// Version numbers of Arrow's metadata: the two that differ in unions alone.
const (
	version4 = 3
	version5 = 4
)

// KindOf tells what a message is, by its metadata.
func KindOf(metadata []byte) (Kind, error) {
	f := &flat{b: metadata}
	k, _, err := header(f)
	return k, err
}

func header(f *flat) (Kind, table, error) {
	message := f.root()
	version, kind, body := message.number(0, 2), Kind(message.number(1, 1)), message.table(2)
	switch {
	case f.bad:
		return 0, body, errBroken
	case version != version4 && version != version5:
		return 0, body, fmt.Errorf("its metadata has version number %d, expected %d", version, version5)
	case !message.has(2):
		return 0, body, errors.New("its metadata holds no message")
	}
	return kind, body, nil
}

// ReadBatch takes a record batch apart; body holds its buffers, which the
// parts point into. The parts are not checked against any schema, nor against
// each other.
func ReadBatch(metadata, body []byte) (*cdata.Parts, error) {
	f := &flat{b: metadata}
	kind, t, err := header(f)
	if err != nil {
		return nil, err
	}
	if kind != Batch {
		return nil, fmt.Errorf("it is a message of kind %d, expected a record batch (%d)", kind, Batch)
	}
	nodes, n := t.vector(1, 16)
	buffers, m := t.vector(2, 16)
	p := &cdata.Parts{Rows: t.number(0, 8)}
	switch {
	case f.bad:
		return nil, errBroken
	case t.has(3):
		return nil, errors.New("its buffers are compressed")
	case t.has(4):
		return nil, errors.New("it holds views")
	}
	le := binary.LittleEndian
	p.Nodes = make([]cdata.Part, n)
	for i := range p.Nodes {
		b := nodes[16*i:]
		p.Nodes[i] = cdata.Part{Length: int64(le.Uint64(b)), Nulls: int64(le.Uint64(b[8:]))}
	}
	p.Buffers = make([][]byte, m)
	for i := range p.Buffers {
		at, size := le.Uint64(buffers[16*i:]), le.Uint64(buffers[16*i+8:])
		if at > uint64(len(body)) || size > uint64(len(body))-at {
			return nil, fmt.Errorf("buffer %d is said to be %d bytes at %d of a body of %d", i, size, at, len(body))
		}
		p.Buffers[i] = body[at : at+size : at+size]
	}
	return p, nil
}
