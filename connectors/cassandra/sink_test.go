package cassandra

import (
	"context"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Rules: S-1301, S-1302, S-1304.
func TestSink_NewestWins_NullsToo(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 6")
	if got := s.load(0, plain, "1 | 2026-01-03 | null", "2 | 2026-01-01 | 9", "3 | 1960-01-01 | 1"); got != (flow.Published{Rows: 3}) {
		t.Errorf("published %+v", got)
	}
	want := "1 2026-01-03T00:00:00Z <nil>\n2 2026-01-02T00:00:00Z 6\n3 1960-01-01T00:00:00Z 1\n"
	if got := s.all(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Rules: S-1302, S-1303, S-1304.
func TestSink_EqualEventTimesDifferentRows_TheLaterRevisionWhole(t *testing.T) {
	s := newStore(t)
	const columns = "id bigint, timestamp timestamp, a double, b string, c bigint"
	// Cell by cell, each would win in some columns.
	first, second := "1 | 2026-01-02 | 9 | x | null", "1 | 2026-01-02 | 1 | z | 3"
	for _, order := range [][2]int64{{0, 1}, {1, 0}} {
		s.set = "spend" + string(rune('a'+order[0]))
		s.load(order[0], columns, first)
		s.load(order[1], columns, second)
		s.load(order[0], columns, first) // once more changes nothing
		want := "1 2026-01-02T00:00:00Z 1 z 3\n"
		if order[0] == 1 {
			want = "1 2026-01-02T00:00:00Z 9 x <nil>\n"
		}
		if got := s.all(); got != want {
			t.Errorf("order %v: got %swant %s", order, got, want)
		}
	}
}

// Within a run, rows of one key are settled before they are written: equal
// write times would mix them.
// Rules: S-1302, S-1304.
func TestSink_OneRunRepeatsKeys_OneWholeRow(t *testing.T) {
	s := newStore(t)
	const columns = "id bigint, timestamp timestamp, a double, b string"
	for i, c := range []struct {
		rows []string
		want string
	}{
		{[]string{"1 | 2026-01-02 | 9 | x", "1 | 2026-01-02 | 1 | z"}, "1 2026-01-02T00:00:00Z 9 x\n"}, // greater bytes: column a decides
		{[]string{"1 | 2026-01-02 | 1 | z", "1 | 2026-01-02 | 9 | x"}, "1 2026-01-02T00:00:00Z 9 x\n"},
		// Two times within a millisecond are told apart here, not in the table.
		{[]string{"1 | 2026-01-02T00:00:00.000002Z | 1 | a", "1 | 2026-01-02T00:00:00.000001Z | 2 | b"}, "1 2026-01-02T00:00:00Z 1 a\n"},
		{[]string{"2 | 2026-01-02 | 1 | a", "1 | 2026-01-02 | 2 | b", "2 | 2026-01-03 | 3 | c", "1 | 2026-01-01 | 4 | d"},
			"1 2026-01-02T00:00:00Z 2 b\n2 2026-01-03T00:00:00Z 3 c\n"},
	} {
		s.set = "spend" + string(rune('a'+i))
		got := s.load(0, columns, c.rows...)
		keys := int64(strings.Count(c.want, "\n"))
		if got != (flow.Published{Rows: keys, Stale: int64(len(c.rows)) - keys}) {
			t.Errorf("%v: published %+v", c.rows, got)
		}
		if got := s.all(); got != c.want {
			t.Errorf("%v: got %swant %s", c.rows, got, c.want)
		}
	}
}

// Rule: S-1304.
func TestSink_OperatorsDelete_HidesOldAndAdmitsNew(t *testing.T) {
	s := newStore(t)
	s.load(0, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 6")
	s.cql(`DELETE FROM %k.user__spend WHERE id = 1`)
	if got := s.all(); got != "2 2026-01-02T00:00:00Z 6\n" {
		t.Errorf("got %s", got)
	}
	s.load(1, plain, "1 | 2026-01-02 | 5", "2 | 2026-01-02 | 7") // a re-run does not bring it back
	if got := s.all(); got != "2 2026-01-02T00:00:00Z 7\n" {
		t.Errorf("got %s", got)
	}
	s.load(0, plain, "1 | 2100-01-01 | 8") // an event after the delete does
	if got := s.all(); got != "1 2100-01-01T00:00:00Z 8\n2 2026-01-02T00:00:00Z 7\n" {
		t.Errorf("got %s", got)
	}
}

// Rule: S-1304.
func TestSink_WriteTimes_AsTheRuleSays(t *testing.T) {
	s := newStore(t)
	s.load(7, plain, "1 | 2026-01-02T00:00:00.001999Z | 5")
	s.raw(func(c *session) {
		err := c.read(context.Background(), "SELECT writetime(v), writetime(timestamp) FROM "+s.cfg.Cassandra.Keyspace+".user__spend", nil, func(row []cell) error {
			for _, b := range row {
				got, err := decode(typeOf("bigint"), b)
				if want := int64(1767312000001007); got != want || err != nil {
					t.Errorf("write time %v, want %d", got, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	r := hosttest.Record(t, plain, "1 | 2026-01-02 | 5")
	defer r.Release()
	_, err := s.stage(999, r)
	if err != nil {
		t.Error(err)
	}
	_, err = s.stage(1000, r)
	expect(t, err, TooManyRevisions, "1000 times", "user__spend")
}
