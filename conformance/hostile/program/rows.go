package main

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// rows are answers of row numbers, good ones and others: of filters, and of keyed
// plugins that answer while they see rows.
func rows() map[string]func(*answer) error {
	// each answers with several messages; last is the number of the last row.
	each := func(pieces func(last int32) [][]int32) func(*answer) error {
		return func(a *answer) error {
			for _, piece := range pieces(int32(len(a.twice) - 1)) {
				a.part(numbers(piece...))
			}
			a.send(nil, nil, a.ack())
			return nil
		}
	}
	one := func(piece ...int32) func(*answer) error {
		return each(func(int32) [][]int32 { return [][]int32{piece} })
	}
	return map[string]func(*answer) error{
		"rows_odd":            each(func(last int32) [][]int32 { return [][]int32{odds(last)} }),
		"rows_pieces":         each(func(last int32) [][]int32 { return [][]int32{odds(last)[:1], odds(last)[1:]} }),
		"rows_pieces_falling": each(func(last int32) [][]int32 { return [][]int32{odds(last)[1:], odds(last)[:1]} }),
		"rows_none":           each(func(int32) [][]int32 { return nil }),
		"rows_falling":        one(2, 1),
		"rows_same":           one(1, 1),
		"rows_negative":       one(-1, 1),
		"rows_beyond":         each(func(last int32) [][]int32 { return [][]int32{{last + 1}} }),
		"keep_short": func(a *answer) error {
			a.reply(a.values(a.twice[1:]...))
			return nil
		},
		"keep_pieces": func(a *answer) error {
			for i := range a.twice {
				b := array.NewBooleanBuilder(memory.DefaultAllocator)
				b.Append(i%2 == 1)
				a.part(b.NewArray())
			}
			a.send(nil, nil, a.ack())
			return nil
		},

		"flush_takes_exit":   deaths()["exit"],
		"flush_takes_hang":   deaths()["hang"],
		"flush_takes_no":     func(*answer) error { return status.Error(codes.InvalidArgument, "said on purpose") },
		"flush_takes_beyond": one(0, -1),
		// in any order, again and again, in several messages
		"flush_takes_pieces": each(func(last int32) [][]int32 { return [][]int32{{last, 0}, nil, {0, 0}} }),
	}
}

func odds(last int32) (out []int32) {
	for i := int32(1); i <= last; i += 2 {
		out = append(out, i)
	}
	return out
}

func numbers(values ...int32) arrow.Array {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}
