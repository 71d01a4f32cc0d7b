// Command nth gives the number of each row among those of its key, and at the end
// one row for each key with the number of its rows: the twin of ../nth.c. Config
// "half" makes it answer for every other row only, last ones first; "fail" makes
// it misbehave.
package main

import (
	"slices"

	sdk "github.com/featurehost/featurehost/pluginsdk/go"
)

// atOnce is how many keys a flush tells of.
const atOnce = 3

type nth struct {
	Half bool   `json:"half"`
	Fail string `json:"fail"`

	keys    []int64 // as they came
	seen    map[int64]*count
	flushed int
	rows    []int32
	numbers []int64
}

type count struct{ rows, last int64 }

// Check is called when the config is there.
func (n *nth) Check() error {
	n.seen = map[int64]*count{}
	return nil
}

func (n *nth) process(in sdk.Batch, out *sdk.Builder) error {
	times := in.Timestamp("fh_time")
	n.rows, n.numbers = n.rows[:0], n.numbers[:0]
	for i, key := range in.Int64("fh_key_0").Values() {
		c := n.seen[key]
		if c == nil {
			c = &count{}
			n.seen[key], n.keys = c, append(n.keys, key)
		}
		c.rows++
		c.last = times.Value(i)
		if n.Half && c.rows%2 == 0 {
			continue
		}
		n.rows, n.numbers = append(n.rows, int32(i)), append(n.numbers, c.rows)
	}
	if n.Half { // in another order than they came
		slices.Reverse(n.rows)
		slices.Reverse(n.numbers)
	}
	if in.Rows() > 0 {
		switch n.Fail {
		case "rows":
			n.rows[0] = int32(in.Rows())
		case "trap":
			panic("fail says so")
		}
	}
	out.Take(n.rows)
	copy(out.Int64("nth").Values(), n.numbers)
	return nil
}

func (n *nth) flush(out *sdk.Builder) error {
	switch n.Fail {
	case "flush":
		return sdk.DataError("cannot")
	case "flushtrap":
		panic("fail says so")
	case "endless":
		n.flushed = 0
	case "take":
		out.Take(nil)
	}
	from := n.flushed
	n.flushed = min(from+atOnce, len(n.keys))
	out.Make(n.flushed - from)
	keys, times, numbers := out.Int64("fh_key_0"), out.Timestamp("fh_time"), out.Int64("nth")
	for i, key := range n.keys[from:n.flushed] {
		keys.Set(i, key)
		times.Set(i, n.seen[key].last)
		numbers.Set(i, n.seen[key].rows)
	}
	return nil
}

var _ = sdk.Keyed((*nth).process, (*nth).flush, sdk.Field{Name: "nth", Type: "int64", Nullable: true})

func main() {}
