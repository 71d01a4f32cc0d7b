package config

import "time"

// File is a pipeline file, decoded and checked as far as the text alone
// allows. Names of plugins and columns are checked later, when the plan is
// bound; Span finds the place of any key for that.
type File struct {
	Path    string // as given on the command line
	Dir     string // folder that relative paths start from
	Digest  string // sha256 of the file's bytes before interpolation, "sha256:..."
	Version int

	Pipeline   Pipeline
	Readers    []Reader
	Query      *Query
	Stages     []Stage
	FeatureSet *FeatureSet
	Sinks      []Sink

	index *index // places of keys and the source lines, for messages
}

// Pipeline is the [pipeline] table.
type Pipeline struct {
	Name      string
	State     string   // folder for caches, the embedded store, dead letters; default ".featurehost"
	Workers   int      // default: number of processors
	Memory    ByteSize // budget of the whole process; default 2 GiB
	BatchRows int      // default 8192
}

// Reader is one [[reader]].
type Reader struct {
	ID          string
	Type        string // file
	Path        string // file, glob or folder; relative to File.Dir
	Format      string // parquet | csv | json
	Incremental *Incremental
	Schema      []Column // csv and json: names and types, in file order, in place of guessing
	CSV         CSV
	Prepare     []Stage
}

// Incremental says which day a row of a reader belongs to (S-508). Exactly
// one of Column and Partitions is set.
type Incremental struct {
	Column     string
	Mask       string // strftime pattern for a text column
	Unit       string // "s", "ms" or "us" for a number
	Partitions []string
}

// CSV is the dialect of CSV files; zero values mean "find out".
type CSV struct {
	Delimiter, Quote, Null string
	Header                 *bool
}

// Column is a name with a type as users write it.
type Column struct{ Name, Type string }

// Query is the [query] table.
type Query struct{ SQL string }

// Stage is one [[stage]] or [[reader.prepare]]: a plugin or a built-in.
type Stage struct {
	Use    string
	Where  string         // filter
	Config map[string]any // plugin: the values of TOML as JSON would hold them
	Limits Limits
}

// Limits are the caps an operator puts on a plugin; zero means the plugin's
// own wish or the default.
type Limits struct {
	Memory       ByteSize
	OutputRatio  float64
	MaxBatchRows int
	LogLines     int
}

// FeatureSet is the [feature_set] table.
type FeatureSet struct {
	Name, Entity, Description string
	Semantics                 string // "featurehost" (default) | "butterfree"
	Keys                      []Key
	Timestamp                 Timestamp
	Windows                   *Windows // nil: plain set, or aggregates without windows
	DeduplicateRows           bool     // default true
	NullKeys                  string   // "" | "keep"
	OrderArrival              string   // order = { arrival, sequence }
	OrderSequence             string
	Features                  []Feature
}

// Key is one key column.
type Key struct{ Name, Type, From, Description string }

// Timestamp says how the event time is read (S-604).
type Timestamp struct{ From, Unit, Mask string }

// Windows are the rolling windows of an aggregated set.
type Windows struct {
	Rolling []TimeSpan
	Slide   TimeSpan // default "1 day"
	Rows    string   // "" | "with_data"
}

// TimeSpan is a length of time as written ("7 days"): the number, the unit as
// written, which enters column names, and the length in microseconds.
type TimeSpan struct {
	Text   string
	N      int64
	Unit   string
	Micros int64
}

// Duration gives the length.
func (s TimeSpan) Duration() time.Duration { return time.Duration(s.Micros) * time.Microsecond }

// Feature is one [[feature_set.feature]]. Exactly one of Aggregate, SQL and
// plain (From with Type) describes it.
type Feature struct {
	Name, From, Type, SQL, Description string
	Aggregate                          []Function
}

// Function is one aggregate function with the type its column is cast to.
type Function struct {
	Name string // as written
	Type string // "" = default of the function
}

// Sink is one [[sink]].
type Sink struct {
	Type       string // historical | online
	Path       string // historical: root of the store; online: database file, default in State
	Layout     string // historical: partitioned (default) | flat
	AllowEmpty bool
	// ValidationThreshold is the part of rows that may be missing (compat,
	// S-1205); 0 = exact.
	ValidationThreshold float64
	Store               string // online: local (default)
}

// ByteSize is a number of bytes, written "512MiB".
type ByteSize int64
