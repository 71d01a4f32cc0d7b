package main

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// good answers as it should be: a map doubles its numbers, a filter keeps all
// rows.
func (a *answer) good() error {
	a.reply(a.values(a.twice...))
	return nil
}

// reply answers the batch with a column, whole and acknowledged.
func (a *answer) reply(column arrow.Array) {
	header, body := encode(a.shape, column)
	a.send(header, body, a.ack())
}

// part is some of an answer.
func (a *answer) part(column arrow.Array) {
	header, body := encode(a.shape, column)
	a.send(header, body, "")
}

func (a *answer) ack() string { return fmt.Sprintf(`{"ack":%d}`, a.seq) }

// values makes a column of the type that bind answered.
func (a *answer) values(numbers ...float64) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, a.shape.Field(0).Type)
	for i, v := range numbers {
		switch b := b.(type) {
		case *array.Float64Builder:
			b.Append(v)
		case *array.Int32Builder:
			b.Append(int32(i))
		case *array.BooleanBuilder:
			b.Append(true)
		default:
			must(b.AppendValueFromString(fmt.Sprint(v)))
		}
	}
	return b.NewArray()
}

// odd are answers that look wrong and are not, or are none of the host's
// business.
func odd() map[string]func(*answer) error {
	return map[string]func(*answer) error{
		"pieces": func(a *answer) error { // of a third each, with empty ones between
			n := len(a.twice)
			for i := range 3 {
				a.part(a.values(a.twice[i*n/3 : (i+1)*n/3]...))
				header, body := encode(a.shape, a.values())
				a.send(header, body, `{}`)
			}
			a.send(nil, nil, a.ack())
			return nil
		},
		"nan": func(a *answer) error {
			for i := range a.twice {
				a.twice[i] = math.Float64frombits(0xfff0_0000_0000_0001 + uint64(i))
			}
			return a.good()
		},
		"garbage_under_nulls": func(a *answer) error {
			d := a.values(a.twice...).Data()
			bits := memory.NewBufferBytes(make([]byte, (d.Len()+7)/8))
			a.reply(array.MakeFromData(array.NewData(d.DataType(), d.Len(), []*memory.Buffer{bits, d.Buffers()[1]}, nil, d.Len(), 0)))
			return nil
		},
	}
}
