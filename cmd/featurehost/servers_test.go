package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/connectors/servertest"
)

// withCassandra adds an online sink on a real cluster to the base pipeline. Its
// keyspace is the test's own and is not there yet.
func withCassandra(t *testing.T) (w *world, sink string) {
	t.Helper()
	server := servertest.Cassandra(t)
	w = newWorld(t)
	w.events(3, 3)
	sink = "[[sink]]\ntype = \"online\"\nstore = \"cassandra\"\nkeyspace = \"" + servertest.Name(t) + "\"\nhosts = [\"" + server + "\"]\n"
	return w, sink
}

const oneReplica = `replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"` + "\n"

// gave holds an outcome against a status and what stdout must tell.
func (w *world) gave(o outcome, status int, parts ...string) {
	w.Helper()
	if o.status != status {
		w.Fatalf("exit %d, want %d\n%s%s", o.status, status, o.stdout, o.stderr)
	}
	for _, p := range parts {
		if !strings.Contains(o.stdout, p) {
			w.Errorf("stdout does not say %q:\n%s", p, o.stdout)
		}
	}
}

// TestMigrate_Cassandra_FromNothingToDroppedColumns: the whole life of a table
// on a server, several pipelines at once.
// Rule: S-1308.
func TestMigrate_Cassandra_FromNothingToDroppedColumns(t *testing.T) {
	w, sink := withCassandra(t)
	text := base + sink
	w.write("p.toml", text)
	w.gave(w.command("migrate", "p.toml", "--apply"), 1, "! make keyspace", "refused: make keyspace", "1 table, 1 refused")

	text += oneReplica
	w.write("p.toml", text)
	other := strings.NewReplacer(`name = "spend"`, `name = "visits"`, `aggregate = ["count", "sum"]`, `aggregate = ["max"]`, `path = "out"`, `path = "out2"`).Replace(text)
	w.write("q.toml", other)
	w.gave(w.command("migrate", "p.toml"), 0, "cassandra, table", "to be applied", "+ make keyspace", "CREATE TABLE", "1 to be changed: give --apply")
	if o := w.command("run", "p.toml", "--quiet"); o.status == 0 {
		t.Errorf("showing a migration made the table:\n%s", o.stdout)
	}
	// Both begin from nothing; the second finds the keyspace that the first made.
	o := w.command("migrate", "p.toml", "q.toml", "--apply", "--json")
	w.gave(o, 0, `"outcome": "applied"`)
	var told struct {
		Result []struct {
			Tables []struct {
				Sink, Outcome, Record string
				Changes               []struct{ Text string }
			}
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Result) != 2 || len(told.Result[0].Tables) != 3 || len(told.Result[0].Tables[2].Changes) != 2 || len(told.Result[1].Tables[2].Changes) != 1 {
		t.Errorf("told %+v", told.Result)
	}
	for i, root := range []string{"out/_featurehost/customer/spend", "out2/_featurehost/customer/visits"} {
		lines := w.read(filepath.Join(root, told.Result[i].Tables[2].Record))
		if n := strings.Count(lines, "\n"); n != len(told.Result[i].Tables[2].Changes) || strings.Count(lines, `"outcome":"made"`) != n || !strings.Contains(lines, `"statement":"CREATE TABLE`) {
			t.Errorf("recorded\n%s", lines)
		}
	}
	w.gave(w.command("migrate", "p.toml", "q.toml", "--apply"), 0, "2 tables, 2 up to date")

	w.good("run", "p.toml", "--quiet")
	for _, id := range []string{"0", "1", "2"} {
		here, there := w.good("get", "p.toml", id, "--sink", "online").stdout, w.good("get", "p.toml", id, "--sink", "cassandra").stdout
		if here != there || !strings.Contains(here, "amount__sum") {
			t.Errorf("key %s: the local store has\n%sthe cluster\n%s", id, here, there)
		}
	}

	more := strings.Replace(text, `aggregate = ["count", "sum"]`, `aggregate = ["count", "sum", "max"]`, 1)
	w.write("p.toml", more)
	w.gave(w.command("migrate", "p.toml", "--apply"), 0, "+ add column amount__max_over_2_days_rolling_windows double", "1 changed")
	w.write("p.toml", text)
	w.gave(w.command("migrate", "p.toml"), 1, "- drop column amount__max", "give --allow-drop if they may go")
	w.gave(w.command("migrate", "p.toml", "--apply"), 1, "1 refused")
	w.gave(w.command("migrate", "p.toml", "--apply", "--allow-drop"), 0, "1 changed")
	w.gave(w.command("migrate", "p.toml", "--allow-drop"), 0, "1 up to date")

	// One change that cannot be made keeps the others from being made; the table
	// of the other pipeline gets its own.
	w.write("p.toml", strings.NewReplacer(`{ name = "id", type = "bigint" }`, `{ name = "id", type = "string" }`, `aggregate = ["count", "sum"]`, `aggregate = ["count", "sum", "min"]`).Replace(text))
	w.write("q.toml", strings.Replace(other, `aggregate = ["max"]`, `aggregate = ["max", "min"]`, 1))
	w.gave(w.command("migrate", "p.toml", "q.toml", "--apply", "--allow-drop"), 1, "! ", "2 tables, 1 changed, 1 refused")
	w.write("p.toml", text)
	w.gave(w.command("migrate", "p.toml", "--apply"), 0, "1 up to date")
}

// TestMigrate_Cassandra_DropBesideIncompleteRun: a feature goes while a run has
// rows of it still to load. Migrate says what to do, and that helps; and where the
// column is dropped by other means, no later run is stopped by it.
// Rules: S-1209, S-1308.
func TestMigrate_Cassandra_DropBesideIncompleteRun(t *testing.T) {
	for _, byHand := range []bool{false, true} {
		t.Run(fmt.Sprintf("by hand %v", byHand), func(t *testing.T) {
			w, sink := withCassandra(t)
			table := keyspaceOf(sink) + ".customer__spend"
			// The other stores do not let go of a feature at all.
			sources, _, _ := strings.Cut(base, "[[sink]]")
			narrow := sources + sink + oneReplica
			wide := strings.Replace(narrow, `aggregate = ["count", "sum"]`, `aggregate = ["count", "sum", "max"]`, 1)
			w.write("p.toml", wide)
			w.good("migrate", "p.toml", "--apply")
			w.many()

			// The table cannot take the rows when they come to be loaded.
			cmd, stdout, stderr := w.start("run", "p.toml", "--quiet")
			w.awaitStaged("cassandra")
			if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			w.cql("DROP TABLE "+table, "CREATE TABLE "+table+" (nobody text PRIMARY KEY)")
			if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			w.says(w.end(cmd, stdout, stderr), 3, "FH-8071", "the cassandra store was not loaded")
			if got := w.ledger(); !slices.Equal(got, []string{"incomplete"}) {
				t.Fatalf("the ledger says %v", got)
			}
			w.cql("DROP TABLE " + table)
			w.good("migrate", "p.toml", "--apply")

			w.write("p.toml", narrow)
			if byHand {
				w.cql("ALTER TABLE " + table + " DROP amount__max_over_2_days_rolling_windows")
				o := w.command("run", "p.toml", "--quiet")
				w.gave(o, 0, "recovered  run 1", "it was finished")
				w.says(o, 0, "level=WARN", "features=amount__max_over_2_days_rolling_windows")
			} else {
				w.gave(w.command("migrate", "p.toml", "--apply", "--allow-drop"), 1, "refused: drop column amount__max", "run 1 is not finished (incomplete)", "run the pipeline once")
				o := w.command("run", "p.toml", "--quiet")
				w.says(o, 2, "FH-7654", "featurehost migrate")
				w.gave(w.command("migrate", "p.toml", "--apply", "--allow-drop"), 0, "1 changed")
				w.good("run", "p.toml", "--quiet")
			}
			o := w.good("get", "p.toml", "7")
			if w.gave(o, 0, "amount__sum"); strings.Contains(o.stdout, "amount__max") {
				t.Errorf("the vector is\n%s", o.stdout)
			}
		})
	}
}

// cql runs statements on the shared cluster.
func (w *world) cql(statements ...string) {
	w.Helper()
	cluster := gocql.NewCluster(os.Getenv("FEATUREHOST_CASSANDRA"))
	cluster.Timeout, cluster.ConnectTimeout = time.Minute, time.Minute
	cluster.DisableInitialHostLookup = true
	s, err := cluster.CreateSession()
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	for _, q := range statements {
		if err := s.Query(q).Exec(); err != nil {
			w.Fatalf("%s: %v", q, err)
		}
	}
}

// awaitStaged waits until a run has opened a sink, whose rows lie aside then.
func (w *world) awaitStaged(sink string) {
	w.Helper()
	for range 5000 {
		if found, _ := filepath.Glob(w.path(".featurehost/pending/*/" + sink + ".arrow")); len(found) > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	w.Fatalf("no run has opened %s", sink)
}

// TestMigrate_ServerAway_StatusAndName: the other pipeline's table is dealt
// with; the exit status is that of the server.
func TestMigrate_ServerAway_StatusAndName(t *testing.T) {
	w, sink := withCassandra(t)
	w.write("p.toml", strings.Replace(base, `path = "out"`, `path = "out1"`, 1)+"[[sink]]\nname = \"far\"\ntype = \"online\"\nstore = \"cassandra\"\nkeyspace = \"k\"\nhosts = [\""+closedPort(t)+"\"]\n")
	w.write("q.toml", base+sink+oneReplica)
	o := w.command("migrate", "p.toml", "q.toml", "--apply")
	w.gave(o, 3, "far: failed", "1 changed, 1 failed")
	w.says(o, 3, `sink "far": FH-8063`)
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestDoctor_Online_OneSentenceForEachServer: a server that answers, one that
// is not there and one without the keyspace, in the order of the file.
func TestDoctor_Online_OneSentenceForEachServer(t *testing.T) {
	w, sink := withCassandra(t)
	kafka := servertest.Kafka(t)
	fine := base + sink + oneReplica
	w.write("p.toml", fine)
	w.good("migrate", "p.toml", "--apply")
	w.gave(w.command("doctor", "--online", "p.toml"), 0, "sink cassandra", "keyspace "+keyspaceOf(sink))

	away := closedPort(t)
	w.write("p.toml", fine+
		"[[sink]]\nname = \"gone\"\ntype = \"online\"\nstore = \"cassandra\"\nkeyspace = \"k\"\nhosts = [\""+away+"\"]\nusername = \"me\"\npassword = \"hunter2hunter2\"\n"+
		"[[sink]]\nname = \"empty\"\ntype = \"online\"\nstore = \"cassandra\"\nkeyspace = \"no_such_keyspace\"\nhosts = [\""+os.Getenv("FEATUREHOST_CASSANDRA")+"\"]\n"+
		"[[sink]]\ntype = \"online\"\nstore = \"kafka\"\ntopic = \"no_such_topic_here\"\nbrokers = [\""+kafka+"\"]\n"+
		"[[sink]]\nname = \"mute\"\ntype = \"online\"\nstore = \"kafka\"\ntopic = \"t\"\nbrokers = [\""+away+"\"]\n")
	o := w.command("doctor", "--online", "p.toml", "--json")
	w.gave(o, 3)
	if strings.Contains(o.stdout+o.stderr, "hunter2") {
		t.Errorf("the password is told:\n%s%s", o.stdout, o.stderr)
	}
	var told struct {
		OK     bool
		Result []finding
	}
	if err := json.Unmarshal([]byte(o.stdout), &told); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range told.Result {
		if !strings.HasPrefix(f.What, "sink ") {
			continue
		}
		mark := " ok"
		if !f.OK {
			mark = " bad"
		}
		got = append(got, strings.TrimPrefix(f.What, "sink ")+mark)
		for sink, part := range map[string]string{"gone": away, "empty": "no_such_keyspace", "kafka": "no_such_topic_here", "mute": away} {
			if f.What == "sink "+sink && !strings.Contains(f.Says, part) {
				t.Errorf("%s does not name %s: %s", f.What, part, f.Says)
			}
		}
	}
	if want := "cassandra ok, gone bad, empty bad, kafka bad, mute bad"; told.OK || strings.Join(got, ", ") != want {
		t.Errorf("told %s, want %s\n%s", strings.Join(got, ", "), want, o.stdout)
	}
}

func keyspaceOf(sink string) string {
	_, rest, _ := strings.Cut(sink, `keyspace = "`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// TestRun_HistoryOnS3_ThreeOnlineStores: one run loads them all; the ledger and
// the notes of migrations lie beside the table on S3; what is set by the
// environment is told, and no secret is.
// Rules: S-1209, S-1210, S-1308.
func TestRun_HistoryOnS3_ThreeOnlineStores(t *testing.T) {
	w, sink := withCassandra(t)
	s3, broker, metastore := servertest.S3(t), servertest.Kafka(t), servertest.Metastore(t)
	name := servertest.Name(t)
	topic, database := name, name
	client := &kafka.Client{Addr: kafka.TCP(broker)}
	if _, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}}); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "AWS_ACCESS_KEY_ID="+s3.AccessKey, "AWS_SECRET_ACCESS_KEY="+s3.SecretKey, "AWS_REGION="+s3.Region,
		"AWS_ENDPOINT_URL_S3="+s3.Endpoint, "FEATURE_STORE_S3_BUCKET="+s3.Bucket, "FEATURE_STORE_HISTORICAL_DATABASE="+database,
		"KAFKA_CONSUMER_CONNECTION_STRING="+broker)
	w.write("p.toml", strings.Replace(base, "path = \"out\"\n", "s3 = { path_style = true }\nhive = { metastore = \""+metastore+"\" }\n", 1)+
		sink+oneReplica+"[[sink]]\ntype = \"online\"\nstore = \"kafka\"\ntopic = \""+topic+"\"\n")
	o := w.good("plan", "p.toml")
	w.gave(o, 0, "sinks: historical, online, cassandra, kafka", "s3://"+s3.Bucket+" ", "from the variable FEATURE_STORE_S3_BUCKET", "from the variable AWS_ENDPOINT_URL_S3",
		"from the variable FEATURE_STORE_HISTORICAL_DATABASE", "from the variable KAFKA_CONSUMER_CONNECTION_STRING")
	w.gave(w.command("migrate", "p.toml", "--apply"), 0, "historical, table", "cassandra, table", "2 tables, 2 changed")
	w.gave(w.command("migrate", "p.toml"), 0, "2 tables, 2 up to date")
	w.gave(w.command("doctor", "--online", "p.toml"), 0, "sink historical", "sink cassandra", "sink kafka")

	first := w.good("run", "p.toml", "--quiet")
	w.gave(first, 0, "run 1 ", "historical          9  3 days written", "online              3", "cassandra           3", "kafka               9")
	for _, sink := range []string{"online", "cassandra"} {
		w.gave(w.command("get", "p.toml", "2", "--sink", sink), 0, "2024-01-04T00:00:00Z", "amount__sum_over_2_days_rolling_windows    8")
	}
	w.says(w.command("get", "p.toml", "2", "--sink", "kafka"), 2, "FH-0241")
	w.gave(w.command("run", "p.toml", "--start", "2024-01-03", "--end", "2024-01-04", "--quiet"), 0, "run 2 ", "historical          6")
	// The ledger that this command found is the one on S3.
	w.gave(w.command("run", "p.toml", "--missing", "--dry-run", "--end", "2024-01-04"), 0, "no day is missing")
	for _, left := range []string{"out", ".featurehost/ledger"} {
		if _, err := os.Stat(w.path(left)); err == nil {
			t.Errorf("%s lies on this machine", left)
		}
	}
	if strings.Contains(o.stdout+first.stdout, s3.SecretKey) {
		t.Error("the secret key is told")
	}
	// A topic's notes of what was sent stay for a while; rows do not.
	rows, err := filepath.Glob(w.path(".featurehost/pending/*/*.arrow"))
	if err != nil || len(rows) > 0 {
		t.Errorf("left behind: %q, %v", rows, err)
	}
}
