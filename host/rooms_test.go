package host_test

import (
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite generated files")

// module is the import path of the repository.
const module = "github.com/featurehost/featurehost/"

// room is one package of the plan: what it is for and what it may import of
// the rooms on its own floor. Lower floors and its own sub-rooms are always
// open to it.
type room struct {
	path       string
	floor      int
	purpose    string
	neighbours []string
	// stdOnly rooms import nothing from outside the standard library.
	stdOnly bool
	// blind rooms take built-ins and connectors as they are handed over, and
	// import neither.
	blind bool
}

func rooms() []room {
	return []room{
		{path: "abi", floor: 1, purpose: "the plugin contract: manifest, statuses, layout, packing; its specification is SPEC.md", stdOnly: true},
		{path: "abi/mask", floor: 1, purpose: "patterns of text dates", stdOnly: true},
		{path: "host/fault", floor: 1, purpose: "the one error type: code, place, hint, cause", stdOnly: true},
		{path: "host/flow", floor: 1, purpose: "the nouns that move and the interfaces between parts"},
		{path: "host/flow/canonical", floor: 1, purpose: "canonical bytes and order of values"},
		{path: "host/internal/wasm/binary", floor: 1, purpose: "the binary format of WebAssembly 2.0, read: numbers, types, instructions", stdOnly: true},
		{path: "abi/schema", floor: 2, purpose: "type names as users write them; schema comparison"},
		{path: "abi/cdata", floor: 2, purpose: "Arrow C Data structs in guest memory: export, validated import"},
		{path: "config", floor: 2, purpose: "the pipeline file: TOML to structs with places", neighbours: []string{"abi/schema"}},
		{path: "host/internal/observe", floor: 2, purpose: "counts, times and warnings of a run"},
		{path: "host/internal/regular", floor: 2, purpose: "regular files opened where anything may lie", stdOnly: true},
		{path: "host/internal/hold", floor: 2, purpose: "folders marked as those of a process that lives", stdOnly: true},
		{path: "connectors/blob", floor: 2, purpose: "objects on disk; conditional put; injected faults in blobtest"},
		{path: "host/internal/contract", floor: 3, purpose: "a plugin's manifest held against its stage: what it sees, what it answers, how that joins the batch"},
		{path: "host/internal/wasm", floor: 3, purpose: "guests: compile cache, pool, call, trap policy", neighbours: []string{"host/internal/contract"}},
		{path: "host/internal/wasm/fuel", floor: 2, purpose: "bytes to bytes: a module that counts its work and stops when a budget is spent", stdOnly: true},
		{path: "host/internal/process", floor: 3, purpose: "process plugins: launch, Flight session, restarts", neighbours: []string{"host/internal/contract"}},
		{path: "host/internal/process/launch", floor: 3, purpose: "a program started so that it cannot outlive the host; its handshake", neighbours: []string{"host/internal/contract"}},
		{path: "host/internal/process/wire", floor: 3, purpose: "messages of Arrow Flight to a plugin and back, none of them believed"},
		{path: "host/internal/sql", floor: 3, purpose: "the only room that knows DuckDB: queries, text formats, expressions"},
		{path: "host/internal/exchange", floor: 3, purpose: "rows to ranges of keys in total order, spilled when needed"},
		{path: "host/internal/spill", floor: 3, purpose: "batches to a Parquet file in the scratch folder"},
		{path: "host/internal/crash", floor: 3, purpose: "what becomes of a batch that a plugin fails on: second try, bisection, circuit"},
		{path: "host/internal/deadletter", floor: 3, purpose: "rejected rows, kept with their reason"},
		{path: "host/internal/ledger", floor: 3, purpose: "run numbers, claims, what was prepared and published"},
		{path: "connectors/online/staged", floor: 3, purpose: "what the online stores share: staged rows, texts of keys and values"},
		{path: "connectors/blob/s3store", floor: 3, purpose: "objects on S3: the store of a bucket, ranges, uploads, copies"},
		{path: "connectors/internal/jsontext", floor: 3, purpose: "texts and numbers written as JSON", stdOnly: true},
		{path: "host/parts", floor: 4, purpose: "the built-in things a pipeline file may name"},
		{path: "host/internal/catalog", floor: 4, purpose: "plugins found by manifest, without compiling, and held against plugins.lock"},
		{path: "builtins/internal/buffers", floor: 4, purpose: "columns made of buffers that a loop has filled"},
		{path: "builtins/internal/runs", floor: 4, purpose: "records cut down to the rows kept, column by column", neighbours: []string{"builtins/internal/buffers"}},
		{path: "builtins", floor: 5, purpose: "registration of the built-in stages and the feature set", neighbours: []string{"builtins/*"}},
		{path: "builtins/cast", floor: 5, purpose: "the cast rules, column by column"},
		{path: "builtins/prepare", floor: 5, purpose: "cleaning verbs: filter, replace, fill, pivot, JSON; prepare/jsonrows reads JSON texts", neighbours: []string{"builtins/window", "builtins/cast"}},
		{path: "builtins/featureset", floor: 5, purpose: "keys, timestamp, features, duplicates, latest", neighbours: []string{"builtins/window", "builtins/cast"}},
		{path: "builtins/window", floor: 5, purpose: "aggregates over rolling windows, windows of each row, and groups; window/exact holds exact sums, window/hll counts"},
		{path: "connectors", floor: 5, purpose: "registration of readers, sinks and stores", neighbours: []string{"connectors/*"}},
		{path: "connectors/file", floor: 5, purpose: "files to batches: Parquet, CSV, JSON lines"},
		{path: "connectors/historical", floor: 5, purpose: "Parquet in the Hive layout: prepared aside, published by day"},
		{path: "connectors/hive", floor: 5, purpose: "the metastore: tables and partitions of the historical store; hive/server2 runs statements", neighbours: []string{"connectors/historical"}},
		{path: "connectors/table", floor: 5, purpose: "Hive tables to batches: partitions from the metastore, files from disk or S3, statements", neighbours: []string{"connectors/file", "connectors/hive", "connectors/hive/*"}},
		{path: "connectors/online", floor: 5, purpose: "the newest row of each key, in SQLite"},
		{path: "connectors/avro", floor: 4, purpose: "Avro rows to columns and back: messages and container files"},
		{path: "connectors/kafka", floor: 5, purpose: "topics to batches, bounded or as a stream; every row to a topic; prepare/jsonrows reads its JSON", neighbours: []string{"builtins/prepare"}},
		{path: "connectors/cassandra", floor: 5, purpose: "the newest row of each key, on a Cassandra cluster"},
		{path: "host/internal/plan", floor: 6, purpose: "a pipeline file bound to its parts: the schema on every edge", blind: true},
		{path: "host/internal/pipeline", floor: 6, purpose: "workers, order, exchange, sinks: runs a plan", blind: true, neighbours: []string{"host/internal/plan"}},
		{path: "conformance/hostile", floor: 7, purpose: "plugins that do one thing wrong each, with the code in which it must end"},
		{path: "host", floor: 7, purpose: "public face: check, plan, run", blind: true},
		{path: "host/pipelinetest", floor: 7, purpose: "pipeline tests as files", blind: true, neighbours: []string{"host"}},
		{path: "cmd/featurehost", floor: 7, purpose: "the command line", neighbours: []string{"host", "host/pipelinetest"}},
	}
}

// apart lists what is outside the floors: it may import anything, and nothing
// in production imports it.
func apart() []string {
	return []string{"host/hosttest", "connectors/servertest", "abi/cmd/", "bench", "examples", "plugins", "pluginsdk", "docs", "conformance/hostile/program"}
}

// TestRooms_ImportsFollowThePlan holds the real imports against the plan.
func TestRooms_ImportsFollowThePlan(t *testing.T) {
	root := ".."
	plan := rooms()
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if isApart(rel) {
			return nil
		}
		from := roomOf(plan, rel)
		if from == nil {
			t.Errorf("%s is in no room of the plan: add it to rooms(), with its purpose", rel)
			return nil
		}
		seen[from.path] = true
		imports, err := importsOf(path)
		if err != nil {
			return err
		}
		for _, imp := range imports {
			if msg := forbidden(plan, from, imp); msg != "" {
				t.Errorf("%s: %s", filepath.ToSlash(strings.TrimPrefix(path, root+"/")), msg)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range plan {
		if !seen[r.path] {
			t.Errorf("room %s is planned and does not exist", r.path)
		}
	}
}

// TestRooms_ForbiddenIsSeen shows that the rules refuse what they should.
func TestRooms_ForbiddenIsSeen(t *testing.T) {
	plan := rooms()
	for _, c := range []struct{ from, imp string }{
		{"host/flow", module + "config"},
		{"builtins/prepare", module + "builtins/featureset"},
		{"connectors/file", module + "connectors/online"},
		{"abi", "github.com/apache/arrow-go/v18/arrow"},
		{"host", module + "builtins"},
		{"config", module + "host/hosttest"},
		{"host/internal/plan", "github.com/duckdb/duckdb-go/v2"},
	} {
		if forbidden(plan, roomOf(plan, c.from), c.imp) == "" {
			t.Errorf("%s may import %s", c.from, c.imp)
		}
	}
}

// TestRooms_DocIsCurrent keeps docs/rooms.md equal to the plan.
func TestRooms_DocIsCurrent(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Rooms\n\nGenerated from host/rooms_test.go, which also holds the imports against it.\nA room imports lower floors and its own sub-rooms; neighbours only where the last column says so.\n\n| floor | room | what it is for | neighbours |\n|-|-|-|-|\n")
	for _, r := range rooms() {
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s |\n", r.floor, r.path, r.purpose, strings.Join(r.neighbours, ", "))
	}
	const path = "../docs/rooms.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != b.String() {
		t.Errorf("docs/rooms.md is out of date (%v): go test ./host -run Rooms -update", err)
	}
}

// libraries says which room alone may know a library.
func libraries() map[string][]string {
	return map[string][]string{
		"github.com/beltran/gohive":                   {"connectors/hive", "connectors/table"},
		"github.com/apache/thrift":                    {"connectors/hive"},
		"github.com/duckdb/":                          {"host/internal/sql"},
		"github.com/tetratelabs/wazero":               {"host/internal/wasm"},
		"github.com/hashicorp/go-plugin":              {"host/internal/process/launch"},
		"github.com/apache/arrow-go/v18/arrow/flight": {"host/internal/process", "host/internal/process/wire"},
		"google.golang.org/grpc":                      {"host/internal/process", "host/internal/process/wire"},
		"github.com/mattn/go-sqlite3":                 {"connectors/online"},
		"github.com/gocql/gocql":                      {"connectors/cassandra"},
		"github.com/segmentio/kafka-go":               {"connectors/kafka"},
		"github.com/hamba/avro":                       {"connectors/avro"},
		"github.com/aws/":                             {"connectors/blob/s3store"},
		"github.com/BurntSushi/toml":                  {"config", "host/pipelinetest", "host/internal/catalog"},
	}
}

func forbidden(plan []room, from *room, imp string) string {
	if !strings.HasPrefix(imp, module) {
		if from.stdOnly && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
			return fmt.Sprintf("imports %s, but the room uses the standard library only", imp)
		}
		for lib, owners := range libraries() {
			if strings.HasPrefix(imp, lib) && !slices.Contains(owners, from.path) {
				return fmt.Sprintf("imports %s, which only %v may know", imp, owners)
			}
		}
		return ""
	}
	rel := strings.TrimPrefix(imp, module)
	if isApart(rel) {
		return fmt.Sprintf("imports %s, which is not for production", rel)
	}
	to := roomOf(plan, rel)
	switch {
	case to == nil:
		return fmt.Sprintf("imports %s, which is in no room of the plan", rel)
	case from.blind && to.floor == 5:
		return fmt.Sprintf("imports %s, which must be handed to it", rel)
	case to.path == from.path, to.floor < from.floor, strings.HasPrefix(to.path, from.path+"/"):
		return ""
	case to.floor > from.floor:
		return fmt.Sprintf("imports %s, which is on a higher floor", rel)
	case slices.ContainsFunc(from.neighbours, func(n string) bool { ok, _ := filepath.Match(n, to.path); return ok }):
		return ""
	default:
		return fmt.Sprintf("imports its neighbour %s", rel)
	}
}

// roomOf finds the room that a folder is in: the longest path that holds it.
func roomOf(plan []room, rel string) *room {
	var best *room
	for i := range plan {
		r := &plan[i]
		if rel != r.path && !strings.HasPrefix(rel, r.path+"/") {
			continue
		}
		// A sub-folder belongs to the room only if it is a sub-room of it, which
		// any folder below it is.
		if best == nil || len(r.path) > len(best.path) {
			best = r
		}
	}
	// host holds rooms of many floors: an unlisted folder there is no sub-room.
	if best != nil && best.path == "host" && rel != "host" {
		return nil
	}
	return best
}

func isApart(rel string) bool {
	return slices.ContainsFunc(apart(), func(a string) bool {
		return rel == a || strings.HasPrefix(rel, strings.TrimSuffix(a, "/")+"/") || rel == strings.TrimSuffix(a, "/")
	})
}

func importsOf(path string) ([]string, error) {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
