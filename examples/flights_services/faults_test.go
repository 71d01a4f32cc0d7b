package flights_services_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/examples/flights_services/internal/source"
	"github.com/featurehost/featurehost/host/fault"
)

// Measures of the sweep.
const (
	frozen = 20 * time.Second // how long a server says nothing
	away   = 2 * time.Second  // how long a killed one is gone before it is started again
	// patience is more than any run may take beside a server that is away.
	patience = 3 * time.Minute
)

// TestFaults_ServerFrozenOrKilled_NextRunIsRight freezes and kills each server
// under five runs that stand at the five points of gate_test.go. Each run completes or
// fails and says which server was away; the run after it completes; then the
// table on S3, the metastore and Cassandra hold the rows of the run on files.
// Every case has more departures than the one before, so that no old row passes
// for a new one.
func TestFaults_ServerFrozenOrKilled_NextRunIsRight(t *testing.T) {
	s3 := servertest.Own(t, "s3")
	access := []string{
		"FEATUREHOST_S3_ENDPOINT=" + s3.Addr,
		"FEATUREHOST_S3_ACCESS_KEY=" + s3.Vars["FEATUREHOST_S3_ACCESS_KEY"], "FEATUREHOST_S3_SECRET_KEY=" + s3.Vars["FEATUREHOST_S3_SECRET_KEY"],
	}
	kafka, cassandra := servertest.Own(t, "kafka"), servertest.Own(t, "cassandra", "CASSANDRA_SYNC=1")
	metastore := servertest.Own(t, "metastore", access...)
	stages := make([]*stage, points)
	for i := range stages {
		stages[i] = &stage{t: t, s3: s3.S3(), kafka: kafka.Addr, cassandra: cassandra.Addr, metastore: metastore.Addr, name: servertest.Name(t)}
		stages[i].s3.Setenv(t)
	}
	ok := t.Run("undisturbed", func(t *testing.T) {
		truth := deal(t, stages, 0)
		for _, s := range stages {
			if err := s.attempt(t, nil); err != nil {
				t.Fatal(err)
			}
			s.holds(t, truth)
		}
	})
	if !ok {
		t.FailNow()
	}
	slice := 0
	for _, server := range []struct {
		name string
		*servertest.Server
	}{{"kafka", kafka}, {"s3", s3}, {"cassandra", cassandra}, {"metastore", metastore}} {
		for _, way := range []string{"frozen", "killed"} {
			slice++
			t.Run(server.name+" "+way, func(t *testing.T) {
				truth := deal(t, stages, slice)
				errs := together(t, stages, func(failed func()) {
					if way == "frozen" {
						server.Freeze()
						failed()
						time.Sleep(frozen)
						server.Thaw()
						return
					}
					server.Kill()
					failed()
					time.Sleep(away)
					server.Restart()
				})
				for i, s := range stages {
					if errs[i] != nil {
						t.Logf("%s: %v", point(i), errs[i])
						told(t, errs[i], server.name, server.Addr)
						if err := s.attempt(t, nil); err != nil {
							t.Errorf("the next run failed: %v", err)
							continue
						}
					}
					s.holds(t, truth)
				}
			})
		}
	}
}

// together brings each run to its point, lets a server fail while all of them
// stand there, and lets them go on while it is away. It returns how they ended.
func together(t *testing.T, stages []*stage, fail func(failed func())) []error {
	t.Helper()
	errs := make([]error, len(stages))
	failed := make(chan struct{})
	var there, wait sync.WaitGroup
	for i, s := range stages {
		there.Add(1)
		wait.Go(func() {
			g := &gate{point: point(i), there: there.Done, failed: failed}
			errs[i] = s.attempt(t, g)
			if !g.passed() {
				t.Errorf("the run never came to %s: %v", g.point, errs[i])
			}
		})
	}
	there.Wait()
	fail(func() { close(failed) })
	wait.Wait()
	return errs
}

// deal publishes one more slice of the year and gives what comes of it.
func deal(t *testing.T, stages []*stage, slice int) *truth {
	t.Helper()
	dir := t.TempDir()
	tr := &truth{openDuckDB(t)}
	tr.must(t, fmt.Sprintf(`COPY (SELECT * FROM read_parquet('%[1]s/flights.parquet')
		WHERE time_hour < '2013-01-%02[2]d' AND tailnum IN (SELECT tailnum FROM read_parquet('%[1]s/flights.parquet') GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 300))
		TO '%[3]s/flights.parquet' (FORMAT parquet)`, data, 10+slice, dir))
	weather, err := os.ReadFile(filepath.Join(data, "weather.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "weather.parquet"), weather, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, s := range stages {
		s.topic = fmt.Sprintf("%s_%d", s.name, slice)
		n, err := source.Publish(t.Context(), s.kafka, s.topic, filepath.Join(dir, "flights.parquet"))
		if err != nil || n < 1000 {
			t.Fatalf("%d messages: %v", n, err)
		}
		s.upload("weather")
	}
	table, _ := embedded(t, dir)
	return newTruth(t, table)
}

// attempt runs the pipeline once, with its tables made. At its point a gate, if
// there is one, holds it up.
func (s *stage) attempt(t *testing.T, g *gate) error {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	file, err := config.Load("aircraft_delays.toml", s.lookup)
	if err != nil {
		return err
	}
	_, err = run(ctx, file, t.TempDir(), g == nil, g)
	if ctx.Err() != nil {
		return fmt.Errorf("the run hung for %s: %w", patience, err)
	}
	return err
}

// told holds the error to what a user needs: a code, and which server it was.
func told(t *testing.T, err error, service, addr string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Errorf("no code: %v", err)
	}
	text := strings.ToLower(err.Error())
	if addr = strings.TrimPrefix(addr, "http://"); !strings.Contains(text, service) && !strings.Contains(text, addr) {
		t.Errorf("neither %s nor %s is named: %v", service, addr, err)
	}
}

// holds compares all three stores with the truth.
func (s *stage) holds(t *testing.T, truth *truth) {
	t.Helper()
	truth.sameAs(t, s.download(t))
	truth.newestIn(t, s)
	m, err := hive.NewMetastore(config.Hive{Metastore: s.metastore, Database: s.name}, hive.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	got, err := m.PartitionNames(t.Context(), s.name, "aircraft_delays")
	if err != nil {
		t.Fatal(err)
	}
	want := truth.days(t)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the metastore knows the partitions\n%v\nand there are rows of\n%v", got, want)
	}
}
