package flow

import "context"

// Prober is a reader or sink that talks to servers and can say, without
// touching data, whether it would be let in (doctor --online).
type Prober interface {
	// Probe asks each server and tells what it found. The error is for a probe
	// that could not be made at all.
	Probe(ctx context.Context) ([]Finding, error)
}

// Finding is what a probe found of one server.
type Finding struct {
	Server string `json:"server"` // what was asked, as in "kafka localhost:9092"; no secrets
	OK     bool   `json:"ok"`
	Text   string `json:"text"` // a sentence
	Hint   string `json:"hint,omitempty"`
}

// Migrator is a sink whose table on a server can be compared with the columns
// of a feature table, and changed.
type Migrator interface {
	// Migration tells what is to be done so that the table takes the columns;
	// it changes nothing. Of the run only Entity and Set are known.
	Migration(ctx context.Context, run Run, in *Schema) (Migration, error)
	// Migrate makes the changes, in order, and stops at the first that fails.
	Migrate(ctx context.Context, m Migration) error
}

// Migration is what a table needs.
type Migration struct {
	Sink    string   `json:"sink"`  // name of the sink, which the host fills in
	Table   string   `json:"table"` // as its server names it
	Changes []Change `json:"changes"`
}

// Change is one step of a migration.
type Change struct {
	// Text says what changes, as in `add column score double`.
	Text string `json:"text"`
	// Statement is what the server is sent, in its language.
	Statement string `json:"statement,omitempty"`
	// Loses says that stored values go; such a step needs leave.
	Loses bool `json:"loses,omitempty"`
	// Refused says why the step cannot be made at all; "" when it can.
	Refused string `json:"refused,omitempty"`
}

// Stream is a Reader whose source has no end. Between Open and io.EOF lies one
// portion: what was there, up to the limits of the reader. Open may be called
// again after io.EOF and goes on where the portion ended.
type Stream interface {
	Reader
	// Commit tells the source that the rows of all portions that have ended are
	// in the stores: a restart begins after them.
	Commit(ctx context.Context) error
}
