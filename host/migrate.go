package host

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/internal/ledger"
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
	// Begun are records of earlier migrations of the table that have no outcome:
	// they were cut off, or are still under way.
	Begun []string `json:"begun,omitempty"`
	// Settled says that the outcome of those was found by comparing, and is
	// recorded now.
	Settled bool `json:"settled,omitempty"`
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
	if len(found.Changes) == 0 && found.Table == "" {
		return t, nil
	}
	log := s.host.migrationLog(c.Name)
	if t.Begun, err = log.open(ctx); err != nil {
		return t, fail(err, "the ledger's folder migrations/ cannot be read")
	}
	why, err := s.refusal(ctx, found, o)
	switch {
	case err != nil:
		return t, fail(err, "the run ledger cannot be read")
	case why != "":
		t.Outcome, t.Why = MigrationRefused, why
		return t, nil
	case !o.Apply && len(found.Changes) > 0:
		t.Outcome = MigrationPending
		return t, nil
	}
	if o.Apply {
		for _, key := range t.Begun {
			if err := log.settle(ctx, key, found.Changes); err != nil {
				return t, fail(err, "the outcome of an earlier migration cannot be recorded")
			}
		}
		t.Settled = len(t.Begun) > 0
	}
	if len(found.Changes) == 0 {
		t.Outcome = MigrationEqual
		return t, nil
	}
	begun, err := log.begin(ctx, t)
	if err != nil {
		return t, fail(err, "nothing can be recorded in the ledger's folder migrations/, so no change was made")
	}
	failed := m.Migrate(ctx, found)
	// What a server made of it counts, and is kept even when we are interrupted.
	ctx = context.WithoutCancel(ctx)
	after, unknown := diff(ctx)
	if unknown == nil {
		t.Left = after.Changes
	}
	t.Outcome = MigrationApplied
	if t.Record, err = log.end(ctx, begun, t.Left, unknown == nil || failed == nil, failed); err != nil {
		err = unrecorded(err, t)
	}
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
func (s *session) refusal(ctx context.Context, m flow.Migration, o MigrateOptions) (string, error) {
	for _, c := range m.Changes {
		if c.Refused != "" {
			return c.Text + ": " + c.Refused, nil
		}
	}
	at := slices.IndexFunc(m.Changes, func(c flow.Change) bool { return c.Loses })
	switch {
	case at < 0:
		return "", nil
	case !o.AllowDrop:
		return m.Changes[at].Text + ": stored values would be lost; give --allow-drop if they may go", nil
	}
	r, err := s.host.unfinished(ctx, m.Sink)
	if r == nil || err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: run %d is not finished (%s) and has rows of the older columns still to load; "+
		"let it end, or run the pipeline once so that it is completed or undone, best with the file as it was, and migrate then", m.Changes[at].Text, r.Number, r.State), nil
}

// unfinished gives the first run that may still load rows into a sink, nil when
// there is none.
func (h *Host) unfinished(ctx context.Context, sink string) (*ledger.Record, error) {
	l, _ := h.ledger()
	all, err := l.List(ctx)
	for _, r := range all {
		if _, loaded := r.Results[sink]; !loaded && !r.State.Done() {
			return &r, nil
		}
	}
	return nil, err
}
