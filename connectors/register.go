package connectors

import (
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/connectors/cassandra"
	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/connectors/historical"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/kafka"
	"github.com/featurehost/featurehost/connectors/online"
	"github.com/featurehost/featurehost/connectors/table"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/parts"
)

// Register adds the readers and sinks to a catalog.
func Register(c *parts.Catalog) {
	pool := s3store.NewPool(s3store.Options{})
	c.AddReader("file", file.Factory(pool))
	c.AddReader("table", table.Factory(pool))
	c.AddReader("kafka", kafka.New)
	c.AddSink("historical", historical.Factory(hive.OpenRegistrar, pool))
	c.AddSink("online", onlineSink)
	c.AddVectors("online", onlineVectors)
	c.Blob = func(path string, cfg config.S3) (blob.Store, error) {
		if s3store.Is(path) {
			return pool.Open(path, cfg)
		}
		return blob.NewLocal(path, nil), nil
	}
}

// Codes explains the error codes of all connectors.
func Codes() []fault.Doc {
	var out []fault.Doc
	for _, list := range [][]fault.Doc{avro.Codes(), blob.Codes(), cassandra.Codes(), file.Codes(), historical.Codes(), hive.Codes(), kafka.Codes(), online.Codes(), s3store.Codes(), table.Codes()} {
		out = append(out, list...)
	}
	return out
}
