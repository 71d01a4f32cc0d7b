package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"
)

// recordBatch is a batch of n messages of the same value, from offset 0.
func recordBatch(n int, value string) []byte {
	var body []byte
	for i := range n {
		var one []byte
		one = append(one, 0)
		one = binary.AppendVarint(one, int64(i))
		one = binary.AppendVarint(one, int64(i))
		one = binary.AppendVarint(one, -1)
		one = binary.AppendVarint(one, int64(len(value)))
		one = append(one, value...)
		one = binary.AppendVarint(one, 0)
		body = append(binary.AppendVarint(body, int64(len(one))), one...)
	}
	return sealed(0, 0, int32(n-1), int32(n), 7, body)
}

// sealed is a batch with a header and its checksum.
func sealed(base int64, attributes int16, last, count int32, producer int64, body []byte) []byte {
	be := binary.BigEndian
	b := make([]byte, batchHead, batchHead+len(body))
	b = append(b, body...)
	be.PutUint64(b, uint64(base))
	be.PutUint32(b[8:], uint32(len(b)-batchPrefix))
	b[16] = 2
	be.PutUint16(b[21:], uint16(attributes))
	be.PutUint32(b[23:], uint32(last))
	be.PutUint64(b[27:], 1000)
	be.PutUint64(b[35:], 2000)
	be.PutUint64(b[43:], uint64(producer))
	be.PutUint32(b[57:], uint32(count))
	be.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

// reseal gives a changed batch its checksum.
func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
	return b
}

// one is the body of a message at a distance from its batch's offset.
func one(at int64, value string) []byte {
	b := []byte{0}
	b = binary.AppendVarint(b, 0)
	b = binary.AppendVarint(b, at)
	b = binary.AppendVarint(b, -1)
	b = append(binary.AppendVarint(b, int64(len(value))), value...)
	b = binary.AppendVarint(b, 0)
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

func offsetsOf(t testing.TB, p fetched, from int64) (got []int64, next int64) {
	t.Helper()
	var k walker
	next, err := k.walk(p, from, func(m *message) error { got = append(got, m.offset); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return got, next
}

// Rule: K2.
func TestWalk_Gaps_SteppedOver(t *testing.T) {
	var all []byte
	all = append(all, sealed(0, 0, 9, 2, 7, append(one(2, "a"), one(5, "b")...))...) // compacted
	all = append(all, sealed(10, 0, 4, 0, 7, nil)...)                                // nothing is left of it
	all = append(all, sealed(15, attrTransactional, 0, 1, 8, one(0, "given up"))...)
	all = append(all, sealed(16, attrTransactional, 0, 1, 9, one(0, "kept"))...)
	all = append(all, sealed(17, attrTransactional|attrControl, 0, 1, 8, one(0, ""))...)
	all = append(all, sealed(18, attrTransactional, 0, 1, 8, one(0, "of the next one"))...)
	all = append(all, sealed(19, attrTransactional|attrControl, 0, 1, 9, one(0, ""))...)
	got, next := offsetsOf(t, fetched{records: all, aborted: []aborted{{producer: 8, first: 15}}}, 0)
	if fmt.Sprint(got) != "[2 5 16 18]" || next != 20 {
		t.Errorf("%v, %d", got, next)
	}
	if got, next := offsetsOf(t, fetched{records: all}, 3); fmt.Sprint(got) != "[5 15 16 18]" || next != 20 {
		t.Errorf("%v, %d", got, next)
	}
	// A last batch that was cut off is not an error, and not passed.
	for n := range len(all) {
		if _, next := offsetsOf(t, fetched{records: all[:n]}, 0); next > 20 {
			t.Fatal(next)
		}
	}
}

func TestWalk_Stop_BeforeTheMessage(t *testing.T) {
	var k walker
	next, err := k.walk(fetched{records: recordBatch(10, "x")}, 0, func(m *message) error {
		if m.offset == 4 {
			return errStop
		}
		return nil
	})
	if next != 4 || !errors.Is(err, errStop) {
		t.Error(next, err)
	}
}

func TestWalk_DamagedByte_NeverAnotherMessage(t *testing.T) {
	whole := recordBatch(3, "value")
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x40
		var k walker
		n := 0
		_, err := k.walk(fetched{records: b}, 0, func(m *message) error {
			if string(m.value) != "value" {
				t.Fatalf("byte %d: %q", i, m.value)
			}
			n++
			return nil
		})
		if err == nil && n == 3 && i > 11 && (i < 12 || i > 15) { // leader epoch, which nothing guards
			t.Errorf("byte %d of %d is changed and nobody sees it", i, len(whole))
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(recordBatch(3, "value"), int64(0))
	f.Add(sealed(10, 1, 4, 2, 7, []byte{0x1f, 0x8b}), int64(12))
	f.Fuzz(func(t *testing.T, b []byte, from int64) {
		if len(b) >= batchHead { // past the checksum
			binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
		}
		var k walker
		var g gathered
		g.keys, g.headers, g.times, g.kinds = true, true, true, true
		g.start(4)
		next, _ := k.walk(fetched{records: b}, from, func(m *message) error {
			if m.offset < from {
				t.Fatal("before the start")
			}
			g.add(0, m)
			return nil
		})
		if next < from {
			t.Fatal(next)
		}
		g.about(colHeaders, "t").Release()
		g.about(colKey, "t").Release()
	})
}

func FuzzParseFetch(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1}, 11)
	f.Fuzz(func(_ *testing.T, b []byte, version int) {
		_, _ = parseFetch(b, int16(4+version%8), 1)
	})
}
