package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/featurehost/featurehost/builtins"
	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/parts"
)

// BenchmarkS3 runs the rolling features over a million events that lie on this
// machine, and over the same files on an S3 server, in turn. It reports the
// processor seconds of this process (the server is another) and their ratio.
func BenchmarkS3(b *testing.B) {
	const rows = 1_000_000
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(fmt.Sprintf(`CREATE TABLE events AS SELECT 1 + (hash(i) %% 100000)::BIGINT AS id,
		make_timestamptz(1704067200000000 + i::BIGINT * 90 * 86400 * 1000000 // %[1]d) AS ts,
		CASE WHEN hash(i + 1) %% 50 > 0 THEN round(((hash(i + 2) %% 100000)::DOUBLE / 100), 2) END AS amount,
		(1 + hash(i + 3) %% 9)::BIGINT AS quantity, 'view' AS category FROM range(%[1]d) t(i)`, rows)); err != nil {
		b.Fatal(err)
	}
	for name, copy := range map[string]string{
		"one file":       `COPY (SELECT * FROM events ORDER BY ts) TO '%s/events.parquet' (FORMAT parquet, ROW_GROUP_SIZE 125000)`,
		"a file per day": `COPY (SELECT *, strftime(ts, '%%Y-%%m-%%d') AS day FROM events ORDER BY ts) TO '%s' (FORMAT parquet, PARTITION_BY (day), OVERWRITE_OR_IGNORE)`,
	} {
		b.Run(name, func(b *testing.B) {
			server := servertest.S3(b)
			server.Setenv(b)
			dir := b.TempDir()
			if _, err := db.Exec(fmt.Sprintf(copy, dir)); err != nil {
				b.Fatal(err)
			}
			n := upload(b, server, dir)
			remote := config.S3{Endpoint: server.Endpoint, Region: server.Region, PathStyle: true}
			once := func(path string, s3 config.S3) float64 {
				before := spent(b)
				rolling(b, path, s3, rows)
				return spent(b) - before
			}
			near, far := dir, "s3://"+server.Bucket+"/"
			once(far, remote) // all that is made once is made
			var local, away, ratio []float64
			for b.Loop() {
				local = append(local, once(near, config.S3{}))
				away = append(away, once(far, remote))
				ratio = append(ratio, away[len(away)-1]/local[len(local)-1])
			}
			b.ReportMetric(float64(n), "files")
			b.ReportMetric(median(local), "local-cpu-s")
			b.ReportMetric(median(away), "s3-cpu-s")
			b.ReportMetric(median(ratio), "s3/local")
		})
	}
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// spent is the processor time of this process in seconds.
func spent(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// upload copies the files of a folder to the bucket and counts them.
func upload(b *testing.B, server *servertest.S3Server, dir string) (n int) {
	client := server.Client()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		n++
		_, err = client.PutObject(b.Context(), &s3.PutObjectInput{Bucket: aws.String(server.Bucket), Key: aws.String(filepath.ToSlash(key)), Body: f})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// rolling runs rolling.toml over the events at a path.
func rolling(b *testing.B, path string, s3 config.S3, rows int64) {
	out := b.TempDir()
	file, err := config.Load("rolling.toml", func(name string) (string, bool) {
		if v, ok := map[string]string{"EVENTS": path, "OUT": out, "LAYOUT": "flat"}[name]; ok {
			return v, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		b.Fatal(err)
	}
	file.Readers[0].S3 = s3
	if strings.HasPrefix(path, "s3://") && file.Readers[0].Path != path {
		b.Fatalf("the reader reads %q", file.Readers[0].Path)
	}
	catalog := &parts.Catalog{}
	builtins.Register(catalog)
	connectors.Register(catalog)
	h, err := host.New(file, host.Options{Catalog: catalog})
	if err != nil {
		b.Fatal(err)
	}
	report, err := h.Run(context.Background(), host.RunOptions{})
	if err = errors.Join(err, h.Close()); err != nil {
		b.Fatal(err)
	}
	if report.Readers["events"].Rows != rows {
		b.Fatalf("%d rows read of %d", report.Readers["events"].Rows, rows)
	}
}
