package hive

import (
	"context"
	"errors"
	"strings"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/connectors/hive/wire"
	"github.com/featurehost/featurehost/host/fault"
)

// Databases lists the names of all databases.
func (m *Metastore) Databases(ctx context.Context) (names []string, err error) {
	err = m.call(ctx, "get_all_databases", "the list of databases", 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) (err error) {
		names, err = c.GetAllDatabases(ctx)
		return err
	})
	return names, err
}

// HasDatabase tells whether there is a database.
func (m *Metastore) HasDatabase(ctx context.Context, name string) (bool, error) {
	err := m.call(ctx, "get_database", `database "`+name+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
		_, err := c.GetDatabase(ctx, name)
		return err
	})
	if errors.Is(err, errAbsent) {
		return false, nil
	}
	return err == nil, err
}

// EnsureDatabase makes a database unless it is there, beside the metastore's
// own databases: in the folder of the one named default.
func (m *Metastore) EnsureDatabase(ctx context.Context, name string) error {
	there, err := m.HasDatabase(ctx, name)
	if err != nil || there {
		return err
	}
	return m.call(ctx, "create_database", `database "`+name+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
		// The generated client cannot leave a location out, and an empty one is
		// refused.
		byDefault, err := c.GetDatabase(ctx, "default")
		if err != nil {
			return err
		}
		err = c.CreateDatabase(ctx, &hm.Database{Name: name, Description: "features", Parameters: map[string]string{},
			LocationUri: strings.TrimRight(byDefault.LocationUri, "/") + "/" + name + ".db"})
		if isTaken(err) {
			return nil // by another run, or by the call whose answer was lost
		}
		return err
	})
}

// Table gives what the metastore knows of a table. The error has the code
// NoTable or NoDatabase when that is nothing.
func (m *Metastore) Table(ctx context.Context, database, name string) (*hm.Table, error) {
	about := `table "` + database + "." + name + `"`
	var out *hm.Table
	err := m.call(ctx, "get_table", about, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) (err error) {
		if !m.oldest {
			var r *hm.GetTableResult_
			r, err = c.GetTableReq(ctx, &hm.GetTableRequest{DbName: database, TblName: name,
				// Insert-only tables are shown to those only who know of them.
				Capabilities: &hm.ClientCapabilities{Values: []hm.ClientCapability{hm.ClientCapability_INSERT_ONLY_TABLES}}})
			if err == nil {
				out = r.GetTable()
			}
			if !wire.UnknownMethod(err) {
				return err
			}
			m.oldest = true
		}
		out, err = c.GetTable(ctx, database, name)
		return err
	})
	if err == nil && (out == nil || out.Sd == nil) {
		return nil, fault.New(Refused, "%s: the metastore answers without a table", about).At("%s", m.Name())
	}
	if errors.Is(err, errAbsent) {
		there, derr := m.HasDatabase(ctx, database)
		if derr == nil && !there {
			return nil, fault.Wrap(errAbsent, NoDatabase, "there is no database %q", database).At("%s", m.Name())
		}
		return nil, fault.Wrap(errAbsent, NoTable, "there is no %s", about).At("%s", m.Name())
	}
	return out, err
}

// CreateTable makes a table. One of the name that is there already is no
// error: ask for it and look.
func (m *Metastore) CreateTable(ctx context.Context, t *hm.Table) error {
	return m.call(ctx, "create_table", `table "`+t.DbName+"."+t.TableName+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
		err := c.CreateTable(ctx, t)
		if isTaken(err) {
			return nil
		}
		return err
	})
}

// AlterTable changes a table to what t says. Its partitions keep the columns
// that they have.
func (m *Metastore) AlterTable(ctx context.Context, t *hm.Table) error {
	return m.call(ctx, "alter_table", `table "`+t.DbName+"."+t.TableName+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
		return c.AlterTableWithEnvironmentContext(ctx, t.DbName, t.TableName, t, noStatistics())
	})
}

// noStatistics asks the metastore not to look at files: it would count objects
// in S3, one listing for each partition.
func noStatistics() *hm.EnvironmentContext {
	return &hm.EnvironmentContext{Properties: map[string]string{doNotUpdateStats: "true"}}
}

const doNotUpdateStats = "DO_NOT_UPDATE_STATS"
