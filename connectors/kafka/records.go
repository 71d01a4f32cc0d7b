package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
)

func errorCode(code int16) error { return kafkago.Error(code) }

// A record batch begins with a header of so many bytes; its length counts those
// behind the first twelve.
const (
	batchHead   = 61
	batchPrefix = 12
	mostPlain   = 128 << 20 // bytes that a batch may unpack to
	keptPlain   = 8 << 20   // of the buffer that is kept for the next batch
)

// Bits of a batch's attributes.
const (
	attrCodec         = 7
	attrLogAppend     = 1 << 3
	attrTransactional = 1 << 4
	attrControl       = 1 << 5
)

// message is one message; its bytes lie in those of the fetch.
type message struct {
	offset     int64
	time       int64 // milliseconds, or noTime
	key, value []byte
	headers    []byte // count and headers as they were sent
	kind       int32  // of time: 0 create time, 1 log append time
}

// noTime is the time of a message that has none, or one that is no time.
const noTime = math.MinInt64

// walker walks over the messages of partitions. Its buffer is reused.
type walker struct {
	plain bytes.Buffer
	given map[int64]bool // producers inside a transaction that was given up
}

// errStop ends a walk early.
var errStop = fmt.Errorf("enough")

// walk calls f for each message at or behind from, and gives the offset behind
// the last one passed: also offsets without a message count (K2). With errStop
// of f, the walk ends before that message.
func (k *walker) walk(p fetched, from int64, f func(*message) error) (next int64, err error) {
	next = from
	pending := slices.Clone(p.aborted)
	slices.SortFunc(pending, func(a, b aborted) int { return int(min(max(a.first-b.first, -1), 1)) })
	clear(k.given)
	b := p.records
	for len(b) >= batchPrefix {
		base := int64(binary.BigEndian.Uint64(b))
		size := int(int32(binary.BigEndian.Uint32(b[8:])))
		if size < 0 || size > len(b)-batchPrefix {
			break // brokers cut the last batch off
		}
		if size < 5 {
			return next, fmt.Errorf("a batch of %d bytes at offset %d", size, base)
		}
		whole := b[:batchPrefix+size]
		b = b[batchPrefix+size:]
		if magic := whole[16]; magic != 2 {
			return next, fmt.Errorf("messages of format %d at offset %d: 2 is read, which is that of Kafka 0.11 and later", magic, base)
		}
		if len(whole) < batchHead {
			return next, fmt.Errorf("a batch of %d bytes at offset %d", size, base)
		}
		head := header(whole)
		last := base + int64(head.lastDelta)
		if head.lastDelta < 0 || head.count < 0 || base < 0 || last < base {
			return next, fmt.Errorf("a batch at offset %d with %d messages up to offset %d", base, head.count, last)
		}
		if last < from { // of a batch that began before, with nothing left
			continue
		}
		if crc32.Checksum(whole[21:], castagnoli) != head.crc {
			return next, fmt.Errorf("a batch at offset %d with a wrong checksum", base)
		}
		for len(pending) > 0 && pending[0].first <= last {
			if k.given == nil {
				k.given = map[int64]bool{}
			}
			k.given[pending[0].producer] = true
			pending = pending[1:]
		}
		switch {
		case head.attributes&attrControl != 0:
			delete(k.given, head.producer) // a transaction ends, in one way or the other
		case head.attributes&attrTransactional != 0 && k.given[head.producer]:
		default:
			reached, err := k.messages(whole[batchHead:], head, base, from, f)
			if err != nil {
				return max(next, reached), err
			}
		}
		next = max(next, last+1)
	}
	return next, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is what a batch says of itself.
type head struct {
	crc              uint32
	attributes       int16
	lastDelta, count int32
	first, greatest  int64
	producer         int64
}

func header(b []byte) head {
	be := binary.BigEndian
	return head{
		crc: be.Uint32(b[17:]), attributes: int16(be.Uint16(b[21:])), lastDelta: int32(be.Uint32(b[23:])),
		first: int64(be.Uint64(b[27:])), greatest: int64(be.Uint64(b[35:])), producer: int64(be.Uint64(b[43:])), count: int32(be.Uint32(b[57:])),
	}
}

// messages walks over the messages of a batch, and gives the offset behind the
// last one that f took.
func (k *walker) messages(b []byte, h head, base, from int64, f func(*message) error) (reached int64, err error) {
	reached = from
	if c := compress.Compression(h.attributes & attrCodec); c != 0 {
		defer k.forget()
		codec := c.Codec()
		if codec == nil {
			return reached, fmt.Errorf("a batch at offset %d is packed in a way that is not known (%d)", base, c)
		}
		if b, err = k.unpack(codec, b); err != nil {
			return reached, fmt.Errorf("a batch at offset %d cannot be unpacked: %w", base, err)
		}
	}
	var m message
	if h.attributes&attrLogAppend != 0 {
		m.kind = 1
	}
	for n := h.count; n > 0; n-- {
		size, i := varint(b)
		if i == 0 || size < 0 || size > int64(len(b)-i) {
			return reached, fmt.Errorf("a batch at offset %d has %d messages less than it says", base, n)
		}
		one := b[i : i+int(size)]
		b = b[i+int(size):]
		if !m.read(one, h, base) {
			return reached, fmt.Errorf("a message of the batch at offset %d cannot be read", base)
		}
		if m.offset < from {
			continue
		}
		if err := f(&m); err != nil {
			return reached, err
		}
		reached = m.offset + 1
	}
	return reached, nil
}

func (k *walker) unpack(codec compress.Codec, b []byte) ([]byte, error) {
	k.plain.Reset()
	r := codec.NewReader(bytes.NewReader(b))
	defer r.Close()
	n, err := io.Copy(&k.plain, io.LimitReader(r, mostPlain+1))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// io.EOF in the tree would be taken for the end of the rows.
		return nil, errors.New("its bytes end early")
	}
	if err != nil {
		return nil, err
	}
	if n > mostPlain {
		return nil, fmt.Errorf("it has more than %d bytes", mostPlain)
	}
	return k.plain.Bytes(), nil
}

