package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// fakeTable is a sink with a table on a server.
type fakeTable struct {
	sink    flow.Sink
	missing []flow.Change // what the table lacks
	sent    []string      // statements that were made
	fails   string        // the statement that the server refuses
	stuck   bool          // what was made does not show
	away    bool
	during  func() // called before the first statement is made
	columns string
	run     flow.Run
}

func (f *fakeTable) Open(ctx context.Context, r flow.Run, in *flow.Schema) error {
	return f.sink.Open(ctx, r, in)
}
func (f *fakeTable) Write(ctx context.Context, b flow.Batch) error { return f.sink.Write(ctx, b) }
func (f *fakeTable) Prepare(ctx context.Context) (flow.Pending, error) {
	return f.sink.Prepare(ctx)
}
func (f *fakeTable) Publish(ctx context.Context, p flow.Pending) (flow.Published, error) {
	return f.sink.Publish(ctx, p)
}
func (f *fakeTable) Discard(ctx context.Context, r flow.Run) error { return f.sink.Discard(ctx, r) }
func (f *fakeTable) Close() error                                  { return f.sink.Close() }

func (f *fakeTable) Migration(_ context.Context, r flow.Run, in *flow.Schema) (flow.Migration, error) {
	if f.away {
		e := fault.New(8099, "no answer")
		e.Retry = true
		return flow.Migration{}, e
	}
	f.run = r
	f.columns = ""
	for _, x := range in.Fields() {
		f.columns += x.Name + " "
	}
	return flow.Migration{Table: "k.s", Changes: slices.Clone(f.missing)}, nil
}

func (f *fakeTable) Migrate(_ context.Context, m flow.Migration) error {
	if f.during != nil {
		f.during()
	}
	for _, c := range m.Changes {
		if c.Statement == f.fails {
			return errors.New("the server says no")
		}
		f.sent = append(f.sent, c.Statement)
		if !f.stuck {
			f.missing = slices.DeleteFunc(f.missing, func(x flow.Change) bool { return x == c })
		}
	}
	return nil
}

func change(name string) flow.Change {
	return flow.Change{Text: "add column " + name, Statement: "ALTER ADD " + name}
}

func TestMigrate_EachCase_OutcomeAndRecord(t *testing.T) {
	add, drop := []flow.Change{change("a"), change("b")}, flow.Change{Text: "drop column z", Statement: "ALTER DROP z", Loses: true}
	never := flow.Change{Text: "change the keys", Refused: "the keys of a table cannot be changed; write under another name"}
	for name, c := range map[string]struct {
		table   fakeTable
		o       host.MigrateOptions
		outcome host.Outcome
		sent    []string
		code    fault.Code
		lines   []string // outcome of each line in the ledger
	}{
		"equal":              {outcome: host.MigrationEqual, o: host.MigrateOptions{Apply: true}},
		"shown":              {table: fakeTable{missing: add}, outcome: host.MigrationPending},
		"applied":            {table: fakeTable{missing: add}, o: host.MigrateOptions{Apply: true}, outcome: host.MigrationApplied, sent: []string{"ALTER ADD a", "ALTER ADD b"}, lines: []string{"made", "made"}},
		"drop shown":         {table: fakeTable{missing: append(slices.Clone(add), drop)}, outcome: host.MigrationRefused},
		"drop without leave": {table: fakeTable{missing: append(slices.Clone(add), drop)}, o: host.MigrateOptions{Apply: true}, outcome: host.MigrationRefused},
		"drop with leave":    {table: fakeTable{missing: append(slices.Clone(add), drop)}, o: host.MigrateOptions{Apply: true, AllowDrop: true}, outcome: host.MigrationApplied, sent: []string{"ALTER ADD a", "ALTER ADD b", "ALTER DROP z"}, lines: []string{"made", "made", "made"}},
		"refused":            {table: fakeTable{missing: append(slices.Clone(add), never)}, o: host.MigrateOptions{Apply: true, AllowDrop: true}, outcome: host.MigrationRefused},
		"the second fails":   {table: fakeTable{missing: add, fails: "ALTER ADD b"}, o: host.MigrateOptions{Apply: true}, outcome: host.MigrationFailed, sent: []string{"ALTER ADD a"}, code: host.MigrateFailed, lines: []string{"made", "not made"}},
		"still differs":      {table: fakeTable{missing: add, stuck: true}, o: host.MigrateOptions{Apply: true}, outcome: host.MigrationFailed, sent: []string{"ALTER ADD a", "ALTER ADD b"}, code: host.MigrateDiffers, lines: []string{"not made", "not made"}},
		"away":               {table: fakeTable{away: true}, o: host.MigrateOptions{Apply: true}, outcome: host.MigrationFailed, code: host.MigrateFailed},
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := t.TempDir(), newServers()
			table := c.table
			table.missing = slices.Clone(table.missing)
			s.migrator["shared"] = &table
			report, err := hostOf(t, dir, several, s).Migrate(t.Context(), c.o)
			if c.code == 0 && err != nil || c.code != 0 && (!fault.Is(err, c.code) || fault.ClassOf(err) != fault.System || !strings.Contains(err.Error(), `sink "shared"`)) {
				t.Fatalf("got %v", err)
			}
			if c.table.away && !fault.As(err).Retry {
				t.Error("a server that is away may be back")
			}
			if len(report.Tables) != 4 {
				t.Fatalf("tables %+v", report.Tables)
			}
			for _, x := range report.Tables {
				want := host.MigrationNone
				if x.Sink == "shared" {
					want = c.outcome
				}
				if x.Outcome != want || (want == host.MigrationRefused || want == host.MigrationFailed) != (x.Why != "") {
					t.Errorf("%+v, want %s", x, want)
				}
			}
			if !slices.Equal(table.sent, c.sent) {
				t.Errorf("sent %q, want %q", table.sent, c.sent)
			}
			if !c.table.away && (table.columns != "id timestamp v " || table.run.Entity != "e" || table.run.Set != "s") {
				t.Errorf("asked for columns %q of %+v", table.columns, table.run)
			}
			if got := migrations(t, dir, report); !slices.Equal(got, c.lines) {
				t.Errorf("recorded %q, want %q", got, c.lines)
			}
			if _, err := os.Stat(filepath.Join(dir, "out/historical")); err == nil {
				t.Error("a migration made the historical table")
			}
		})
	}
}

