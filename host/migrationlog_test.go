package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// A column must not go while a run may still load values of it: its rows would
// not fit the table any more.
// Rules: S-1209, S-1308.
func TestMigrate_RunNotFinished_NothingDropped(t *testing.T) {
	drop := flow.Change{Text: "drop column z", Statement: "ALTER DROP z", Loses: true}
	for name, c := range map[string]struct {
		away   string // the sink whose server the run does not reach
		change flow.Change
		want   host.Outcome
	}{
		"a run of the table":          {"shared", drop, host.MigrationRefused},
		"a run of another sink":       {"kafka", drop, host.MigrationApplied},
		"a run, and nothing is lost":  {"shared", change("a"), host.MigrationApplied},
		"history, so nothing follows": {"", drop, host.MigrationApplied},
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := t.TempDir(), newServers()
			s.away[c.away] = true
			table := &fakeTable{}
			s.migrator["shared"] = table
			h := hostOf(t, dir, several, s)
			if _, err := h.Run(t.Context(), host.RunOptions{}); (err == nil) != (c.away == "") {
				t.Fatal(err)
			}
			table.missing = []flow.Change{c.change}
			outcome := func() host.TableMigration {
				t.Helper()
				report, err := h.Migrate(t.Context(), host.MigrateOptions{Apply: true, AllowDrop: true})
				if err != nil {
					t.Fatal(err)
				}
				return report.Tables[3]
			}
			got := outcome()
			if got.Outcome != c.want || (len(table.sent) > 0) != (c.want == host.MigrationApplied) {
				t.Fatalf("%+v, sent %q", got, table.sent)
			}
			if c.want == host.MigrationApplied {
				return
			}
			for _, part := range []string{"drop column z", "run 1 is not finished (incomplete)", "run the pipeline once"} {
				if !strings.Contains(got.Why, part) {
					t.Errorf("why: %s", got.Why)
				}
			}
			// What the message says helps.
			s.away[c.away] = false
			if _, err := h.Run(t.Context(), host.RunOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := outcome(); got.Outcome != host.MigrationApplied {
				t.Errorf("%+v", got)
			}
		})
	}
}

// deaf is a store that takes no object whose key has the ending.
type deaf struct {
	blob.Store
	ending string
}

func (d *deaf) refuses(key string) bool {
	return d.ending != "" && strings.HasSuffix(key, d.ending)
}

func (d *deaf) Put(ctx context.Context, key string, data []byte) error {
	if d.refuses(key) {
		return errors.New("the store is away")
	}
	return d.Store.Put(ctx, key, data)
}

func (d *deaf) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	if d.refuses(key) {
		return errors.New("the store is away")
	}
	return d.Store.PutIfAbsent(ctx, key, data)
}

// noted gives a host whose ledger is a folder that can be made deaf.
func noted(t *testing.T, dir string, s *servers) (*host.Host, *deaf) {
	t.Helper()
	store := &deaf{Store: blob.NewLocal(filepath.Join(dir, "out/_featurehost/e/s"), nil)}
	catalog := s.catalog()
	catalog.Blob = func(string, config.S3) (blob.Store, error) { return store, nil }
	write(t, dir, map[string]string{"p.toml": several, "events.jsonl": events})
	f, err := config.Load(filepath.Join(dir, "p.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := host.New(f, host.Options{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h, store
}

// What is about to be done is in the ledger before it is done. A migration whose
// outcome is not there is told by the next one, which finds the outcome out.
// Rule: S-1308.
func TestMigrate_CutOff_BegunIsToldAndSettled(t *testing.T) {
	for name, c := range map[string]struct {
		cut   fakeTable // how the table is when the migration is cut off
		other bool      // the next one is of another pipeline file
		want  []string
	}{
		"all was made":       {fakeTable{}, false, []string{"made", "made"}},
		"some was made":      {fakeTable{fails: "ALTER ADD b"}, false, []string{"made", "not made"}},
		"nothing was made":   {fakeTable{fails: "ALTER ADD a"}, false, []string{"not made", "not made"}},
		"another file comes": {fakeTable{fails: "ALTER ADD b"}, true, []string{"not known", "not known"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := t.TempDir(), newServers()
			root := filepath.Join(dir, "out/_featurehost/e/s")
			table := c.cut
			table.missing = []flow.Change{change("a"), change("b")}
			table.during = func() {
				paths, err := filepath.Glob(filepath.Join(root, "migrations/*"))
				if err != nil || len(paths) != 1 || !strings.HasSuffix(paths[0], ".begun.jsonl") {
					t.Fatalf("before the first statement there is %q, %v", paths, err)
				}
				if b, err := os.ReadFile(paths[0]); err != nil || strings.Count(string(b), `"outcome":"begun"`) != 2 || !strings.Contains(string(b), `"statement":"ALTER ADD b"`) {
					t.Errorf("%v\n%s", err, b)
				}
			}
			s.migrator["shared"] = &table
			h, store := noted(t, dir, s)
			// The process ends here, as far as the ledger can tell.
			store.ending = "-1.jsonl"
			report, err := h.Migrate(t.Context(), host.MigrateOptions{Apply: true})
			if !fault.Is(err, host.MigrationUnrecorded) || !strings.Contains(err.Error(), ".begun.jsonl has the statements") {
				t.Fatal(err)
			}
			begun := report.Tables[3].Record
			store.ending, table.during, table.fails = "", nil, ""

			if c.other {
				text := strings.Replace(several, `name = "p"`, `name = "q"`, 1)
				h = hostOf(t, dir, text, s)
			}
			migrate := func(apply bool) host.TableMigration {
				t.Helper()
				report, err := h.Migrate(t.Context(), host.MigrateOptions{Apply: apply})
				if err != nil {
					t.Fatal(err)
				}
				return report.Tables[3]
			}
			for range 2 { // looking settles nothing
				if got := migrate(false); !slices.Equal(got.Begun, []string{begun}) || got.Settled {
					t.Errorf("shown: %+v", got)
				}
			}
			if got := migrate(true); !slices.Equal(got.Begun, []string{begun}) || !got.Settled || len(table.missing) > 0 {
				t.Errorf("applied: %+v, missing %v", got, table.missing)
			}
			if got := migrate(true); len(got.Begun) > 0 || got.Settled || got.Outcome != host.MigrationEqual {
				t.Errorf("applied again: %+v", got)
			}
			b, err := os.ReadFile(filepath.Join(root, strings.Replace(begun, ".begun", "", 1)))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
				_, rest, _ := strings.Cut(line, `"outcome":"`)
				outcome, _, _ := strings.Cut(rest, `"`)
				got = append(got, outcome)
				if !strings.Contains(line, "was cut off") {
					t.Errorf("line %s", line)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("settled as %q, want %q", got, c.want)
			}
		})
	}
}

// A ledger that takes no notes keeps a table from being changed.
func TestMigrate_LedgerUnwritable_NothingChanged(t *testing.T) {
	dir, s := t.TempDir(), newServers()
	table := &fakeTable{missing: []flow.Change{change("a")}}
	s.migrator["shared"] = table
	h, store := noted(t, dir, s)
	store.ending = ".begun.jsonl"
	report, err := h.Migrate(t.Context(), host.MigrateOptions{Apply: true})
	if !fault.Is(err, host.MigrateFailed) || !strings.Contains(err.Error(), "no change was made") || len(table.sent) > 0 || report.Tables[3].Outcome != host.MigrationFailed {
		t.Errorf("%v, sent %q, %+v", err, table.sent, report)
	}
}