// forget lets go of what an unusually large batch took.
func (k *walker) forget() {
	if k.plain.Cap() > keptPlain {
		k.plain = bytes.Buffer{}
	}
}

// timeOf gives the time of a message, as far as it fits the column: a producer
// may write anything, and -1 where it has no time.
func timeOf(first, delta int64) int64 {
	t := first + delta
	if wrapped := (t < first) != (delta < 0); wrapped || t == -1 || t > math.MaxInt64/1000 || t < math.MinInt64/1000 {
		return noTime
	}
	return t
}

// read takes a message apart; false when it is not whole.
func (m *message) read(b []byte, h head, base int64) bool {
	if len(b) == 0 {
		return false
	}
	b = b[1:] // attributes: none are in use
	delta, n := varint(b)
	if n == 0 {
		return false
	}
	b = b[n:]
	m.time = timeOf(h.first, delta)
	if m.kind == 1 {
		m.time = timeOf(h.greatest, 0)
	}
	at, n := varint(b)
	if n == 0 || at < 0 || at > int64(h.lastDelta) {
		return false
	}
	m.offset = base + at
	b = b[n:]
	var ok bool
	if m.key, b, ok = bytesOf(b); !ok {
		return false
	}
	if m.value, b, ok = bytesOf(b); !ok {
		return false
	}
	m.headers = b
	return len(b) > 0
}

// bytesOf reads a length and as many bytes; nil for a length of -1.
func bytesOf(b []byte) (v, rest []byte, ok bool) {
	size, n := varint(b)
	if n == 0 || size > int64(len(b)-n) || size < -1 {
		return nil, nil, false
	}
	if size == -1 {
		return nil, b[n:], true
	}
	return b[n : n+int(size) : n+int(size)], b[n+int(size):], true
}

// varint reads a zig-zag number and tells how many bytes it took, 0 where there
// is none.
func varint(b []byte) (int64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return int64(b[0]>>1) ^ -int64(b[0]&1), 1
	}
	v, n := binary.Varint(b)
	return v, max(n, 0)
}
