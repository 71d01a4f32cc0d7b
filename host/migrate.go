package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/observe"
)

// MigrateOptions say what Migrate may do.
type MigrateOptions struct {
	Apply bool // make the changes; else they are only told
	// AllowDrop lets go changes that lose stored values.
	AllowDrop bool
}

// MigrationReport tells what the tables of a pipeline's sinks lack.
type MigrationReport struct {
	Pipeline string           `json:"pipeline"`
	Set      string           `json:"feature_set"`
	Digest   string           `json:"pipeline_digest"`
	Tables   []TableMigration `json:"tables"` // of each sink, in the order of the file
}

// TableMigration is what the table of one sink lacks.
type TableMigration struct {
	flow.Migration
	Outcome Outcome `json:"outcome"`
	Why     string  `json:"why,omitempty"` // of what was refused or failed
	// Left are changes that are still to be made after one failed.
	Left []flow.Change `json:"left,omitempty"`
	// Record is where the ledger keeps what was done, under its folder.
	Record string `json:"record,omitempty"`
}

// Outcome is what became of a migration.
type Outcome string

// The outcomes.
const (
	MigrationNone    Outcome = "nothing to migrate" // the sink's table takes new columns as they come
	MigrationEqual   Outcome = "up to date"
	MigrationPending Outcome = "to be applied"
	MigrationApplied Outcome = "applied"
	MigrationRefused Outcome = "refused" // nothing was changed
	MigrationFailed  Outcome = "failed"
)

