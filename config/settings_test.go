package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
)

// silent is a pipeline file that leaves to the environment what it can.
const silent = `version = 1
[pipeline]
name = "p"
[[reader]]
id = "k"
type = "kafka"
topic = "t"
schema = { id = "bigint" }
[feature_set]
name = "s"
entity = "e"
keys = [{ name = "id", type = "bigint" }]
[[sink]]
type = "historical"
hive = { metastore = "m" }
[[sink]]
type = "online"
store = "cassandra"
`

func variables(m map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := m[name]; return v, ok }
}

func butterfree() map[string]string {
	return map[string]string{
		"KAFKA_CONSUMER_CONNECTION_STRING": "b1:9092, b2:9092", "CASSANDRA_HOST": "c1,c2", "CASSANDRA_KEYSPACE": "ks",
		"CASSANDRA_USERNAME": "writer", "CASSANDRA_PASSWORD": "s3cr.et.s3cr.et", "FEATURE_STORE_S3_BUCKET": "lake",
		"FEATURE_STORE_HISTORICAL_DATABASE": "hist", "AWS_ENDPOINT_URL_S3": "http://localhost:7070", "AWS_REGION": "eu-west-1",
	}
}

// Where the file is silent the environment speaks, and the settings tell so.
func TestParse_SilentFile_EnvironmentSpeaks(t *testing.T) {
	f, err := Parse("x.toml", []byte(silent), variables(butterfree()))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Readers[0].Kafka.Client.Brokers; !reflect.DeepEqual(got, []string{"b1:9092", "b2:9092"}) {
		t.Errorf("brokers %q", got)
	}
	h, c := f.Sinks[0], f.Sinks[1].Cassandra
	if h.Path != "s3://lake" || h.S3.Endpoint != "http://localhost:7070" || h.S3.Region != "eu-west-1" || h.Hive.Database != "hist" || h.Hive.Metastore != "m:9083" {
		t.Errorf("historical %+v, hive %+v", h, h.Hive)
	}
	if !reflect.DeepEqual(c.Hosts, []string{"c1", "c2"}) || c.Keyspace != "ks" || c.Username != "writer" || c.Password.Value() != "s3cr.et.s3cr.et" {
		t.Errorf("cassandra %+v", c)
	}
	got := map[string]string{}
	for _, s := range f.Settings {
		got[s.Key] = s.From + ": " + s.Value
	}
	want := map[string]string{
		"reader[0].brokers":      "KAFKA_CONSUMER_CONNECTION_STRING: b1:9092,b2:9092",
		"reader[0].topic":        "file: t",
		"sink[0].path":           "FEATURE_STORE_S3_BUCKET: s3://lake",
		"sink[0].s3.endpoint":    "AWS_ENDPOINT_URL_S3: http://localhost:7070",
		"sink[0].s3.region":      "AWS_REGION: eu-west-1",
		"sink[0].hive.metastore": "file: m",
		"sink[0].hive.database":  "FEATURE_STORE_HISTORICAL_DATABASE: hist",
		"sink[0].hive.auth":      "default: NOSASL",
		"sink[1].hosts":          "CASSANDRA_HOST: c1,c2",
		"sink[1].keyspace":       "CASSANDRA_KEYSPACE: ks",
		"sink[1].username":       "CASSANDRA_USERNAME: writer",
		"sink[1].password":       "CASSANDRA_PASSWORD: [REDACTED]",
		"sink[1].consistency":    "default: LOCAL_QUORUM",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings\n%v\nwant\n%v", got, want)
	}
}

// The file wins over the environment; no variable is even looked at.
func TestParse_FileSpeaks_EnvironmentSilent(t *testing.T) {
	src := strings.NewReplacer(
		"topic = \"t\"\n", "topic = \"t\"\nbrokers = [\"own\"]\n",
		"hive = { metastore = \"m\" }", "path = \"out\"\nhive = { metastore = \"m\", database = \"d\" }",
		"store = \"cassandra\"\n", "store = \"cassandra\"\nhosts = [\"own\"]\nkeyspace = \"own\"\nusername = \"own\"\npassword = \"own\"\n").Replace(silent)
	f, err := Parse("x.toml", []byte(src), variables(butterfree()))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Settings {
		if s.From != "file" && s.From != "default" {
			t.Errorf("%+v", s)
		}
	}
	if c := f.Sinks[1].Cassandra; f.Sinks[0].Path != "out" || c.Keyspace != "own" || c.Password.Value() != "own" {
		t.Errorf("%+v %+v", f.Sinks[0], c)
	}
}

