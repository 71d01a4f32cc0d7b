package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// migrationLog keeps what is done to the table of one sink, in the folder
// migrations/ beside the ledger's runs: an object with the statements before the
// first is sent, and one with what became of them after the last. So a migration
// that is cut off can be told by the object that is missing.
type migrationLog struct {
	host  *Host
	store blob.Store
	sink  string
}

// Endings of the two objects; the rest of their keys is the same.
const (
	begunEnding   = ".begun.jsonl"
	outcomeEnding = ".jsonl"
)

// What became of a change, as its line says.
const (
	lineBegun   = "begun" // it is about to be made
	lineMade    = "made"
	lineNotMade = "not made"
	lineUnknown = "not known"
)

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
	Outcome   string    `json:"outcome"` // begun | made | not made | not known
	Error     string    `json:"error,omitempty"`
}

func (h *Host) migrationLog(sink string) *migrationLog {
	_, store := h.ledger()
	return &migrationLog{host: h, store: store, sink: sink}
}

// begunMigration is a migration whose statements are in the log.
type begunMigration struct {
	name  string // of both objects, without their endings
	lines []migrationLine
}

// begin writes the changes that are about to be made.
func (l *migrationLog) begin(ctx context.Context, t TableMigration) (begunMigration, error) {
	f := l.host.file
	line := migrationLine{
		Time: l.host.now().UTC(), Pipeline: f.Pipeline.Name, Digest: f.Digest, Version: l.host.options.Version,
		Set: f.FeatureSet.Entity + "/" + f.FeatureSet.Name, Sink: t.Sink, Table: t.Table, Outcome: lineBegun,
	}
	var out begunMigration
	for _, c := range t.Changes {
		line.Change, line.Statement, line.Loses = c.Text, c.Statement, c.Loses
		out.lines = append(out.lines, line)
	}
	for n := 1; ; n++ {
		out.name = fmt.Sprintf("migrations/%s-%s-%d", line.Time.Format("20060102T150405"), l.sink, n)
		err := l.store.PutIfAbsent(ctx, out.name+begunEnding, encodeLines(out.lines))
		if errors.Is(err, blob.ErrExist) && n < 1000 {
			continue
		}
		return out, err
	}
}

// end writes what became of the changes, and gives the object that tells most.
// left are those that the table still lacks, by their text; when known is false
// nobody can say.
func (l *migrationLog) end(ctx context.Context, m begunMigration, left []flow.Change, known bool, failed error) (record string, err error) {
	lines := slices.Clone(m.lines)
	for i := range lines {
		x := &lines[i]
		x.Time, x.Outcome = l.host.now().UTC(), lineMade
		if failed != nil {
			x.Error = l.host.file.Redact(failed.Error())
		}
		switch {
		case !known:
			x.Outcome = lineUnknown
		case slices.ContainsFunc(left, func(c flow.Change) bool { return c.Text == x.Change }):
			x.Outcome = lineNotMade
		}
	}
	if err := l.store.Put(ctx, m.name+outcomeEnding, encodeLines(lines)); err != nil {
		return m.name + begunEnding, err
	}
	return m.name + outcomeEnding, nil
}

// open lists the objects of the sink's migrations that were begun and have no
// outcome: they were cut off, or are still under way. The oldest comes first.
func (l *migrationLog) open(ctx context.Context) (begun []string, err error) {
	infos, err := l.store.List(ctx, "migrations/")
	if err != nil {
		return nil, err
	}
	ended := map[string]bool{}
	mine := regexp.MustCompile(`^migrations/\d{8}T\d{6}-` + regexp.QuoteMeta(l.sink) + `-\d+$`)
	for _, i := range infos {
		if name, is := strings.CutSuffix(i.Key, begunEnding); is {
			if mine.MatchString(name) {
				begun = append(begun, i.Key)
			}
		} else if name, is := strings.CutSuffix(i.Key, outcomeEnding); is {
			ended[name] = true
		}
	}
	return slices.DeleteFunc(begun, func(key string) bool { return ended[strings.TrimSuffix(key, begunEnding)] }), nil
}

// settle writes the outcome of a migration that was cut off: what the table
// lacks now was not made. Of another pipeline file's changes that says nothing.
func (l *migrationLog) settle(ctx context.Context, key string, lacks []flow.Change) error {
	lines, err := l.read(ctx, key)
	if err != nil {
		return err
	}
	same := len(lines) > 0 && lines[0].Digest == l.host.file.Digest
	_, err = l.end(ctx, begunMigration{strings.TrimSuffix(key, begunEnding), lines}, lacks, same, errCutOff)
	return err
}

var errCutOff = errors.New("the migration was cut off; what became of it was found by comparing the table later")

func (l *migrationLog) read(ctx context.Context, key string) (out []migrationLine, err error) {
	data, err := l.store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var x migrationLine
		switch err := d.Decode(&x); {
		case err == io.EOF: //nolint:errorlint // Decode gives it as it is
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out = append(out, x)
	}
}

func encodeLines(lines []migrationLine) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, x := range lines {
		if err := enc.Encode(x); err != nil {
			panic(err) // texts, times and booleans always have a form
		}
	}
	return b.Bytes()
}

// unrecorded says that a table was changed and the ledger does not tell how it
// went.
func unrecorded(err error, t TableMigration) error {
	e := fault.Wrap(err, MigrationUnrecorded, "what was done to table %s is not in the ledger", t.Table).At("sink %q", t.Sink)
	if cause := fault.As(err); cause != nil {
		e.Retry = cause.Retry
	}
	return e.WithHint("%s has the statements; the next `featurehost migrate --apply` looks what became of them", t.Record)
}
