package sdk

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// names tells of each row which of its key it is, and at the end the rows of each
// key.
type names struct {
	Fail string `json:"fail"`

	keys []string
	seen map[string]int64
	told int
}

func (n *names) Check() error {
	n.seen = map[string]int64{}
	return nil
}

func (n *names) process(in Batch, out *Builder) error {
	if n.Fail == "make" {
		out.Make(1)
	}
	keys := in.String("fh_key_0")
	var rows []int32
	var texts []string
	for i := range in.Rows() {
		key := strings.Clone(keys.Value(i))
		if n.seen[key] == 0 {
			n.keys = append(n.keys, key)
		}
		n.seen[key]++
		if key != "skip" {
			rows = append(rows, int32(i))
			texts = append(texts, fmt.Sprintf("%s %d", key, n.seen[key]))
		}
	}
	if n.Fail == "none" {
		return nil
	}
	out.Take(rows)
	for _, t := range texts {
		if n.Fail != "short" {
			out.String("name").Append(t)
		}
	}
	return nil
}

func (n *names) flush(out *Builder) error {
	if n.Fail == "flush" {
		return DataError("cannot")
	}
	if n.Fail == "take" {
		out.Take(nil)
	}
	if n.told == len(n.keys) && n.Fail != "endless" {
		return nil
	}
	out.Make(1)
	key := n.keys[n.told]
	out.String("fh_key_0").Append(key)
	out.Timestamp("fh_time").SetNull(0)
	if n.Fail == "null" {
		out.String("name").AppendNull()
	} else {
		out.String("name").Append("all of " + key)
	}
	if n.Fail != "endless" {
		n.told++
	}
	return nil
}

func named() *Plugin {
	return Keyed((*names).process, (*names).flush, Field{"name", "utf8", false})
}

func namedInput() ([]Field, [][]any) {
	return []Field{{"fh_key_0", "utf8", true}, {"fh_time", "timestamp[us,UTC]", true}, {"x", "int64", true}},
		[][]any{{"a", 1, nil}, {"b", 1, 2}, {"skip", 3, 4}, {"a", 2, 5}, {"a", 3, 6}}
}

// ABI-M-012, ABI-M-016: a keyed plugin takes rows, keeps its keys over batches, and
// flushes keys, time and its columns, whatever the cut.
func TestKeyed_TakesAndFlushes(t *testing.T) {
	in, rows := namedInput()
	flushed := [][]any{{"a", nil, "all of a"}, {"b", nil, "all of b"}, {"skip", nil, "all of skip"}}
	for _, c := range []struct {
		batches [][][]any
		want    string
	}{
		{[][][]any{rows}, "[[[0 a 1] [1 b 1] [3 a 2] [4 a 3]]]"},
		{[][][]any{rows[:2], nil, rows[2:3], rows[3:]}, "[[[0 a 1] [1 b 1]] [] [] [[0 a 2] [1 a 3]]]"},
	} {
		got, err := named().RunKeyed(nil, in, c.batches...)
		if err != nil || fmt.Sprint(got.Batches) != c.want || !reflect.DeepEqual(got.Flushed, flushed) {
			t.Errorf("got %v, then %v, %v; want %s", got.Batches, got.Flushed, err, c.want)
		}
		if fmt.Sprint(got.Columns) != "[{fh_rows int32 false} {name utf8 false}]" ||
			fmt.Sprint(got.FlushColumns) != "[{fh_key_0 utf8 true} {fh_time timestamp[us,UTC] true} {name utf8 false}]" {
			t.Errorf("columns %v, of the flush %v", got.Columns, got.FlushColumns)
		}
	}
	got, err := named().RunKeyed([]byte(`{"fail":"none"}`), in, rows)
	if err != nil || len(got.Batches[0]) != 0 || len(got.Flushed) != 3 {
		t.Errorf("without Take: %v, %v", got, err)
	}
}

// What a keyed plugin gets wrong.
func TestKeyed_Mistakes_Told(t *testing.T) {
	in, rows := namedInput()
	try := func(config string) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = DataError(panicText(v))
			}
		}()
		_, err = named().RunKeyed([]byte(config), in, rows)
		return err
	}
	for fail, says := range map[string]string{
		"make": "Make is for the flush", "take": "Take is for the batches", "short": "has 0 rows, the batch 4", "null": "column name has nulls",
		"flush": "cannot", "endless": "does not end",
	} {
		if err := try(`{"fail":"` + fail + `"}`); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", fail, err, says)
		}
	}
	if _, err := Map(echo).RunKeyed(nil, nil); err == nil {
		t.Error("a map runs as a keyed plugin")
	}
}