// What neither the file nor the environment gives is an error that names the
// variable; so is a variable that makes no sense, and it is not printed.
func TestParse_VariableMissingOrWrong_Named(t *testing.T) {
	for variable, c := range map[string]struct {
		value, want string
		code        fault.Code
	}{
		"KAFKA_CONSUMER_CONNECTION_STRING": {" , ", "write brokers = [\"host:port\"], or set the variable KAFKA_CONSUMER_CONNECTION_STRING", MissingKey},
		"CASSANDRA_HOST":                   {"", "or set the variable CASSANDRA_HOST", MissingKey},
		"CASSANDRA_KEYSPACE":               {" ", "or set the variable CASSANDRA_KEYSPACE", MissingKey},
		"CASSANDRA_USERNAME":               {"", "or set the variable CASSANDRA_USERNAME", MissingKey},
		"CASSANDRA_PASSWORD":               {"", "or set the variable CASSANDRA_PASSWORD", MissingKey},
		"FEATURE_STORE_S3_BUCKET":          {"", "or set the variable FEATURE_STORE_S3_BUCKET", MissingKey},
	} {
		for _, value := range []string{"", c.value, "unset"} {
			env := butterfree()
			env[variable] = value
			if value == "unset" {
				delete(env, variable)
			}
			_, err := Parse("x.toml", []byte(silent), variables(env))
			if err == nil || !strings.Contains(err.Error(), c.want) || !fault.Is(err, c.code) {
				t.Errorf("%s = %q: %v", variable, value, err)
			}
		}
	}
	for variable, value := range map[string]string{
		"KAFKA_CONSUMER_CONNECTION_STRING": "ok:1,zzz://q", "CASSANDRA_HOST": "zzz:q", "FEATURE_STORE_S3_BUCKET": "zzz/q", "AWS_ENDPOINT_URL_S3": "zzzq",
	} {
		env := butterfree()
		env[variable] = value
		_, err := Parse("x.toml", []byte(silent), variables(env))
		if !fault.Is(err, BadEnvironment) || !strings.Contains(err.Error(), variable) || strings.Contains(err.Error(), "zzz") {
			t.Errorf("%s = %q: %v", variable, value, err)
		}
	}
}

// A secret is printed by nothing that prints a file, whatever it came from.
func TestSecret_NeverPrinted(t *testing.T) {
	src, err := os.ReadFile("testdata/good/servers.toml")
	if err != nil {
		t.Fatal(err)
	}
	file, err := Parse("x.toml", src, environment)
	if err != nil {
		t.Fatal(err)
	}
	env, err := Parse("x.toml", []byte(silent), variables(butterfree()))
	if err != nil {
		t.Fatal(err)
	}
	if file.Readers[0].Kafka.Client.Password.Value() != "hunter2 is long" || env.Sinks[1].Cassandra.Password.IsZero() {
		t.Fatal("the secrets were lost")
	}
	for _, f := range []*File{file, env} {
		js, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "file", f.Readers, "sinks", f.Sinks, "one", f.Readers[0].Kafka.Client.Password)
		texts := map[string]string{
			"json": string(js), "log": log.String(), "settings": fmt.Sprint(f.Settings),
		}
		if f == file {
			texts["redact"] = f.Redact("the server said: no hunter2 is long here")
		} else {
			texts["redact"] = f.Redact("the server said: no s3cr.et.s3cr.et here")
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			for _, r := range f.Readers {
				if r.Kafka != nil {
					texts["reader "+verb] += fmt.Sprintf(verb, *r.Kafka)
				}
				if r.Table != nil {
					texts["table "+verb] += fmt.Sprintf(verb, *r.Table)
				}
			}
			for _, s := range f.Sinks {
				if s.Cassandra != nil {
					texts["cassandra "+verb] += fmt.Sprintf(verb, *s.Cassandra)
				}
				if s.Kafka != nil {
					texts["kafka "+verb] += fmt.Sprintf(verb, *s.Kafka)
				}
			}
			texts["secret "+verb] = fmt.Sprintf(verb, NewSecret("hunter2 is long"))
		}
		for what, text := range texts {
			for _, secret := range []string{"hunter2", "s3cr.et", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%x", "s3cr.et")} {
				if strings.Contains(text, secret) {
					t.Errorf("%s tells %q: %s", what, secret, text)
				}
			}
		}
	}
	// A password that is also a word of the file would be told by its absence.
	if got := file.Redact("cassandra is away"); got != "cassandra is away" {
		t.Errorf("redacted %q", got)
	}
}

// What the command line gave stands in the place of the file's setting.
func TestFile_Flagged_Wins(t *testing.T) {
	f, err := Parse("x.toml", []byte(silent), variables(butterfree()))
	if err != nil {
		t.Fatal(err)
	}
	n := len(f.Settings)
	f.Flagged("sink[0].path", "elsewhere")
	f.Flagged("interval", "2024-01-01")
	if len(f.Settings) != n+1 || f.Settings[n] != (Setting{"interval", "2024-01-01", FromFlag}) {
		t.Errorf("%v", f.Settings)
	}
	for _, s := range f.Settings {
		if s.Key == "sink[0].path" && (s.Value != "elsewhere" || s.From != FromFlag) {
			t.Errorf("%v", s)
		}
	}
}
