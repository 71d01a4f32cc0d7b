package hive

import (
	"context"
	"errors"
	"fmt"
	"strings"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// step is a change of a migration and how it is made.
type step struct {
	flow.Change
	do func(context.Context) error
}

// Migration tells what is to be done so that the metastore's table takes the
// columns; it changes nothing. Statements are HiveQL that does the same.
func (r *Registrar) Migration(ctx context.Context, t historical.Table) (flow.Migration, error) {
	steps, name, err := r.steps(ctx, t)
	if err != nil {
		return flow.Migration{}, r.place(err)
	}
	r.planned[name] = t
	m := flow.Migration{Table: name, Changes: []flow.Change{}}
	for _, s := range steps {
		m.Changes = append(m.Changes, s.Change)
	}
	return m, nil
}

// Migrate makes the changes of a migration that this registrar has told of, in
// order, and stops at the first that fails. Changes that somebody made in the
// meantime are passed over.
func (r *Registrar) Migrate(ctx context.Context, m flow.Migration) error {
	t, ok := r.planned[m.Table]
	if !ok {
		return fault.New(MigrationRefused, "nothing is known of a migration of %q", m.Table).At("%s", r.m.Name()).WithHint("ask for the migration again")
	}
	for _, c := range m.Changes {
		if c.Refused != "" {
			return fault.New(MigrationRefused, "%s cannot be done: %s", c.Text, c.Refused).At("%s, table %q", r.m.Name(), m.Table)
		}
		steps, _, err := r.steps(ctx, t)
		if err != nil {
			return r.place(err)
		}
		for _, s := range steps {
			if s.Text == c.Text && s.do != nil {
				if err := s.do(ctx); err != nil {
					return r.place(err)
				}
			}
		}
	}
	return nil
}

// steps compares the table with the columns.
func (r *Registrar) steps(ctx context.Context, t historical.Table) (out []step, name string, err error) {
	w, err := r.wanted(t)
	if err != nil {
		return nil, "", err
	}
	name = r.database + "." + w.TableName
	have, err := r.m.Table(ctx, r.database, w.TableName)
	switch {
	case fault.Is(err, NoDatabase):
		out = append(out, step{flow.Change{Text: "create database " + r.database, Statement: "CREATE DATABASE IF NOT EXISTS " + quote(r.database)},
			func(ctx context.Context) error { return r.m.EnsureDatabase(ctx, r.database) }})
		fallthrough
	case errors.Is(err, errAbsent):
		out = append(out, step{flow.Change{Text: "create table " + name, Statement: createStatement(w)},
			func(ctx context.Context) error { return r.m.CreateTable(ctx, w) }})
		return out, name, nil
	case err != nil:
		return nil, "", err
	}
	if err := checkOurs(have, t.Location); err != nil {
		return []step{{Change: flow.Change{Text: "use the table " + name, Refused: fault.As(err).Message}}}, name, nil
	}
	d := compare(have.Sd.Cols, w.Sd.Cols)
	for _, c := range d.changed {
		out = append(out, step{Change: flow.Change{Text: fmt.Sprintf("change column %s from %s to %s", c.name, c.from, c.to),
			Refused: "the stored files hold " + c.from + "; give the feature a new name, or write to a new path"}})
	}
	for _, c := range d.gone {
		out = append(out, step{flow.Change{Text: "drop column " + c.Name + " " + c.Type, Statement: replaceStatement(name, without(have.Sd.Cols, c.Name)), Loses: true},
			func(ctx context.Context) error {
				have.Sd.Cols = without(have.Sd.Cols, c.Name)
				return r.m.AlterTable(ctx, have)
			}})
	}
	for _, c := range d.added {
		out = append(out, step{flow.Change{Text: "add column " + c.Name + " " + c.Type, Statement: "ALTER TABLE " + quote(name) + " ADD COLUMNS (" + quote(c.Name) + " " + c.Type + ")"},
			func(ctx context.Context) error {
				have.Sd.Cols = append(without(have.Sd.Cols, c.Name), c)
				return r.m.AlterTable(ctx, have)
			}})
	}
	return out, name, nil
}

// without gives the columns but one.
func without(columns []*hm.FieldSchema, name string) (out []*hm.FieldSchema) {
	for _, c := range columns {
		if c.Name != name {
			out = append(out, c)
		}
	}
	return out
}

// quote writes a name, or names with dots between, in HiveQL.
func quote(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = "`" + strings.ReplaceAll(p, "`", "``") + "`"
	}
	return strings.Join(parts, ".")
}

func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func columnList(columns []*hm.FieldSchema) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = "`" + strings.ReplaceAll(c.Name, "`", "``") + "` " + c.Type
	}
	return strings.Join(parts, ", ")
}

func replaceStatement(name string, columns []*hm.FieldSchema) string {
	return "ALTER TABLE " + quote(name) + " REPLACE COLUMNS (" + columnList(columns) + ")"
}

// createStatement is the table in HiveQL.
func createStatement(t *hm.Table) string {
	return "CREATE EXTERNAL TABLE IF NOT EXISTS " + quote(t.DbName+"."+t.TableName) + " (" + columnList(t.Sd.Cols) + ") PARTITIONED BY (" +
		columnList(t.PartitionKeys) + ") STORED AS PARQUET LOCATION " + quoteText(t.Sd.Location) + " TBLPROPERTIES ('external.table.purge'='false')"
}
