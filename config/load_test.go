package config

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata and docs")

// environment is what the files of testdata see.
func environment(name string) (string, bool) {
	v, ok := map[string]string{
		"DATA": "data", "EMPTY": "",
		"SECRET_NAME": "s3cr.et", "SECRET_SIZE": "s3cr.et", "SECRET_TYPE": "s3cr.et",
		"SECRET_SPAN": "7 dayz",
		"SECRET_NEAR": "butterfre", // a suggestion would tell it
	}[name]
	return v, ok
}

// golden compares got with a file, or rewrites it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and read the change\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func TestParse_BadFiles_AllProblemsAsWritten(t *testing.T) {
	for _, path := range glob(t, "testdata/bad/*.toml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := Parse(filepath.Base(path), src, environment)
			if err == nil {
				t.Fatalf("accepted: %+v", f)
			}
			golden(t, strings.TrimSuffix(path, ".toml")+".want", err.Error()+"\n")
			if strings.Contains(path, "environment") && strings.Contains(err.Error(), "did you mean") {
				t.Error("a suggestion tells something of a value of the environment")
			}
			for _, secret := range []string{"hunter2", "s3cr.et", "0123456"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the secret %q is printed", secret)
				}
				for _, e := range err.(*Problems).Unwrap() {
					if strings.Contains(e.Error(), secret) {
						t.Errorf("the secret %q is printed in %v", secret, e)
					}
				}
			}
			if fault.ClassOf(err) != fault.Usage {
				t.Errorf("class %d, want Usage", fault.ClassOf(err))
			}
			if first := err.(*Problems).List[0]; fault.As(err).Code != first.Code {
				t.Errorf("code %s, want that of the first problem, %s", fault.As(err).Code, first.Code)
			}
		})
	}
}

func TestParse_BadFiles_EveryCodeOccurs(t *testing.T) {
	seen := map[fault.Code]bool{UnreadableFile: true} // TestLoad_MissingFile
	for _, path := range glob(t, "testdata/bad/*.toml") {
		_, err := Load(path, environment)
		for _, p := range err.(*Problems).List {
			seen[p.Code] = true
		}
	}
	documented := map[fault.Code]bool{}
	for _, d := range Codes() {
		documented[d.Code] = true
		if !seen[d.Code] {
			t.Errorf("no file in testdata/bad shows %s %s", d.Code, d.Title)
		}
		if d.Title == "" || d.Explain == "" {
			t.Errorf("%s is not explained", d.Code)
		}
	}
	for c := range seen {
		if !documented[c] {
			t.Errorf("%s is not in Codes", c)
		}
	}
}

func TestLoad_GoodFiles_DecodeAsWritten(t *testing.T) {
	for _, path := range glob(t, "testdata/good/*.toml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := Load(path, environment)
			if err != nil {
				t.Fatal(err)
			}
			if f.Dir != filepath.Join("testdata", "good") {
				t.Errorf("folder %q", f.Dir)
			}
			if filepath.Base(path) != "aircraft.toml" {
				if f.Pipeline.Workers != runtime.NumCPU() {
					t.Errorf("workers %d, want the number of processors", f.Pipeline.Workers)
				}
				f.Pipeline.Workers = 0 // differs between machines
			}
			out, err := json.MarshalIndent(f, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, ".toml")+".want", string(out)+"\n")
		})
	}
}

func TestLoad_Aircraft_Structs(t *testing.T) {
	f, err := Load("testdata/good/aircraft.toml", environment)
	if err != nil {
		t.Fatal(err)
	}
	header := true
	want := []Reader{
		{ID: "flights", Type: "file", Path: "data/flights.parquet", Format: "parquet",
			Incremental: &Incremental{Column: "time_hour", Mask: "%Y-%m-%dT%H:%M:%SZ"},
			Prepare:     []Stage{{Use: "filter", Where: "tailnum IS NOT NULL"}}},
		{ID: "weather", Type: "file", Path: "data/weather.csv", Format: "csv",
			Incremental: &Incremental{Partitions: []string{"year", "month", "day"}},
			Schema:      []Column{{"origin", "string"}, {"time_hour", "timestamp"}, {"wind_speed", "double"}, {"aux", "array<decimal(10,2)>"}},
			CSV:         CSV{Delimiter: ";", Null: "NA", Header: &header}},
	}
	if !reflect.DeepEqual(f.Readers, want) {
		t.Errorf("readers\n%+v\nwant\n%+v", f.Readers, want)
	}
	if !strings.HasSuffix(f.Query.SQL, "'${literal}'") {
		t.Errorf("$${ did not become ${: %q", f.Query.SQL)
	}
	if got := f.Pipeline; got != (Pipeline{Name: "aircraft_delays", State: ".featurehost", Workers: 2, Memory: 2 << 30, BatchRows: 8192}) {
		t.Errorf("pipeline %+v", got)
	}
	day := int64(86_400_000_000)
	if got, want := f.FeatureSet.Windows, (&Windows{
		Rolling: []TimeSpan{{"7 days", 7, "days", 7 * day}, {"30 days", 30, "days", 30 * day}},
		Slide:   TimeSpan{"1 day", 1, "day", day},
	}); !reflect.DeepEqual(got, want) {
		t.Errorf("windows %+v, want %+v", got, want)
	}
}

func TestLoad_MissingFile(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big.toml")
	if err := os.WriteFile(big, make([]byte, maxFile+1), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"testdata/absent.toml": `testdata/absent.toml: FH-0113: the pipeline file cannot be read: there is no such file; check the path`,
		"testdata":             `testdata: FH-0113: the pipeline file cannot be read: it is a folder; check the path and its permissions`,
		big:                    big + `: FH-0113: the pipeline file cannot be read: it is larger than 4 MiB; check the path and its permissions`,
	} {
		_, err := Load(path, nil)
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if fault.ClassOf(err) != fault.Usage {
			t.Errorf("%s: class %d", path, fault.ClassOf(err))
		}
	}
}

// The digest is of the bytes, not of what the environment made of them.
func TestParse_Digest_IgnoresEnvironment(t *testing.T) {
	src, err := os.ReadFile("testdata/good/aircraft.toml")
	if err != nil {
		t.Fatal(err)
	}
	digest := func(src []byte, data string) string {
		f, err := Parse("x.toml", src, func(n string) (string, bool) { return data, n == "DATA" })
		if err != nil {
			t.Fatal(err)
		}
		return f.Digest
	}
	a, b := digest(src, "one"), digest(src, "two")
	if a != b || !strings.HasPrefix(a, "sha256:") || len(a) != 7+64 {
		t.Errorf("digests %s and %s", a, b)
	}
	if c := digest(append(src, '#'), "one"); c == a {
		t.Error("another file has the same digest")
	}
}

// A value of the environment is text, whatever it holds.
func TestParse_Environment_CannotInjectTOML(t *testing.T) {
	src, err := os.ReadFile("testdata/good/aircraft.toml")
	if err != nil {
		t.Fatal(err)
	}
	evil := "x\"\n[pipeline]\nworkers = 99\n# ${DATA} \\"
	f, err := Parse("x.toml", src, func(n string) (string, bool) { return evil, n == "DATA" })
	if err != nil {
		t.Fatal(err)
	}
	if f.Readers[0].Path != evil+"/flights.parquet" || f.Pipeline.Workers != 2 {
		t.Errorf("path %q, workers %d", f.Readers[0].Path, f.Pipeline.Workers)
	}
}
