package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/online"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// streamFile is a pipeline from a topic into the embedded store.
func streamFile(broker, topic string) string {
	return fmt.Sprintf(`version = 1
[pipeline]
name = %q
[[reader]]
id = "events"
type = "kafka"
brokers = [%q]
topic = %q
stream = true
schema = { id = "bigint", at = "timestamp", amount = "double" }
[[reader.prepare]]
use = "filter"
where = "amount >= 0"
[feature_set]
name = "spend"
entity = "customer"
keys = [{ name = "id", type = "bigint" }]
timestamp = { from = "at" }
[[feature_set.feature]]
name = "amount"
type = "double"
[[sink]]
type = "online"
path = "online.db"
`, topic, broker, topic)
}

// produce makes a topic of two partitions and writes values into it.
func produce(t testing.TB, broker, topic string, values ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := kafkago.DialContext(ctx, "tcp", broker)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.CreateTopics(kafkago.TopicConfig{Topic: topic, NumPartitions: 2, ReplicationFactor: 1}); err != nil && !errors.Is(err, kafkago.TopicAlreadyExists) {
		t.Fatal(err)
	}
	for p := range 2 {
		var messages []kafkago.Message
		for i := p; i < len(values); i += 2 {
			messages = append(messages, kafkago.Message{Value: []byte(values[i])})
		}
		if len(messages) == 0 {
			continue
		}
		for { // the partition's leader may not know yet that it is one
			leader, err := kafkago.DialLeader(ctx, "tcp", broker, topic, p)
			if err == nil {
				_, err = leader.WriteMessages(messages...)
				leader.Close()
			}
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func event(id, minute, amount int) string {
	return fmt.Sprintf(`{"id": %d, "at": "2026-01-31T10:%02d:00Z", "amount": %d}`, id, minute, amount)
}

// vectors gives what the embedded store of a folder holds: amounts by id.
func vectors(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	v, err := online.OpenVectors(config.Sink{Type: "online", Store: "local", Path: "online.db"}, parts.Place{Dir: dir, State: filepath.Join(dir, ".featurehost")})
	if err != nil {
		return out // not there yet
	}
	defer v.Close()
	err = v.All(context.Background(), "customer", "spend", func(x flow.Vector) error {
		out[fmt.Sprint(x.Values[0])] = fmt.Sprint(x.Values[1:])
		return nil
	})
	if err != nil && !fault.Is(err, online.NoTable) {
		t.Fatal(err)
	}
	return out
}

// streamed runs a stream until the store holds what is wanted.
func streamed(t testing.TB, h *host.Host, dir string, want map[string]string) *host.Report {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type result struct {
		report *host.Report
		err    error
	}
	ended := make(chan result, 1)
	go func() {
		r, err := h.Run(ctx, host.RunOptions{})
		ended <- result{r, err}
	}()
	var got map[string]string
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if got = vectors(t, dir); fmt.Sprint(got) == fmt.Sprint(want) {
			break
		}
		select {
		case r := <-ended:
			t.Fatalf("the stream ended: %v", r.err)
		default:
		}
	}
	cancel() // as Ctrl-C does
	r := <-ended
	if r.err != nil {
		t.Fatal(r.err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("the store holds %v, want %v", got, want)
	}
	return r.report
}

// Rule: S-1405, S-1408.
func TestStream_NewestWins_EndsCleanlyAndGoesOn(t *testing.T) {
	broker, name, dir := servertest.Kafka(t), servertest.Name(t), t.TempDir()
	produce(t, broker, name, event(1, 5, 50), event(2, 1, 10), event(1, 3, 30), `no json`, event(3, 1, -1), event(2, 2, 20))
	h := opened(t, dir, streamFile(broker, name), host.Options{})
	r := streamed(t, h, dir, map[string]string{"1": "[2026-01-31T10:05:00Z 50]", "2": "[2026-01-31T10:02:00Z 20]"})
	if r.Portions < 1 || r.Readers["events"].Rows != 6 || r.Readers["events"].BadRows != 1 || r.Rejected["bad_payload"] != 1 || r.Filtered["filter"] != 1 || r.DeadLetters == "" {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, ".featurehost", "ledger")); err == nil {
		t.Error("a stream has no runs to put into a ledger")
	}
	// Older rows change nothing, newer ones do; what was read is not read again.
	produce(t, broker, name, event(1, 4, 40), event(2, 9, 90))
	r = streamed(t, opened(t, dir, streamFile(broker, name), host.Options{}), dir,
		map[string]string{"1": "[2026-01-31T10:05:00Z 50]", "2": "[2026-01-31T10:09:00Z 90]"})
	if n := r.Readers["events"].Rows; n != 2 {
		t.Errorf("%d messages were read, 2 are new", n)
	}
	for _, folder := range []string{"pending", "streams"} {
		if left, _ := filepath.Glob(filepath.Join(dir, ".featurehost", folder, "*")); len(left) != 0 {
			t.Error(left)
		}
	}
	if letters, _ := filepath.Glob(filepath.Join(dir, ".featurehost", "dead_letter", "stream-*", "*-*.parquet")); len(letters) != 1 {
		t.Errorf("dead letters %v", letters)
	}
}

// refusing is a store that is away when it is first to be loaded.
type refusing struct {
	flow.Sink
	times *int
}

func (r refusing) Publish(ctx context.Context, p flow.Pending) (flow.Published, error) {
	if *r.times--; *r.times >= 0 {
		e := fault.New(fault.Code(9999), "the store is away")
		e.Retry = true
		return flow.Published{}, e
	}
	return r.Sink.Publish(ctx, p)
}

// A portion that fails for a while is loaded once, and what it turned down is
// kept once.
func TestStream_StoreAwayForAWhile_OnceInTheEnd(t *testing.T) {
	broker, name, dir := servertest.Kafka(t), servertest.Name(t), t.TempDir()
	produce(t, broker, name, event(1, 5, 50), `no json`)
	c, times := everything(), 2
	real := c.Sinks["online"]
	c.AddSink("online", func(cfg config.Sink, at parts.Place, env flow.Env) (flow.Sink, error) {
		s, err := real(cfg, at, env)
		return refusing{s, &times}, err
	})
	r := streamed(t, opened(t, dir, streamFile(broker, name), host.Options{Catalog: c}), dir, map[string]string{"1": "[2026-01-31T10:05:00Z 50]"})
	if r.Rejected["bad_payload"] != 1 || r.Sinks[0].Rows != 1 || times >= 0 {
		t.Errorf("%+v, %d", r, times)
	}
	if letters, _ := filepath.Glob(filepath.Join(dir, ".featurehost", "dead_letter", "*", "*")); len(letters) != 1 {
		t.Errorf("dead letters %v", letters)
	}
}

// What killed streams left is swept, also one whose process had the number of
// this one, as in a container; what a living one has stays.
func TestStream_LeftByKilledOnes_Swept(t *testing.T) {
	broker, name, dir := servertest.Kafka(t), servertest.Name(t), t.TempDir()
	state := filepath.Join(dir, ".featurehost")
	long := time.Now().Add(-time.Hour)
	same, other, living := fmt.Sprintf("stream-%d-1", os.Getpid()), "stream-4194304999-2", "stream-4194304999-3"
	for _, id := range []string{same, other, living} {
		write(t, state, map[string]string{
			"pending/" + id + "-7/online.arrow": "", "dead_letter/" + id + "/7-events.parquet.tmp": "", "dead_letter/" + id + "/6-events.parquet": "", "streams/" + id + "/x": "",
		})
		if err := errors.Join(os.Remove(filepath.Join(state, "streams", id, "x")), os.Chtimes(filepath.Join(state, "streams", id), long, long)); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := os.Open(filepath.Join(state, "streams", living))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	produce(t, broker, name, event(1, 5, 50))
	streamed(t, opened(t, dir, streamFile(broker, name), host.Options{}), dir, map[string]string{"1": "[2026-01-31T10:05:00Z 50]"})
	there := func(path ...string) bool {
		_, err := os.Stat(filepath.Join(append([]string{state}, path...)...))
		return err == nil
	}
	for id, lives := range map[string]bool{same: false, other: false, living: true} {
		if there("pending", id+"-7") != lives || there("dead_letter", id, "7-events.parquet.tmp") != lives || there("streams", id) != lives || !there("dead_letter", id, "6-events.parquet") {
			t.Errorf("%s, living %t: staged %t, letters %t", id, lives, there("pending", id+"-7"), there("dead_letter", id, "7-events.parquet.tmp"))
		}
	}
}

func TestStream_WhatAPortionCannotTell_Refused(t *testing.T) {
	base := streamFile("127.0.0.1:1", "t")
	feature := "[[feature_set.feature]]\nname = \"amount\"\ntype = \"double\"\n"
	for name, c := range map[string]struct {
		text string
		code fault.Code
	}{
		"historical sink": {base + "[[sink]]\ntype = \"historical\"\npath = \"out\"\n", host.StreamSink},
		"windows":         {strings.Replace(base, feature, "[[feature_set.feature]]\nname = \"amount\"\naggregate = [\"sum\"]\n[feature_set.windows]\nrolling = [\"1 day\"]\n", 1), host.StreamUnfit},
		"aggregate":       {strings.Replace(base, feature, "[[feature_set.feature]]\nname = \"amount\"\naggregate = [\"sum\"]\n", 1), host.StreamUnfit},
		"window of rows":  {strings.Replace(base, feature, "[[feature_set.feature]]\nname = \"amount\"\nfunction = [{ function = \"avg\", type = \"double\" }]\nwindow = { rows = [\"3 events\"] }\n", 1), host.StreamUnfit},
		"forward fill":    {strings.Replace(base, "use = \"filter\"\nwhere = \"amount >= 0\"", "use = \"forward_fill\"\npartition_by = [\"id\"]\norder_by = [\"at\"]\ncolumn = \"amount\"", 1), host.StreamUnfit},
		"query":           {strings.Replace(base, "[feature_set]", "[query]\nsql = \"SELECT * FROM events\"\n[feature_set]", 1), host.StreamUnfit},
	} {
		t.Run(name, func(t *testing.T) {
			h := opened(t, t.TempDir(), c.text, host.Options{})
			if _, err := h.Run(t.Context(), host.RunOptions{}); !fault.Is(err, c.code) {
				t.Error(err)
			}
		})
	}
	h := opened(t, t.TempDir(), base, host.Options{})
	if _, err := h.Run(t.Context(), host.RunOptions{Interval: day(t, "2026-01-31", "")}); !fault.Is(err, host.StreamOptions) {
		t.Error(err)
	}
	if _, err := h.Run(t.Context(), host.RunOptions{DryRun: true}); !fault.Is(err, host.StreamOptions) {
		t.Error(err)
	}
}

// A function of one value looks at no other row.
func TestStream_FunctionOfARow_Computed(t *testing.T) {
	broker, name, dir := servertest.Kafka(t), servertest.Name(t), t.TempDir()
	produce(t, broker, name, event(1, 5, 50), event(1, 3, 30))
	text := strings.Replace(streamFile(broker, name), "name = \"amount\"\ntype = \"double\"\n", "name = \"amount\"\nfunction = [\"sqrt\", { function = \"round\", type = \"integer\" }]\n", 1)
	streamed(t, opened(t, dir, text, host.Options{}), dir, map[string]string{"1": "[2026-01-31T10:05:00Z 7.0710678118654755 50]"})
}

// A stream outlives its broker: what was sent before, while it was away and
// after it came back is in the store, and the stream never ended.
func TestStream_BrokerFrozenOrKilled_GoesOn(t *testing.T) {
	_ = servertest.Kafka(t)
	s := servertest.Own(t, "kafka")
	name, dir := servertest.Name(t), t.TempDir()
	produce(t, s.Addr, name, event(1, 5, 50))
	want := map[string]string{"1": "[2026-01-31T10:05:00Z 50]"}
	h := opened(t, dir, streamFile(s.Addr, name), host.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := h.Run(ctx, host.RunOptions{})
		ended <- err
	}()
	arrives := func() {
		t.Helper()
		var got map[string]string
		for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if got = vectors(t, dir); fmt.Sprint(got) == fmt.Sprint(want) {
				return
			}
			select {
			case err := <-ended:
				t.Fatalf("the stream ended: %v", err)
			default:
			}
		}
		t.Fatalf("the store holds %v, want %v", got, want)
	}
	arrives()
	for i, trouble := range []func(){
		func() { s.Freeze(); time.Sleep(20 * time.Second); s.Thaw() },
		func() { s.Kill(); time.Sleep(3 * time.Second); s.Restart() },
	} {
		trouble()
		produce(t, s.Addr, name, event(1, 6+i, 60+i), event(10+i, 1, i))
		want["1"], want[fmt.Sprint(10+i)] = fmt.Sprintf("[2026-01-31T10:%02d:00Z %d]", 6+i, 60+i), fmt.Sprintf("[2026-01-31T10:01:00Z %d]", i)
		arrives()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// dies is a stream whose process is killed where it would commit.
type dies struct{ flow.Stream }

func (d dies) Commit(context.Context) error {
	return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), errors.New("still alive"))
}

// Rule: S-1406. The offsets are committed after the stores are loaded: a crash in
// between repeats rows, which changes nothing, and loses none.
func TestStream_KilledBetweenPublishAndCommit_NothingLostNothingDoubled(t *testing.T) {
	broker, name, dir := servertest.Kafka(t), servertest.Name(t), t.TempDir()
	if at := os.Getenv("STREAM_CHILD"); at != "" {
		dir, topic, _ := strings.Cut(at, "|")
		c := everything()
		real := c.Readers["kafka"]
		c.AddReader("kafka", func(cfg config.Reader, at parts.Place, env flow.Env) (flow.Reader, error) {
			r, err := real(cfg, at, env)
			if err != nil {
				return nil, err
			}
			return dies{r.(flow.Stream)}, nil
		})
		write(t, dir, map[string]string{"p.toml": streamFile(broker, topic)})
		f, err := config.Load(filepath.Join(dir, "p.toml"), nil)
		if err != nil {
			t.Fatal(err)
		}
		h, err := host.New(f, host.Options{Catalog: c})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Run(context.Background(), host.RunOptions{})
		t.Fatalf("the child is alive: %v", err)
	}
	produce(t, broker, name, event(1, 5, 50), event(2, 1, 10), event(1, 3, 30))
	want := map[string]string{"1": "[2026-01-31T10:05:00Z 50]", "2": "[2026-01-31T10:01:00Z 10]"}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s") //nolint:gosec // this test again
	child.Env = append(os.Environ(), "STREAM_CHILD="+dir+"|"+name)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := vectors(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("before the crash %v, want %v", got, want)
	}
	produce(t, broker, name, event(3, 1, 70))
	want["3"] = "[2026-01-31T10:01:00Z 70]"
	r := streamed(t, opened(t, dir, streamFile(broker, name), host.Options{}), dir, want)
	if n := r.Readers["events"].Rows; n != 4 {
		t.Errorf("%d messages were read, 4 were not committed", n)
	}
}

// The examples of the page are run as they stand, with the test's broker in
// place of theirs.
func TestDocs_Kafka_ExamplesRun(t *testing.T) {
	broker, name := servertest.Kafka(t), servertest.Name(t)
	page, err := os.ReadFile(filepath.Join("..", "docs", "connectors", "kafka.md"))
	if err != nil {
		t.Fatal(err)
	}
	var examples []string
	for _, part := range strings.Split(string(page), "```toml\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		text = strings.NewReplacer(`["10.0.0.1:9092", "10.0.0.2:9092"]`, fmt.Sprintf("[%q]", broker), `["10.0.0.1:9092"]`, fmt.Sprintf("[%q]", broker),
			`topic = "orders"`, fmt.Sprintf("topic = %q", name), `topic = "spend"`, fmt.Sprintf("topic = %q", name+"-out"), `stream = true`, fmt.Sprintf("stream = true\ngroup = %q", name)).Replace(text)
		examples = append(examples, text)
	}
	produce(t, broker, name,
		`{"user_id": 1, "ordered_at": "2026-01-31T10:00:00Z", "amount": 5, "customer": {"country": "BR"}}`,
		`{"user_id": 1, "ordered_at": "2026-01-31T11:00:00Z", "amount": "6.5", "customer": {"country": "PT"}}`,
		`{"user_id": 2, "ordered_at": "2026-01-31T10:00:00Z", "amount": 7}`, `{`)
	produce(t, broker, name+"-out")
	dir := t.TempDir()
	r, err := opened(t, dir, examples[0], host.Options{}).Run(t.Context(), host.RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Features.Rows != 3 || r.Rejected["bad_payload"] != 1 {
		t.Errorf("%+v", r)
	}
	for _, s := range r.Sinks {
		if want := map[string]int64{"historical": 3, "latest": 2, "changes": 3}[s.Name]; s.Rows != want {
			t.Errorf("sink %s has %d rows, want %d", s.Name, s.Rows, want)
		}
	}
	dir = t.TempDir()
	h := opened(t, dir, examples[1], host.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		r, err := h.Run(ctx, host.RunOptions{ProgressEvery: 0, Progress: func(p host.Progress) {
			if len(p.Stages) > 0 && p.Stages[0].RowsIn > 0 {
				cancel()
			}
		}})
		if err == nil && (r.Readers["orders"].Rows != 4 || r.Sinks[0].Rows != 2) {
			err = fmt.Errorf("%+v", r)
		}
		ended <- err
	}()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
