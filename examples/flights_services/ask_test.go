package flights_services_test

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/beltran/gohive"
	"github.com/gocql/gocql"

	"github.com/featurehost/featurehost/connectors/servertest"
)

// askHive asks HiveServer2 by a client that is not ours.
func askHive(t *testing.T, _ *stage, sql string) []month {
	t.Helper()
	_, server := servertest.Hive(t)
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c := gohive.NewConnectConfiguration()
	c.Username, c.Password = "anonymous", "anonymous"
	conn, err := gohive.Connect(host, n, "NONE", c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	cursor := conn.Cursor()
	defer cursor.Close()
	if cursor.Exec(t.Context(), sql); cursor.Err != nil {
		t.Fatal(cursor.Err)
	}
	var out []month
	for cursor.HasMore(t.Context()) {
		var m month
		var year, number int32
		if cursor.FetchOne(t.Context(), &year, &number, &m.Rows, &m.Aircraft, &m.Miles, &m.Worst); cursor.Err != nil {
			t.Fatal(cursor.Err)
		}
		m.Year, m.Month = int64(year), int64(number)
		out = append(out, m)
	}
	if cursor.Err != nil {
		t.Fatal(cursor.Err)
	}
	return out
}

// askSpark asks Spark, which knows tables from the shared metastore 3.1.3.
func askSpark(t *testing.T, _ *stage, sql string) []month {
	t.Helper()
	const script = "../../scripts/services/spark.sh"
	if err := exec.Command(script, "--installed").Run(); err != nil && !servertest.RequireAll() {
		t.Skipf("Spark is not installed: %s --fetch", script)
	}
	cmd := exec.Command(script, sql)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.String())
	}
	var out []month
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var row struct {
			Year, Month, Aircraft, Miles int64
			Rows                         int64 `json:"row_count"`
			Worst                        float64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		out = append(out, month{row.Year, row.Month, row.Rows, row.Aircraft, row.Miles, row.Worst})
	}
	return out
}

// cql opens a session by a client that is not ours.
func (s *stage) cql() *gocql.Session {
	s.t.Helper()
	cluster := gocql.NewCluster(s.cassandra)
	cluster.Timeout = 20 * time.Second
	cluster.DisableInitialHostLookup = true
	session, err := cluster.CreateSession()
	if err != nil {
		s.t.Fatal(err)
	}
	return session
}

// dropKeyspace leaves nothing behind in Cassandra.
func (s *stage) dropKeyspace() {
	session := s.cql()
	defer session.Close()
	if err := session.Query("DROP KEYSPACE IF EXISTS " + s.name).Exec(); err != nil {
		s.t.Error(err)
	}
}

// cassandraRows gives each row of the online table as JSON.
func (s *stage) cassandraRows(columns []string, f func(text string)) {
	s.t.Helper()
	session := s.cql()
	defer session.Close()
	rows := session.Query(`SELECT JSON "` + strings.Join(columns, `", "`) + `" FROM ` + s.name + `.aircraft__aircraft_delays`).Iter()
	var text string
	for rows.Scan(&text) {
		f(text)
	}
	if err := rows.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// download copies the table's files from S3 to a folder.
func (s *stage) download(t *testing.T) string {
	t.Helper()
	const prefix = "store/historical/aircraft/aircraft_delays/"
	dir := t.TempDir()
	client := s.s3.Client()
	manager := transfermanager.New(client)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(s.s3.Bucket), Prefix: aws.String(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			if strings.HasSuffix(*o.Key, "/") {
				continue // a folder, as Hadoop's clients mark it
			}
			path := filepath.Join(dir, strings.TrimPrefix(*o.Key, prefix))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = manager.DownloadObject(t.Context(), &transfermanager.DownloadObjectInput{Bucket: aws.String(s.s3.Bucket), Key: o.Key, WriterAt: f})
			if cerr := f.Close(); err == nil {
				err = cerr
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}
