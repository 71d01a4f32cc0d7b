package cassandra

import (
	"context"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/hosttest"
)

// Rule: S-401.
func TestSink_ButterfreeDates_TimestampsAtMidnight(t *testing.T) {
	s := newStore(t)
	const columns = "born date, timestamp timestamp, seen date, n bigint"
	// A table as the original makes it.
	s.cql(`CREATE TABLE %k.user__spend (born timestamp PRIMARY KEY, timestamp timestamp, seen timestamp, n bigint)`)
	r := hosttest.Record(t, columns, "2024-02-29 | 2026-01-02 | 1960-01-01 | 5", "1999-12-31 | 2026-01-02 | null | 6")
	defer r.Release()
	if _, err := s.stage(0, r); !fault.Is(err, SchemaChange) {
		t.Errorf("dates of our own profile went into timestamps: %v", err)
	}
	s.cfg.Cassandra.DatesAsTimestamps = true
	m, err := s.sink().Migration(context.Background(), s.run(0), r.Schema())
	if err != nil || len(m.Changes) != 1 || !strings.Contains(m.Changes[0].Statement, "WITH comment") { // which is ours to add
		t.Errorf("%+v, %v", m, err)
	}
	s.publish(s.prepare(0, r))
	if got, want := s.all(), "1999-12-31T00:00:00Z 2026-01-02T00:00:00Z <nil> 6\n2024-02-29T00:00:00Z 2026-01-02T00:00:00Z 1960-01-01T00:00:00Z 5\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	s.set = "far"
	m, err = s.sink().Migration(context.Background(), s.run(0), r.Schema())
	if err != nil || len(m.Changes) != 1 || strings.Contains(m.Changes[0].Statement, " date") {
		t.Errorf("%+v, %v", m, err)
	}
}
