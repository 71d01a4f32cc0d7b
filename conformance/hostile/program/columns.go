package main

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// frame is a message of a batch.
type frame struct{ header, body []byte }

// patch puts other numbers in place of some that stand side by side.
func (f *frame) patch(from, to []int64) {
	write := func(numbers []int64) (b []byte) {
		for _, n := range numbers {
			b = binary.LittleEndian.AppendUint64(b, uint64(n))
		}
		return b
	}
	patched := bytes.ReplaceAll(f.header, write(from), write(to))
	if bytes.Equal(patched, f.header) {
		panic("the numbers to patch are not there")
	}
	f.header = patched
}

// offset puts another number in place of the i-th offset of a text column.
func (f *frame) offset(i int, to int32) {
	binary.LittleEndian.PutUint32(f.body[4*i:], uint32(to))
}

// columns are batches that lie about their rows and buffers.
func columns() map[string]func(*answer) error {
	// forged sends a good answer, after a change to its message.
	forged := func(change func(f *frame, rows int64)) func(*answer) error {
		return func(a *answer) error {
			var f frame
			f.header, f.body = encode(a.shape, a.values(a.twice...))
			change(&f, int64(len(a.twice)))
			a.send(f.header, f.body, a.ack())
			return nil
		}
	}
	// whole answers with a record of any columns.
	whole := func(made func(a *answer) arrow.RecordBatch) func(*answer) error {
		return func(a *answer) error {
			header, body := encodeRecord(made(a))
			a.send(header, body, a.ack())
			return nil
		}
	}
	type n = []int64
	return map[string]func(*answer) error{
		"short":   func(a *answer) error { a.reply(a.values(a.twice[1:]...)); return nil },
		"surplus": func(a *answer) error { a.reply(a.values(append(a.twice, 1)...)); return nil },
		"two_columns": whole(func(a *answer) arrow.RecordBatch {
			y := a.values(a.twice...)
			return array.NewRecordBatch(arrow.NewSchema([]arrow.Field{a.shape.Field(0), a.shape.Field(0)}, nil), []arrow.Array{y, y}, int64(y.Len()))
		}),
		"no_columns": whole(func(a *answer) arrow.RecordBatch {
			return array.NewRecordBatch(arrow.NewSchema(nil, nil), nil, int64(len(a.twice)))
		}),
		"text_for_numbers": whole(func(a *answer) arrow.RecordBatch {
			s := arrow.NewSchema([]arrow.Field{{Name: "y", Type: arrow.BinaryTypes.String}}, nil)
			b := array.NewStringBuilder(memory.DefaultAllocator)
			for range a.twice {
				b.Append("four")
			}
			return array.NewRecordBatch(s, []arrow.Array{b.NewArray()}, int64(len(a.twice)))
		}),
		"null": func(a *answer) error { // where bind said that there is none
			b := array.NewBuilder(memory.DefaultAllocator, a.shape.Field(0).Type)
			b.AppendNulls(len(a.twice))
			a.reply(b.NewArray())
			return nil
		},
		"length_huge":     forged(func(f *frame, rows int64) { f.patch(n{rows}, n{1 << 40}) }),
		"length_negative": forged(func(f *frame, rows int64) { f.patch(n{rows}, n{-1}) }),
		"length_differs":  forged(func(f *frame, rows int64) { f.patch(n{rows, 0}, n{rows + 1, 0}) }),
		"nulls_lie":       forged(func(f *frame, rows int64) { f.patch(n{rows, 0}, n{rows, 1}) }),
		"nulls_negative":  forged(func(f *frame, rows int64) { f.patch(n{rows, 0}, n{rows, -7}) }),
		"nulls_huge":      forged(func(f *frame, rows int64) { f.patch(n{rows, 0}, n{rows, 1 << 40}) }),
		"buffers_outside": forged(func(f *frame, _ int64) { f.body = nil }),
		"buffers_huge":    forged(func(f *frame, rows int64) { f.patch(n{0, 8 * rows}, n{0, 1 << 62}) }),
		"buffers_wrap":    forged(func(f *frame, rows int64) { f.patch(n{0, 8 * rows}, n{-8, 8*rows + 8}) }),
		"buffers_short":   forged(func(f *frame, rows int64) { f.patch(n{0, 8 * rows}, n{0, 8*rows - 8}) }),
		"utf8_broken":     forged(func(f *frame, _ int64) { f.body[bytes.LastIndexAny(f.body, "2468")] = 0xff }),
		"utf8_offsets":    forged(func(f *frame, _ int64) { f.offset(1, 1<<31-1) }), // the second falls below the first
		"utf8_negative":   forged(func(f *frame, _ int64) { f.offset(0, -1) }),
		"utf8_overlong":   forged(func(f *frame, rows int64) { f.offset(int(rows), 1<<20) }),
		"decimal_beyond":  forged(func(f *frame, _ int64) { f.body[1] = 0xff }),
		"utf8_bomb": func(a *answer) error { // each message small enough, all together not
			for {
				a.part(text(5 << 19))
			}
		},
	}
}

// text makes one long value.
func text(size int) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.Append(strings.Repeat("x", size))
	return b.NewArray()
}
