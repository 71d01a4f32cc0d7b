package cassandra

import (
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

const (
	// longestKey is Cassandra's limit for the bytes of a key value.
	longestKey = 65535
	// lastRevision is the greatest that fits into a write time (S-1304).
	lastRevision = 999
)

// checkRows refuses rows that Cassandra cannot hold, before anything of the
// run is visible. first is the number of the batch's first row.
func checkRows(t target, r flow.Record, revisions *array.Int64, first int64) error {
	refuse := func(c column, i int, message string, args ...any) error {
		return fault.New(BadRow, message, args...).At("table %s, row %d, column %q", t.place(), first+int64(i)+1, c.name).
			WithHint("leave such rows out by a stage; [[sink.stage]] is for this sink alone")
	}
	for k, c := range t.keys() {
		arr := r.Column(c.from)
		for i := range arr.Len() {
			switch {
			case arr.IsNull(i):
				return refuse(c, i, "a key is null, which Cassandra does not take")
			case k == 0 && size(arr, i) == 0:
				return refuse(c, i, "the first key is empty, which Cassandra does not take")
			case size(arr, i) > longestKey:
				return refuse(c, i, "a key has %d bytes, more than the %d that Cassandra takes", size(arr, i), longestKey)
			}
			if x, ok := arr.(*array.Timestamp); ok && int64(x.Value(i))%1000 != 0 {
				return refuse(c, i, "a key timestamp has microseconds: Cassandra keeps milliseconds, and two keys would become one")
			}
		}
	}
	times := column{name: timestampColumn}
	arr := r.Column(t.timestamp())
	for i := range arr.Len() {
		if arr.IsNull(i) {
			return refuse(times, i, "the timestamp is null, so the row has no place in time")
		}
		if n := revisions.Value(i); n > lastRevision {
			return fault.New(TooManyRevisions, "the day of row %d was computed %d times before, and write times tell %d apart", first+int64(i)+1, n, lastRevision+1).
				At("table %s", t.place()).WithHint("give the feature set a new name and run the whole time once")
		}
	}
	for _, c := range t.columns {
		if i, bad := badText(r.Column(c.from)); bad {
			return refuse(c, i, "the text is not UTF-8")
		}
	}
	return nil
}

// size is the number of bytes of a value whose size varies, 1 for others.
func size(arr arrow.Array, i int) int {
	switch x := arr.(type) {
	case *array.String:
		return x.ValueLen(i)
	case *array.Binary:
		return x.ValueLen(i)
	case *array.List:
		b, err := appendList(nil, x, i)
		if err != nil {
			return 0
		}
		return len(b)
	}
	return 1
}

// badText finds the first text that is not UTF-8, also inside lists.
func badText(arr arrow.Array) (row int, bad bool) {
	switch x := arr.(type) {
	case *array.String:
		for i := range x.Len() {
			if !x.IsNull(i) && !utf8.ValidString(x.Value(i)) {
				return i, true
			}
		}
	case *array.List:
		texts, ok := x.ListValues().(*array.String)
		if !ok {
			return 0, false
		}
		for i := range x.Len() {
			if x.IsNull(i) {
				continue
			}
			from, to := x.ValueOffsets(i)
			for e := int(from); e < int(to); e++ {
				if !texts.IsNull(e) && !utf8.ValidString(texts.Value(e)) {
					return i, true
				}
			}
		}
	}
	return 0, false
}

func validText(s string) bool { return utf8.ValidString(s) }
