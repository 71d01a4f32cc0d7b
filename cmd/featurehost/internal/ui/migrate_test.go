package ui

import (
	"bytes"
	"testing"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/flow"
)

func TestMigrations_EveryOutcome_AsLines(t *testing.T) {
	add := flow.Change{Text: "add column a double", Statement: "ALTER TABLE k.s\n  ADD a double"}
	drop := flow.Change{Text: "drop column z", Statement: "ALTER TABLE k.s DROP z", Loses: true}
	never := flow.Change{Text: "change the keys", Refused: "keys stay"}
	table := func(sink string, o host.Outcome, changes ...flow.Change) host.TableMigration {
		return host.TableMigration{Migration: flow.Migration{Sink: sink, Table: "k.s", Changes: changes}, Outcome: o}
	}
	refused, failed, applied := table("c", host.MigrationRefused, never, drop), table("d", host.MigrationFailed, add, drop), table("e", host.MigrationApplied, add)
	refused.Why, failed.Why, failed.Left, applied.Record = "change the keys: keys stay", "the server says no", []flow.Change{drop}, "migrations/x.jsonl"
	equal, pending := table("a", host.MigrationEqual), table("b", host.MigrationPending, add)
	equal.Begun, equal.Settled, pending.Begun = []string{"migrations/v.begun.jsonl"}, true, []string{"migrations/w.begun.jsonl"}
	reports := []*host.MigrationReport{
		{Pipeline: "p", Set: "e/s", Tables: []host.TableMigration{
			{Migration: flow.Migration{Sink: "online"}, Outcome: host.MigrationNone}, equal, pending,
		}},
		{Pipeline: "q", Set: "e/t", Tables: []host.TableMigration{refused, failed, applied}},
	}
	var b bytes.Buffer
	Migrations(&b, reports)
	want := `p (e/s)
  online: nothing to migrate
  a, table k.s: up to date
    begun earlier, without an outcome: migrations/v.begun.jsonl (what became of it is recorded beside it now)
  b, table k.s: to be applied
    begun earlier, without an outcome: migrations/w.begun.jsonl (it was cut off or is still under way; --apply looks what became of it)
    + add column a double
      ALTER TABLE k.s
        ADD a double
q (e/t)
  c, table k.s: refused
    ! change the keys
    - drop column z
      ALTER TABLE k.s DROP z
    refused: change the keys: keys stay
  d, table k.s: failed
    + add column a double
      ALTER TABLE k.s
        ADD a double
    - drop column z
      ALTER TABLE k.s DROP z
    not made: drop column z
  e, table k.s: applied
    + add column a double
      ALTER TABLE k.s
        ADD a double
    recorded in migrations/x.jsonl
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	if got := MigrationSummary(reports); got != "5 tables, 1 up to date, 1 to be changed: give --apply, 1 changed, 1 refused, 1 failed" {
		t.Errorf("summary %q", got)
	}
	if got := MigrationSummary(nil); got != "no sink has a table to migrate" {
		t.Errorf("summary %q", got)
	}
}
