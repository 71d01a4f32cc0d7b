package flights_services_test

import (
	"testing"

	"github.com/featurehost/featurehost/connectors/servertest"
)

// TestExample_RealServers_SameRowsAsEmbedded runs the pipeline from Kafka and S3,
// and from S3 and a Hive table, against both metastores. The table, as DuckDB,
// Hive and Spark read it, has the rows of the run on files, and every row in
// Cassandra is the newest of its aircraft.
func TestExample_RealServers_SameRowsAsEmbedded(t *testing.T) {
	hive4 := servertest.HiveMetastore(t)
	table, report := embedded(t, data)
	truth := newTruth(t, table)
	if truth.rows() != report.Features.Rows || report.Features.Rows != 534_232 {
		t.Fatalf("the embedded run made %d rows and holds %d", report.Features.Rows, truth.rows())
	}
	for _, c := range []struct {
		name, metastore, readers string
		source                   func(*stage)
		ask                      func(*testing.T, *stage, string) []month
	}{
		{"kafka and s3, hive 4.0.1", hive4, "", (*stage).publish, askHive},
		{"s3 and a table, hive 4.0.1", hive4, "testdata/s3_and_hive.toml", (*stage).register, askHive},
		{"s3 and a table, metastore 3.1.3, spark", servertest.Metastore(t), "testdata/s3_and_hive.toml", (*stage).register, askSpark},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, c.metastore)
			t.Cleanup(s.dropKeyspace)
			c.source(s)
			report := s.run(c.readers)
			if report.Features.Rows != truth.rows() {
				t.Errorf("%d rows made, %d by the embedded run", report.Features.Rows, truth.rows())
			}
			truth.sameAs(t, s.download(t))
			truth.newestIn(t, s)
			truth.sameMonths(t, c.ask(t, s, monthsSQL(s.name+".aircraft_delays")))
		})
	}
}
