package cassandra

import (
	"context"
	"fmt"
	"slices"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Migration implements flow.Migrator. It looks at the cluster and changes
// nothing.
func (s *Sink) Migration(ctx context.Context, run flow.Run, in *flow.Schema) (flow.Migration, error) {
	want, err := targetOf(s.cfg.Keyspace, s.shared, run, s.taken(in))
	if err != nil {
		return flow.Migration{}, err
	}
	out := flow.Migration{Sink: s.name, Table: want.place()}
	conn, known, err := s.connectAnyway(ctx)
	if err != nil {
		return out, err
	}
	defer conn.close()
	if !known {
		c := flow.Change{Text: fmt.Sprintf("make keyspace %s", s.cfg.Keyspace)}
		if s.cfg.Replication == "" {
			c.Refused = `the sink does not say how it is replicated: write replication = "{'class': ...}", or make the keyspace yourself`
		} else {
			c.Statement = fmt.Sprintf("CREATE KEYSPACE %s WITH replication = %s", quote(s.cfg.Keyspace), s.cfg.Replication)
		}
		out.Changes = append(out.Changes, c, createChange(want))
		return out, nil
	}
	t, err := describe(ctx, conn, want.keyspace, want.name())
	if err != nil {
		return out, err
	}
	if t == nil {
		out.Changes = append(out.Changes, createChange(want))
		return out, nil
	}
	out.Changes = t.changes(want)
	return out, nil
}

func createChange(want target) flow.Change {
	return flow.Change{Text: fmt.Sprintf("make table %s with keys %s and %d columns", want.place(), printWanted(want.keys()), len(want.columns)), Statement: want.createSQL()}
}

// changes is what makes a table fit.
func (t *table) changes(want target) []flow.Change {
	var out []flow.Change
	var add []column
	after := &table{keyspace: t.keyspace, name: t.name, columns: slices.Clone(t.columns), labels: t.labels}
	for _, d := range t.compare(want) {
		switch d.kind {
		case missing:
			add = append(add, d.column)
		case lost:
			if want.shared {
				continue // S-1305: another set's run might not know better
			}
			out = append(out, flow.Change{
				Text:      fmt.Sprintf("drop column %s; the name cannot be used again", d.name),
				Statement: fmt.Sprintf("ALTER TABLE %s DROP %s", want.quoted(), quote(d.name)), Loses: true,
			})
			after.columns = slices.DeleteFunc(after.columns, func(s stored) bool { return s.name == d.name })
		default:
			out = append(out, flow.Change{Text: d.text, Refused: refusal(d.kind)})
		}
	}
	if len(add) > 0 {
		text := "add column"
		for i, c := range add {
			if i > 0 {
				text += ","
			}
			text += " " + c.name + " " + cqlType(c.typ)
			after.columns = append(after.columns, stored{name: c.name, cql: cqlType(c.typ), kind: "regular"})
		}
		out = append(out, flow.Change{Text: text, Statement: want.addSQL(add)})
	}
	if slices.ContainsFunc(out, func(c flow.Change) bool { return c.Refused != "" }) {
		return out // labels for a table that stays as it is would be wrong
	}
	if after.unlabelled(want) {
		out = append(out, flow.Change{Text: "describe the columns in the table's comment", Statement: want.labelSQL(after.relabelled(want))})
	}
	return out
}

func refusal(kind string) string {
	switch kind {
	case keysNot:
		return "Cassandra cannot change the keys of a table: give the feature set a new name"
	case retyped:
		return "Cassandra cannot change the type of a column: give the feature a new name"
	case buried:
		return "a column of this name was dropped, and values written with event times before that would be hidden: give the feature a new name"
	case another:
		return "the table is another feature set's: rename the set, or use another keyspace"
	}
	return "the column is another feature set's: give the feature a new name"
}

// Migrate implements flow.Migrator. Each statement is known to all nodes before
// the next is sent.
func (s *Sink) Migrate(ctx context.Context, m flow.Migration) error {
	for _, c := range m.Changes {
		if c.Refused != "" {
			return fault.New(MigrationRefused, "%s: %s", c.Text, c.Refused).At("table %s", m.Table)
		}
	}
	if len(m.Changes) == 0 {
		return nil
	}
	conn, _, err := s.connectAnyway(ctx)
	if err != nil {
		return err
	}
	defer conn.close()
	for _, c := range m.Changes {
		if err := conn.exec(ctx, c.Statement); err != nil {
			return err
		}
	}
	return nil
}

// connectAnyway connects outside of the keyspace, which may not exist yet.
func (s *Sink) connectAnyway(ctx context.Context) (conn *session, known bool, err error) {
	if conn, err = dialCluster(ctx, &s.cfg, s.at, ""); err != nil {
		return nil, false, err
	}
	conn.patience = readerPatience
	if known, err = conn.hasKeyspace(ctx, s.cfg.Keyspace); err != nil {
		conn.close()
		return nil, false, err
	}
	return conn, known, nil
}
