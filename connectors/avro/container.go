package avro

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"

	"github.com/featurehost/featurehost/host/fault"
)

// Limits of a container file: what is larger is damage, or was not made for
// reading.
const (
	mostHeader = 64 << 20
	mostBlock  = 256 << 20
	mostMeta   = 10_000
)

// Container reads an object container file, block by block.
type Container struct {
	in     *bufio.Reader
	schema *Schema
	codec  string
	sync   [16]byte
	packed []byte // bytes of a block as stored, for reuse
	plain  bytes.Buffer
	read   int64
}

// OpenContainer reads the header. Errors: FH-7610, FH-7615 and those of in.
func OpenContainer(in io.Reader) (*Container, error) {
	c := &Container{in: bufio.NewReaderSize(in, 256<<10), codec: "null"}
	var magic [4]byte
	if err := c.full(magic[:]); err != nil {
		return nil, err
	}
	if string(magic[:]) != "Obj\x01" {
		return nil, fault.New(Corrupt, "the file does not begin as an Avro container does")
	}
	meta, err := c.meta()
	if err != nil {
		return nil, err
	}
	if v, ok := meta["avro.codec"]; ok && len(v) > 0 {
		c.codec = string(v)
	}
	switch c.codec {
	case "null", "deflate", "snappy":
	default:
		return nil, fault.New(BadSchema, "the blocks are packed with %q: null, deflate and snappy can be read", c.codec).
			WithHint("write the file with one of these")
	}
	if c.schema, err = Parse(string(meta["avro.schema"])); err != nil {
		return nil, err
	}
	return c, c.full(c.sync[:])
}

// Schema is the writer's.
func (c *Container) Schema() *Schema { return c.schema }

// Bytes tells how many bytes were read.
func (c *Container) Bytes() int64 { return c.read }

// meta reads the map of the header.
func (c *Container) meta() (map[string][]byte, error) {
	out := map[string][]byte{}
	total := 0
	for {
		n, err := c.long()
		if err != nil || n == 0 {
			return out, err
		}
		if n < 0 {
			n = -n
			if _, err := c.long(); err != nil {
				return nil, err
			}
		}
		if n < 0 || n > mostMeta {
			return nil, fault.New(Corrupt, "the header has %d entries", n)
		}
		for ; n > 0; n-- {
			var pair [2][]byte
			for i := range pair {
				size, err := c.long()
				if err != nil {
					return nil, err
				}
				if size < 0 || size > int64(mostHeader-total) {
					return nil, fault.New(Corrupt, "an entry of the header has %d bytes", size)
				}
				total += int(size)
				if pair[i], err = c.some(nil, int(size)); err != nil {
					return nil, err
				}
			}
			if len(out) >= mostMeta {
				return nil, fault.New(Corrupt, "the header has more than %d entries", mostMeta)
			}
			out[string(pair[0])] = pair[1]
		}
	}
}

// Next gives the rows of the next block and how many there are; io.EOF itself
// ends the file. The bytes are good until the next call.
func (c *Container) Next() (rows []byte, n int64, err error) {
	if _, err := c.in.Peek(1); err == io.EOF { //nolint:errorlint // the end of the file itself
		return nil, 0, io.EOF
	}
	if n, err = c.long(); err != nil {
		return nil, 0, err
	}
	size, err := c.long()
	if err != nil {
		return nil, 0, err
	}
	if n < 0 || size < 0 || size > mostBlock {
		return nil, 0, fault.New(Corrupt, "a block of %d rows in %d bytes: it can have %d bytes at most", n, size, mostBlock)
	}
	if c.packed, err = c.some(c.packed[:0], int(size)); err != nil {
		return nil, 0, err
	}
	var sync [16]byte
	if err := c.full(sync[:]); err != nil {
		return nil, 0, err
	}
	if sync != c.sync {
		return nil, 0, fault.New(Corrupt, "a block does not end with the mark of its file")
	}
	rows, err = c.unpack(c.packed)
	return rows, n, err
}

// unpack gives the rows of a block.
func (c *Container) unpack(b []byte) ([]byte, error) {
	switch c.codec {
	case "deflate":
		c.plain.Reset()
		r := flate.NewReader(bytes.NewReader(b))
		n, err := io.Copy(&c.plain, io.LimitReader(r, mostBlock+1))
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, fault.Wrap(cut(err), Corrupt, "a block cannot be unpacked")
		}
		if n > mostBlock {
			return nil, tooLarge()
		}
		return c.plain.Bytes(), nil
	case "snappy":
		if len(b) < 4 {
			return nil, fault.New(Corrupt, "a block packed with snappy has %d bytes", len(b))
		}
		body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
		size, err := snappy.DecodedLen(body)
		if err != nil {
			return nil, fault.Wrap(err, Corrupt, "a block cannot be unpacked")
		}
		// Snappy copies at most 64 bytes for each three of its own.
		if size > mostBlock || size > 64*len(body)+64 {
			return nil, tooLarge()
		}
		c.plain.Reset()
		c.plain.Grow(size)
		out, err := snappy.Decode(c.plain.AvailableBuffer()[:size], body)
		if err != nil {
			return nil, fault.Wrap(err, Corrupt, "a block cannot be unpacked")
		}
		if crc32.ChecksumIEEE(out) != sum {
			return nil, fault.New(Corrupt, "a block does not have the checksum kept with it")
		}
		return out, nil
	}
	return b, nil
}

func tooLarge() error {
	return fault.New(Corrupt, "a block unpacks to more than %d bytes", mostBlock)
}

// long reads a number of the file's own.
func (c *Container) long() (int64, error) {
	v, err := binary.ReadVarint(counting{c})
	if err != nil {
		return 0, fault.Wrap(cut(err), Corrupt, "the file ends early or is damaged")
	}
	return v, nil
}

type counting struct{ *Container }

// ReadByte implements io.ByteReader.
func (c counting) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == nil {
		c.read++
	}
	return b, err
}

func (c *Container) full(b []byte) error {
	n, err := io.ReadFull(c.in, b)
	c.read += int64(n)
	if err != nil {
		return fault.Wrap(cut(err), Corrupt, "the file ends early")
	}
	return nil
}

// some appends n bytes to dst, which grows as they come: a damaged length must
// not be believed.
func (c *Container) some(dst []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for n > 0 {
		more := min(n, step)
		from := len(dst)
		dst = append(dst, make([]byte, more)...)
		if err := c.full(dst[from:]); err != nil {
			return nil, err
		}
		n -= more
	}
	return dst, nil
}

// cut keeps io.EOF, which ends a read as it should, out of errors.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w", io.ErrUnexpectedEOF)
	}
	return err
}
