package host

import (
	"github.com/featurehost/featurehost/host/flow"
)

// Report tells what a run did, row by row; Balance is the sum.
type Report struct {
	Pipeline string            `json:"pipeline"`
	Set      string            `json:"feature_set"`
	Run      int64             `json:"run,omitempty"` // number in the ledger; 0 in a dry run
	RunID    string            `json:"run_id,omitempty"`
	Interval string            `json:"interval"`
	ReadFrom string            `json:"read_from,omitempty"` // first day asked of readers with an incremental strategy
	Seconds  float64           `json:"seconds"`
	Digest   string            `json:"pipeline_digest"`
	Plugins  map[string]string `json:"plugins"` // name@version to digest

	Readers  map[string]Read  `json:"readers"`
	Query    int64            `json:"query_rows,omitempty"` // rows that [query] gave
	Filtered map[string]int64 `json:"filtered"`             // by stage
	Folded   map[string]int64 `json:"folded,omitempty"`     // by stage: rows it got less rows it made of them, as a pivot does; below 0 for a keyed plugin that made more
	Rejected map[string]int64 `json:"rejected"`             // by reason; in the dead letter
	Skipped  map[string]int64 `json:"skipped,omitempty"`    // by stage: its plugin failed on them, without a letter
	Dropped  map[string]int64 `json:"dropped"`              // by reason, without a letter
	Stacked  int64            `json:"stacked,omitempty"`    // rows that stacking added
	Used     int64            `json:"rows_used"`            // entered the feature set
	Features Features         `json:"features"`
	Sinks    []SinkReport     `json:"sinks"`
	// Balance is the sum of S-1608, of a run whose rows were all read.
	Balance *Balance `json:"balance,omitempty"`

	Plugged      map[string]int64 `json:"plugin_counters,omitempty"` // what plugins counted
	CastFailures map[string]int64 `json:"cast_failures,omitempty"`   // by column
	BadJSON      map[string]int64 `json:"bad_json,omitempty"`        // texts that are no JSON object, by column of an explode_json step
	DeadLetters  string           `json:"dead_letters,omitempty"`    // folder, when there are any
	Spilled      int64            `json:"spilled_bytes,omitempty"`
	LastLabel    string           `json:"last_label,omitempty"` // of rolling windows
	Recovered    []string         `json:"recovered,omitempty"`  // earlier runs finished or undone
	Reread       *Reread          `json:"reread,omitempty"`     // what told new keys from emptied ones
	Stale        []string         `json:"stale,omitempty"`      // later days that may rest on what these were
	Warnings     []string         `json:"warnings,omitempty"`
	Stages       []StageStats     `json:"stages"`
	Portions     int64            `json:"portions,omitempty"` // of a stream, that were loaded
}

// Read tells what one reader gave.
type Read struct {
	Type             string `json:"type,omitempty"` // of the reader
	Rows             int64  `json:"rows"`
	OutOfInterval    int64  `json:"out_of_interval,omitempty"`
	Objects          int64  `json:"objects"` // files, or partitions of a topic
	Bytes            int64  `json:"bytes"`
	RowGroups        int64  `json:"row_groups,omitempty"`
	RowGroupsSkipped int64  `json:"row_groups_skipped,omitempty"`
	BadRows          int64  `json:"bad_rows,omitempty"`
	// DaysOf is the column that tells the day of a row, where rows were left
	// unread by it and it is not the feature set's timestamp.
	DaysOf string `json:"days_of,omitempty"`
}

// Balance holds the rows that came in against what became of them: Read +
// Stacked + Made = Filtered + Rejected + Skipped + Dropped + Folded + Used. With
// [query] Read are the rows that it gave.
type Balance struct {
	Read     int64 `json:"read"`
	Stacked  int64 `json:"stacked,omitempty"` // added by stacking
	Made     int64 `json:"made,omitempty"`    // by keyed plugins, beyond the rows they got
	Filtered int64 `json:"filtered"`
	Rejected int64 `json:"rejected"`
	Skipped  int64 `json:"skipped"`
	Dropped  int64 `json:"dropped"`
	Folded   int64 `json:"folded,omitempty"` // by stages that make fewer rows than they got
	Used     int64 `json:"used"`
}

// Features counts the rows of the feature table: Made = Rows + Duplicates +
// OutsideInterval.
type Features struct {
	Made            int64 `json:"made"`
	Duplicates      int64 `json:"duplicates_dropped"`
	OutsideInterval int64 `json:"outside_interval"`
	Rows            int64 `json:"rows"`
}

// SinkReport tells what one sink holds after the run.
type SinkReport struct {
	Name string `json:"name"`
	flow.Published
	// Error says why the store was not loaded; "" when it was.
	Error string `json:"error,omitempty"`
}
