package hive

import (
	"context"
	"errors"
	"reflect"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Registrar tells a metastore of the tables of the historical store. The table
// of a feature set has its name, in the database of the configuration, as the
// users of Butterfree have it.
type Registrar struct {
	m        *Metastore
	database string
	user     string
	planned  map[string]historical.Table // by name: what Migration was asked about
}

var _ historical.Registrar = (*Registrar)(nil)

// OpenRegistrar makes a registrar; it connects with the first question. The
// settings of S3 are not needed: the metastore has its own.
func OpenRegistrar(_ context.Context, h config.Hive, _ config.S3) (historical.Registrar, error) {
	return NewRegistrar(h, DefaultLimits())
}

// NewRegistrar is OpenRegistrar with other limits.
func NewRegistrar(h config.Hive, l Limits) (*Registrar, error) {
	if h.Database == "" {
		h.Database = "feature_store"
	}
	database, err := checkName("database", h.Database)
	if err != nil {
		return nil, err
	}
	m, err := NewMetastore(h, l)
	if err != nil {
		return nil, err
	}
	return &Registrar{m: m, database: database, user: h.Username, planned: map[string]historical.Table{}}, nil
}

// Close ends the connection.
func (r *Registrar) Close() error { return r.m.Close() }

// Check implements historical.Registrar. It changes nothing.
func (r *Registrar) Check(ctx context.Context, t historical.Table) error {
	w, err := r.wanted(t)
	if err != nil {
		return err
	}
	have, err := r.m.Table(ctx, r.database, w.TableName)
	if errors.Is(err, errAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := checkOurs(have, t.Location); err != nil {
		return r.place(err)
	}
	return r.place(checkFits(have, compare(have.Sd.Cols, w.Sd.Cols)))
}

// wanted is the table that the metastore should know.
func (r *Registrar) wanted(t historical.Table) (*hm.Table, error) {
	name, err := checkName("feature set", t.Set)
	if err != nil {
		return nil, err
	}
	columns, err := columnsOf(t.Columns)
	if err != nil {
		return nil, err
	}
	return definition(r.database, name, r.user, t, columns)
}

func (r *Registrar) place(err error) error {
	if f := fault.As(err); f != nil && f.Place == "" {
		f.Place = r.m.Name()
	}
	return err
}

// Publish implements historical.Registrar. It looks at what the metastore knows
// and makes the difference, so that it may be called again after a crash at any
// point. Days that are there change their location in one call (M4), then new
// days are added, then others forgotten.
func (r *Registrar) Publish(ctx context.Context, t historical.Table, set []historical.Partition, drop []flow.Day) error {
	table, err := r.ensure(ctx, t)
	if err != nil {
		return r.place(err)
	}
	names, err := r.m.PartitionNames(ctx, r.database, table.TableName)
	if err != nil {
		return err
	}
	there := map[flow.Day][]string{}
	for _, n := range names {
		if d, ok := dayOf(n); ok {
			there[d] = append(there[d], n)
		}
	}
	var forget, double, known []string
	for _, d := range drop {
		forget = append(forget, there[d]...)
	}
	byName := map[string]historical.Partition{}
	var add []*hm.Partition
	for _, p := range set {
		name := dayName(p.Day)
		has := false
		for _, n := range there[p.Day] {
			if n == name {
				has = true
			} else {
				double = append(double, n) // of another tool: month=01
			}
		}
		if has {
			known = append(known, name)
			byName[name] = p
			continue
		}
		one, err := r.partition(table, p)
		if err != nil {
			return r.place(err)
		}
		one.Parameters[doNotUpdateStats] = "true"
		add = append(add, one)
	}
	swap, err := r.swaps(ctx, table, known, byName)
	if err != nil {
		return r.place(err)
	}
	if err := r.m.AlterPartitions(ctx, r.database, table.TableName, swap); err != nil {
		return err
	}
	// A day that is there under two names would be counted twice.
	if err := r.m.DropPartitions(ctx, r.database, table.TableName, double); err != nil {
		return err
	}
	if err := r.m.AddPartitions(ctx, r.database, table.TableName, add); err != nil {
		return err
	}
	return r.m.DropPartitions(ctx, r.database, table.TableName, forget)
}

// ensure makes the table known, with all the columns, and gives it.
func (r *Registrar) ensure(ctx context.Context, t historical.Table) (*hm.Table, error) {
	w, err := r.wanted(t)
	if err != nil {
		return nil, err
	}
	have, err := r.m.Table(ctx, r.database, w.TableName)
	if errors.Is(err, errAbsent) {
		if err := r.m.EnsureDatabase(ctx, r.database); err != nil {
			return nil, err
		}
		if err := r.m.CreateTable(ctx, w); err != nil {
			return nil, err
		}
		have, err = r.m.Table(ctx, r.database, w.TableName)
	}
	if err != nil {
		return nil, err
	}
	if err := checkOurs(have, t.Location); err != nil {
		return nil, err
	}
	d := compare(have.Sd.Cols, w.Sd.Cols)
	if err := checkFits(have, d); err != nil {
		return nil, err
	}
	if len(d.added) == 0 {
		return have, nil
	}
	have.Sd.Cols = append(have.Sd.Cols, d.added...)
	return have, r.m.AlterTable(ctx, have)
}

// partition describes a day.
func (r *Registrar) partition(table *hm.Table, p historical.Partition) (*hm.Partition, error) {
	location, err := LocationFor(p.Location, table.Sd.Location)
	if err != nil {
		return nil, err
	}
	out := hm.NewPartition()
	out.Values, out.DbName, out.TableName = dayValues(p.Day), r.database, table.TableName
	out.Sd = storage(location, table.Sd.Cols)
	out.Parameters = setNumbers(nil, p)
	return out, nil
}

// swaps gives the partitions that are there and have to change.
func (r *Registrar) swaps(ctx context.Context, table *hm.Table, names []string, wanted map[string]historical.Partition) (out []*hm.Partition, err error) {
	err = r.m.Partitions(ctx, r.database, table.TableName, names, func(list []*hm.Partition) error {
		for _, old := range list {
			name, err := partitionName(table, old)
			if err != nil {
				return err
			}
			p, ok := wanted[name]
			if !ok {
				continue
			}
			now, err := r.partition(table, p)
			if err != nil {
				return err
			}
			now.CreateTime, now.Parameters = old.CreateTime, setNumbers(old.Parameters, p)
			if old.Sd == nil || old.Sd.Location != now.Sd.Location || !reflect.DeepEqual(old.Parameters, now.Parameters) || !sameColumns(old.Sd.Cols, now.Sd.Cols) {
				out = append(out, now)
			}
		}
		return nil
	})
	return out, err
}

// partitionName is the name of a partition, by its values.
func partitionName(table *hm.Table, p *hm.Partition) (string, error) {
	if len(p.Values) != len(table.PartitionKeys) {
		return "", fault.New(Refused, "a partition of %q has %d values for %d columns", table.DbName+"."+table.TableName, len(p.Values), len(table.PartitionKeys))
	}
	name := ""
	for i, v := range p.Values {
		if i > 0 {
			name += "/"
		}
		name += table.PartitionKeys[i].Name + "=" + v
	}
	return name, nil
}

func sameColumns(a, b []*hm.FieldSchema) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !sameType(a[i].Type, b[i].Type) {
			return false
		}
	}
	return true
}

// Calls tells how often the metastore was asked what.
func (r *Registrar) Calls() map[string]int { return r.m.Calls() }