// migrations reads what the ledger's folder says of migrations that ended. What
// was begun must be there too, with the same statements.
func migrations(t testing.TB, dir string, report *host.MigrationReport) (outcomes []string) {
	t.Helper()
	root := filepath.Join(dir, "out/_featurehost/e/s")
	paths, err := filepath.Glob(filepath.Join(root, "migrations/*"))
	if err != nil {
		t.Fatal(err)
	}
	begun := map[string]int{}
	for _, p := range paths {
		if name, is := strings.CutSuffix(p, ".begun.jsonl"); is {
			b, err := os.ReadFile(p)
			if n := strings.Count(string(b), `"outcome":"begun"`); err == nil && n == strings.Count(string(b), "\n") {
				begun[name+".jsonl"] = n
			} else {
				t.Errorf("%v\n%s", err, b)
			}
			continue
		}
		key, err := filepath.Rel(root, p)
		if err != nil || !slices.ContainsFunc(report.Tables, func(x host.TableMigration) bool { return x.Record == key }) {
			t.Errorf("the report does not tell of %s: %v", key, err)
		}
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var x struct {
				Time                                    time.Time
				Sink, Table, Change, Statement, Outcome string
				Digest                                  string `json:"pipeline_digest"`
			}
			if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
				t.Fatal(err)
			}
			if x.Sink != "shared" || x.Table != "k.s" || x.Digest != report.Digest || x.Statement == "" || x.Change == "" || time.Since(x.Time) > time.Minute {
				t.Errorf("line %s", lines.Text())
			}
			outcomes = append(outcomes, x.Outcome)
			begun[p]--
		}
	}
	for p, n := range begun {
		if n != 0 {
			t.Errorf("%s: %d lines more were begun than ended", p, n)
		}
	}
	return outcomes
}

// Two migrations within a second keep two records.
func TestMigrate_Twice_BothRecorded(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	table := &fakeTable{missing: []flow.Change{change("a")}}
	s.migrator["shared"] = table
	h := hostOf(t, dir, several, s)
	for _, next := range []string{"b", ""} {
		if _, err := h.Migrate(t.Context(), host.MigrateOptions{Apply: true}); err != nil {
			t.Fatal(err)
		}
		if next != "" {
			table.missing = []flow.Change{change(next)}
		}
	}
	if paths, _ := filepath.Glob(filepath.Join(dir, "out/_featurehost/e/s/migrations/*.jsonl")); len(paths) != 4 { // begun and ended
		t.Errorf("records %q", paths)
	}
}
