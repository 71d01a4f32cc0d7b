package cassandra

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/hosttest"
)

// Rows of a run that did not come to be loaded must not stand in the way of all
// later runs when the operator has dropped a feature meanwhile.
// Rules: S-1304, S-1308.
func TestPublish_FeatureDroppedSince_LeftOutAndSaid(t *testing.T) {
	const wide = "id bigint, timestamp timestamp, a bigint, v double, b string"
	for name, c := range map[string]struct {
		shared bool
		drop   func(s *store)
		left   string // as the warning names it
		want   string
	}{
		"migrated": {drop: func(s *store) {
			m, _ := s.migration(plain)
			if err := s.migrate(m); err != nil {
				s.t.Fatal(err)
			}
		}, left: `"a, b"`, want: "1 2026-01-03T00:00:00Z 6\n2 2026-01-02T00:00:00Z 7\n"},
		"by hand, and brought back": {drop: func(s *store) {
			s.cql(`ALTER TABLE %k.user__spend DROP a`, `ALTER TABLE %k.user__spend ADD a bigint`)
		}, left: "a", want: "1 2026-01-03T00:00:00Z <nil> 6 y\n2 2026-01-02T00:00:00Z <nil> 7 z\n"},
		"from a table of several sets": {shared: true, drop: func(s *store) {
			s.cql(`ALTER TABLE %k.user DROP a`)
		}, left: "a", want: "1 2026-01-03T00:00:00Z 6 y\n2 2026-01-02T00:00:00Z 7 z\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			s.cfg.WriteToEntity = c.shared
			s.load(0, wide, "1 | 2026-01-02 | 1 | 5 | x")
			r := hosttest.Record(t, wide, "1 | 2026-01-03 | 2 | 6 | y", "2 | 2026-01-02 | 3 | 7 | z")
			defer r.Release()
			late := s.prepare(0, r)
			c.drop(s)
			var said bytes.Buffer
			k := s.sink()
			k.env.Log = slog.New(slog.NewTextHandler(&said, nil))
			defer k.Close()
			out, err := k.Publish(context.Background(), late)
			if err != nil || out.Rows != 2 {
				t.Fatal(out, err)
			}
			if got := s.all(); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			if x := said.String(); strings.Count(x, "level=WARN") != 1 || !strings.Contains(x, "features="+c.left+"\n") || !strings.Contains(x, "user") {
				t.Errorf("said %s", x)
			}
			if got := s.staged(".arrow"); len(got) != 0 {
				t.Errorf("left %v", got)
			}
			// A run that begins now is told before it computes anything.
			expect(t, s.open(wide), SchemaChange, `"a" was dropped once`)
		})
	}
}

// A table that was made anew by another file may lack what rows bring along: a
// column that was never dropped can be added, and the error says how.
func TestPublish_TableMadeWithoutAFeature_ToldWhatToDo(t *testing.T) {
	s := newStore(t)
	const wide = "id bigint, timestamp timestamp, v double, b string"
	r := hosttest.Record(t, wide, "1 | 2026-01-02 | 5 | x")
	defer r.Release()
	late := s.prepare(0, r)
	m, _ := s.migration(plain)
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	k := s.sink()
	_, err := k.Publish(context.Background(), late)
	if cerr := k.Close(); cerr != nil {
		t.Error(cerr)
	}
	expect(t, err, SchemaChange, `no column "b" text`, `"featurehost migrate" with the pipeline file that made the rows`)
	m, _ = s.migration(wide)
	if err := s.migrate(m); err != nil {
		t.Fatal(err)
	}
	s.publish(late)
	if got := s.all(); got != "1 2026-01-02T00:00:00Z 5 x\n" {
		t.Error(got)
	}
}