// Migrate compares the table of each sink with the columns of the pipeline and,
// where that is asked for, changes it. A table for which one change is refused
// is left as it is; the others are dealt with all the same. The error tells what
// failed, of all sinks; the report tells what was done, also beside an error.
func (h *Host) Migrate(ctx context.Context, o MigrateOptions) (report *MigrationReport, err error) {
	s, err := h.session(ctx, &observe.Events{}, nil, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	p, err := s.bind(ctx, flow.Interval{}, false)
	if err != nil {
		return nil, err
	}
	set := h.file.FeatureSet
	report = &MigrationReport{
		Pipeline: h.file.Pipeline.Name, Set: set.Entity + "/" + set.Name, Digest: h.file.Digest, Tables: []TableMigration{},
	}
	var errs []error
	for _, sink := range p.Sinks {
		t, err := s.migrate(ctx, sink.Config, sink.Output, o)
		report.Tables = append(report.Tables, t)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return report, joined(errs)
}

// migrate deals with one sink.
func (s *session) migrate(ctx context.Context, c config.Sink, in *flow.Schema, o MigrateOptions) (t TableMigration, err error) {
	t = TableMigration{Migration: flow.Migration{Sink: c.Name, Changes: []flow.Change{}}, Outcome: MigrationNone}
	fail := func(err error, format string, args ...any) error {
		e := fault.Wrap(err, MigrateFailed, format, args...).At("sink %q", c.Name)
		if cause := fault.As(err); cause != nil {
			e.Retry = cause.Retry
			if fault.ClassOf(err) == fault.Usage {
				return err // it says itself what is wrong with the file
			}
		}
		t.Outcome, t.Why = MigrationFailed, e.Error()
		return e
	}
	sink, err := s.host.options.Catalog.Sinks[c.Type](c, s.place(), s.env(c.Name))
	if err != nil {
		return t, fail(err, "the sink cannot be made")
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	m, ok := sink.(flow.Migrator)
	if !ok {
		return t, nil
	}
	diff := func(ctx context.Context) (flow.Migration, error) {
		set := s.host.file.FeatureSet
		found, err := m.Migration(ctx, flow.Run{Entity: set.Entity, Set: set.Name, Pipeline: s.host.file.Digest, Version: s.host.options.Version}, in)
		found.Sink = c.Name
		if found.Changes == nil {
			found.Changes = []flow.Change{}
		}
		return found, err
	}
	found, err := diff(ctx)
	if err != nil {
		return t, fail(err, "the table cannot be compared")
	}
	t.Migration = found
	switch why := refusal(found, o); {
	case len(found.Changes) == 0 && found.Table == "":
		return t, nil
	case len(found.Changes) == 0:
		t.Outcome = MigrationEqual
		return t, nil
	case why != "":
		t.Outcome, t.Why = MigrationRefused, why
		return t, nil
	case !o.Apply:
		t.Outcome = MigrationPending
		return t, nil
	}
	failed := m.Migrate(ctx, found)
	// What a server made of it counts, and is kept even when we are interrupted.
	ctx = context.WithoutCancel(ctx)
	after, unknown := diff(ctx)
	if unknown == nil {
		t.Left = after.Changes
	}
	t.Outcome = MigrationApplied
	t.Record, err = s.record(ctx, t, failed, unknown)
	switch {
	case failed != nil:
		return t, errors.Join(fail(failed, "the table %s was not changed as it should be", found.Table), err)
	case unknown != nil:
		return t, errors.Join(fail(unknown, "the changes of table %s were made, but the table cannot be looked at now", found.Table), err)
	case len(t.Left) > 0:
		differs := fault.New(MigrateDiffers, "the table %s still differs after its changes: %s", found.Table, t.Left[0].Text).At("sink %q", c.Name)
		t.Outcome, t.Why = MigrationFailed, differs.Error()
		return t, errors.Join(differs, err)
	}
	return t, err
}

// refusal says why a migration must not be made, or "".
func refusal(m flow.Migration, o MigrateOptions) string {
	for _, c := range m.Changes {
		if c.Refused != "" {
			return c.Text + ": " + c.Refused
		}
	}
	for _, c := range m.Changes {
		if c.Loses && !o.AllowDrop {
			return c.Text + ": stored values would be lost; give --allow-drop if they may go"
		}
	}
	return ""
}

// migrationLine is what the ledger keeps of one change.
type migrationLine struct {
	Time      time.Time `json:"time"`
	Pipeline  string    `json:"pipeline"`
	Digest    string    `json:"pipeline_digest"`
	Set       string    `json:"feature_set"`
	Version   string    `json:"featurehost,omitempty"`
	Sink      string    `json:"sink"`
	Table     string    `json:"table"`
	Change    string    `json:"change"`
	Statement string    `json:"statement,omitempty"`
	Loses     bool      `json:"loses,omitempty"`
	Outcome   string    `json:"outcome"` // made | not made | not known
	Error     string    `json:"error,omitempty"`
}

// record keeps in the ledger's folder what was done to a table, one line of
// JSON for each change, and gives the object's key.
func (s *session) record(ctx context.Context, t TableMigration, failed, unknown error) (string, error) {
	h := s.host
	line := migrationLine{
		Time: h.now().UTC(), Pipeline: h.file.Pipeline.Name, Digest: h.file.Digest, Version: h.options.Version,
		Set: h.file.FeatureSet.Entity + "/" + h.file.FeatureSet.Name, Sink: t.Sink, Table: t.Table,
	}
	if failed != nil {
		line.Error = h.file.Redact(failed.Error())
	}
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	enc.SetEscapeHTML(false)
	for _, c := range t.Changes {
		line.Change, line.Statement, line.Loses, line.Outcome = c.Text, c.Statement, c.Loses, "made"
		switch same := func(x flow.Change) bool { return x.Text == c.Text }; {
		case unknown != nil && failed != nil:
			line.Outcome = "not known"
		case unknown == nil && slices.ContainsFunc(t.Left, same):
			line.Outcome = "not made"
		}
		if err := enc.Encode(line); err != nil {
			return "", err
		}
	}
	_, store := h.ledger()
	for n := 1; ; n++ {
		key := fmt.Sprintf("migrations/%s-%s-%d.jsonl", line.Time.Format("20060102T150405"), t.Sink, n)
		err := store.PutIfAbsent(ctx, key, lines.Bytes())
		if errors.Is(err, blob.ErrExist) && n < 1000 {
			continue
		}
		if err != nil {
			return "", unrecorded(err, t)
		}
		return key, nil
	}
}

func unrecorded(err error, t TableMigration) error {
	return fault.Wrap(err, MigrationUnrecorded, "what was done to table %s is not in the ledger", t.Table).At("sink %q", t.Sink).
		WithHint("the table itself is changed; note it by hand")
}
