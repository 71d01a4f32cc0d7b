package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/featurehost/featurehost/host/fault"
)

// readCommitted leaves out what transactions have not committed.
const readCommitted = 1

// Limits of one fetch.
const (
	fetchBytes    = 4 << 20   // of an answer, unless its first batch is larger
	mostResponse  = 512 << 20 // of an answer that is believed
	keptResponse  = 16 << 20  // of the buffer that is kept for the next one
	fetchWait     = 500 * time.Millisecond
	leastVersion  = 4  // of the fetch protocol: Kafka 0.11
	knownVersion  = 11 // the last one without topic ids
	growResponses = 1 << 20
)

// fetched is what a broker sent of one partition. Its bytes are good until the
// link's next fetch.
type fetched struct {
	partition int32
	code      int16
	high      int64 // offset after the last message
	stable    int64 // offset after the last that is committed
	start     int64 // first offset held
	aborted   []aborted
	records   []byte
}

// aborted is a transaction that was given up.
type aborted struct{ producer, first int64 }

// want is a partition to fetch and the offset to begin with.
type want struct {
	partition int32
	offset    int64
}

// fetch asks the broker for messages; it answers within wait where there are
// none. The exchange is written out here because the answer's bytes are to be
// looked at where they lie.
func (l *link) fetch(ctx context.Context, topic string, wants []want, wait time.Duration) (out []fetched, err error) {
	version := min(l.versions[protocol.Fetch], knownVersion)
	if version < leastVersion {
		return nil, fault.New(Refused, "the broker speaks version %d of the fetch protocol: %d is the least (Kafka 0.11)", version, leastVersion).At("kafka %s", l.addr)
	}
	done := l.watch(ctx, wait+requestTimeout)
	defer func() { err = done(err) }()
	l.fetches++
	if _, err := l.pc.Write(fetchRequest(version, l.fetches, topic, wants, wait)); err != nil {
		return nil, err
	}
	b, err := l.response()
	if err != nil {
		return nil, err
	}
	return parseFetch(b, version, l.fetches)
}

func fetchRequest(version int16, number int32, topic string, wants []want, wait time.Duration) []byte {
	be := binary.BigEndian
	b := make([]byte, 4, 128+32*len(wants))
	b = be.AppendUint16(b, uint16(protocol.Fetch))
	b = be.AppendUint16(b, uint16(version))
	b = be.AppendUint32(b, uint32(number))
	b = appendString(b, clientID)
	b = be.AppendUint32(b, ^uint32(0)) // no replica
	b = be.AppendUint32(b, uint32(wait.Milliseconds()))
	b = be.AppendUint32(b, 1) // a byte is enough to answer
	b = be.AppendUint32(b, fetchBytes)
	b = append(b, readCommitted)
	if version >= 7 { // no session
		b = be.AppendUint32(b, 0)
		b = be.AppendUint32(b, ^uint32(0))
	}
	b = be.AppendUint32(b, 1)
	b = appendString(b, topic)
	b = be.AppendUint32(b, uint32(len(wants)))
	for _, w := range wants {
		b = be.AppendUint32(b, uint32(w.partition))
		if version >= 9 {
			b = be.AppendUint32(b, ^uint32(0)) // whatever the leader's epoch
		}
		b = be.AppendUint64(b, uint64(w.offset))
		if version >= 5 {
			b = be.AppendUint64(b, ^uint64(0))
		}
		b = be.AppendUint32(b, fetchBytes)
	}
	if version >= 7 {
		b = be.AppendUint32(b, 0) // forgotten topics
	}
	if version >= 11 {
		b = appendString(b, "") // rack
	}
	be.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// response reads an answer into the link's buffer, which grows as the bytes
// come.
func (l *link) response() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(l.pc, head[:]); err != nil {
		return nil, err
	}
	size := int(int32(binary.BigEndian.Uint32(head[:])))
	if size < 8 || size > mostResponse {
		return nil, fmt.Errorf("%w: it has %d bytes", errGarbled, size)
	}
	l.buf = l.buf[:0]
	if cap(l.buf) > keptResponse && size <= keptResponse {
		l.buf = nil
	}
	for len(l.buf) < size {
		from, more := len(l.buf), min(size-len(l.buf), growResponses)
		if cap(l.buf) >= from+more {
			l.buf = l.buf[:from+more]
		} else {
			l.buf = append(l.buf, make([]byte, more)...)
		}
		if _, err := io.ReadFull(l.pc, l.buf[from:]); err != nil {
			return nil, err
		}
	}
	return l.buf, nil
}

// wire reads the fields of an answer. Once it has come to its end, short is
// set and every further field is zero.
type wire struct {
	b     []byte
	short bool
}

func (w *wire) take(n int) []byte {
	if n < 0 || n > len(w.b) {
		w.short, w.b = true, nil
		return nil
	}
	out := w.b[:n]
	w.b = w.b[n:]
	return out
}

func (w *wire) int16() int16 {
	if b := w.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (w *wire) int32() int32 {
	if b := w.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (w *wire) int64() int64 {
	if b := w.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads the length of an array whose elements take so many bytes at
// least.
func (w *wire) count(least int) int {
	n := int(w.int32())
	if n < 0 {
		return 0
	}
	if n > len(w.b)/least {
		w.short, w.b = true, nil
		return 0
	}
	return n
}

// errGarbled is an answer whose bytes are none of the protocol.
var errGarbled = errors.New("the answer to a fetch cannot be read")

// parseFetch reads an answer. The bytes of messages are those of b.
func parseFetch(b []byte, version int16, number int32) ([]fetched, error) {
	w := &wire{b: b}
	if got := w.int32(); got != number {
		return nil, fmt.Errorf("%w: it is for request %d, and %d was asked", errGarbled, got, number)
	}
	w.int32() // throttled for
	if version >= 7 {
		if code := w.int16(); code != 0 {
			return nil, errorCode(code)
		}
		w.int32() // session
	}
	var out []fetched
	for range w.count(6) {
		w.take(int(w.int16())) // topic: there is one
		for range w.count(22) {
			p := fetched{partition: w.int32(), code: w.int16(), high: w.int64(), stable: w.int64(), start: -1}
			if version >= 5 {
				p.start = w.int64()
			}
			for range w.count(16) {
				p.aborted = append(p.aborted, aborted{producer: w.int64(), first: w.int64()})
			}
			if version >= 11 {
				w.int32() // preferred replica
			}
			if n := w.int32(); n > 0 {
				p.records = w.take(int(n))
			}
			if w.short {
				return nil, errGarbled
			}
			out = append(out, p)
		}
	}
	if w.short {
		return nil, errGarbled
	}
	return out, nil
}
