package source

import (
	"context"
	"errors"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
)

// Table tells a metastore of an external table of Parquet files in a folder.
func Table(ctx context.Context, metastore, database, name, location string, columns []*hm.FieldSchema) (err error) {
	m, err := hive.NewMetastore(config.Hive{Metastore: metastore, Database: database}, hive.DefaultLimits())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := m.EnsureDatabase(ctx, database); err != nil {
		return err
	}
	const parquet = "org.apache.hadoop.hive.ql.io.parquet."
	return m.CreateTable(ctx, &hm.Table{
		DbName: database, TableName: name, TableType: "EXTERNAL_TABLE", Owner: "example",
		Parameters: map[string]string{"EXTERNAL": "TRUE"},
		Sd: &hm.StorageDescriptor{
			Cols: columns, Location: location,
			InputFormat:  parquet + "MapredParquetInputFormat",
			OutputFormat: parquet + "MapredParquetOutputFormat",
			SerdeInfo:    &hm.SerDeInfo{SerializationLib: parquet + "serde.ParquetHiveSerDe"},
		},
	})
}
