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

	// Settings are the connections as they were resolved, in file order: a
	// setting that the file lacks may come from the environment.
	Settings []Setting

	index *index // places of keys and the source lines, for messages
}

// Setting tells where the value of a key came from. Secrets are hidden.
type Setting struct {
	Key   string `json:"key"` // as in reader[0].brokers
	Value string `json:"value"`
	From  string `json:"from"` // "file", "default", "flag" or the name of a variable
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
	Type        string // file | table | kafka
	Path        string // file, glob or folder, relative to File.Dir, or s3://bucket/key
	Format      string // file: parquet | csv | json | avro; kafka: json (default) | avro | raw
	Incremental *Incremental
	Schema      []Column // csv, json and kafka: names and types, in file order, in place of guessing
	CSV         CSV
	S3          S3     // for paths and locations that begin with s3://
	Table       *Table // type table
	Kafka       *Kafka // type kafka
	OnBadRow    string // "" (fail) | "dead_letter" (S-513); kafka: "dead_letter" by default
	Prepare     []Stage
}

// S3 says where objects named s3://bucket/key are kept. Credentials come from
// the standard chain of AWS alone, never from the file.
type S3 struct {
	Endpoint  string // URL of the server; "" is Amazon's
	Region    string // "" is that of the environment
	PathStyle bool   // bucket in the path, not in the host name
}

// Hive is a Hive metastore and, for SQL, its HiveServer2.
type Hive struct {
	Metastore string // host:port
	Server    string // host:port of HiveServer2; "" where no SQL is asked for
	Database  string // default "default"; of a sink "feature_store"
	Auth      string // NONE | NOSASL (default) | LDAP | KERBEROS
	Username  string
	Password  Secret
}

// Table is a reader of a Hive table. Exactly one of Name and SQL is set.
type Table struct {
	Hive  Hive
	Name  string
	Where string // SQL condition on partition columns; "" is all partitions
	SQL   string // a SELECT that HiveServer2 runs
}

// Kafka is a reader of a topic. The bounds of a run that ends are offsets or
// times: "first", "last", "offset:N", or a time as RFC 3339.
type Kafka struct {
	Client   KafkaClient
	Topic    string
	From, To string   // default "first" and "last"; the end is fixed when the run starts
	Stream   bool     // read on for ever, as a member of Group
	Group    string   // default: the pipeline's name
	Registry Registry // of the schemas; format avro
}

// Registry is how a schema registry is reached. Over https the authorities and
// certificates of the brokers' TLS hold for it too.
type Registry struct {
	URL      string
	Username string // "" for a registry that takes anybody
	Password Secret
}

// KafkaClient is how brokers are reached.
type KafkaClient struct {
	Brokers   []string // host:port
	Mechanism string   // "" | PLAIN | SCRAM-SHA-256 | SCRAM-SHA-512
	Username  string
	Password  Secret
	TLS       *TLS
}

// TLS is how a connection is encrypted. Paths are relative to File.Dir.
type TLS struct {
	CA         string // PEM file of the authorities trusted; "" is the machine's
	Cert, Key  string // PEM files of the client's own certificate; "" for none
	ServerName string // name that the server's certificate must hold; "" is the host's
}

// Secret is a text that must not be printed: String and its like answer
// "[REDACTED]". Only what opens a connection asks for its value.
type Secret struct{ value string }

// NewSecret keeps a value.
func NewSecret(value string) Secret { return Secret{value} }

// Value gives what is kept.
func (s Secret) Value() string { return s.value }

// IsZero tells whether nothing is kept.
func (s Secret) IsZero() bool { return s.value == "" }

// String hides the value.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return "[REDACTED]"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value from JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

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

// Stage is one [[stage]] or [[reader.prepare]]: a plugin or a built-in. Of the
// settings only those of its own verb are set.
type Stage struct {
	Use         string
	Where       string // filter
	Replace     *Replace
	ForwardFill *ForwardFill
	Pivot       *PivotStep
	ExplodeJSON *ExplodeJSON
	Config      map[string]any // plugin: the values of TOML as JSON would hold them
	Keys        []string       // keyed plugin: the columns of its key
	Time        string         // keyed plugin: the column that orders the rows of a key
	Limits      Limits
	MTLS        bool   // process plugin: host and plugin prove themselves to each other
	OnError     string // plugin: "fail" (default) | "dead_letter" | "skip"
	Circuit     Circuit
}

// Circuit says when failures of a plugin stop the run; zero fields take the
// default.
type Circuit struct {
	Rejected float64 // share of rows
	Failures int     // batches in a row
}

// Replace changes values of a text column by a map (S-502).
type Replace struct {
	Column string
	Values map[string]string // old to new
}

// ForwardFill puts the last value before a null in its place (S-503).
type ForwardFill struct {
	PartitionBy []string // columns that tell series apart
	OrderBy     []string // columns that order a series; at least one
	Column      string
	Into        string // column that takes the result; Column itself by default
}

// PivotStep makes columns of the values of a column (S-504).
type PivotStep struct {
	GroupBy       []string // columns of a group; at least one
	Column, Value string
	Aggregation   Function
	Values        []any // string, int64, float64 or bool; nil: found in the data
	Mock          bool  // nulls of Value are values, which no fill replaces
	ForwardFill   bool
}

// ExplodeJSON makes columns of the fields of JSON texts (S-505).
type ExplodeJSON struct {
	Column string
	Schema []Column // in file order; a type may be struct<name: type, ...>
}

// Limits are the caps an operator puts on a plugin; zero means the plugin's
// own wish or the default.
type Limits struct {
	Memory       ByteSize
	OutputRatio  float64
	MaxBatchRows int
	LogLines     int
	FuelBase     int64
	FuelPerRow   int64
	Timeout      time.Duration
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
	Pivot                     *Pivot    // aggregated sets
	Distinct                  *Distinct // aggregated sets
}

// Key is one key column. At most one of From, H3 and Stack describes it.
type Key struct {
	Name, Type, From, Description string
	H3                            *H3
	Stack                         []string // patterns of columns that become rows (S-1004)
	Regex                         bool     // Stack holds regular expressions
}

// Pivot gives each aggregate once for every value of a column (S-931).
type Pivot struct {
	Column string
	Values []any // string, int64, float64 or bool; at least one
}

// Distinct keeps one row of each tuple of columns before aggregation (S-917).
type Distinct struct {
	Subset []string
	Keep   string // "last" (default) | "first"
}

// Timestamp says how the event time is read (S-604).
type Timestamp struct{ From, Unit, Mask string }

// Windows are the rolling windows of an aggregated set.
type Windows struct {
	Rolling []TimeSpan
	Slide   TimeSpan // default "1 day"
	Rows    string   // "" | "with_data"
	Zone    string   // IANA name; "" is UTC (S-907)
}

// TimeSpan is a length of time as written ("7 days"): the number, the unit as
// written, which enters column names, and the length in microseconds, 0 for
// months and years.
type TimeSpan struct {
	Text   string
	N      int64
	Unit   string
	Micros int64
}

// Duration gives the length.
func (s TimeSpan) Duration() time.Duration { return time.Duration(s.Micros) * time.Microsecond }

// Feature is one [[feature_set.feature]]. At most one of Aggregate, SQL,
// Function (with or without Window), Use, H3 and Stack describes it; without
// any it is a copy of From with Type.
type Feature struct {
	Name, From, Type, SQL, Description string // Type is "" with Aggregate and Function, whose own types count
	Aggregate                          []Function
	Where                              string // with Aggregate: rows that count (S-916)
	OnOverflow                         string // with Aggregate or Function: "" (fail) | "null" (S-941)
	Function                           []Function
	Window                             *FeatureWindow // with Function
	Use                                string         // plugin
	Config                             map[string]any // of the plugin
	H3                                 *H3
	Stack                              []string // patterns of columns that become rows (S-1004)
	Regex                              bool     // Stack holds regular expressions
}

// FeatureWindow are the windows of a plain feature, one value for each row
// (section 8). Exactly one of Fixed and Rows is set.
type FeatureWindow struct {
	Fixed       []TimeSpan
	Rows        []RowSpan
	PartitionBy []string // nil: the keys
	OrderBy     string   // "" is timestamp
	Bounds      string   // fixed: "(]" (default), "[]", "[)", "()"
}

// RowSpan is a number of rows as written ("3 events"): the unit is free text
// and enters column names.
type RowSpan struct {
	Text string
	N    int64
	Unit string
}

// H3 names the cells of a place (S-1001).
type H3 struct {
	Lat, Lng    string // columns
	Resolutions []int  // 0 to 15
	Stack       bool   // one row for each resolution (S-1002)
}

// Function is one function with its parameters and the type its column is
// cast to.
type Function struct {
	Name string  // as written; case does not matter
	Type string  // "" = default of the function; in Feature.Function, the feature's type where the function has none
	P    float64 // percentile: 0 to 1
	K    int     // top_k, bottom_k, first_k, last_k: at least 1
	RSD  float64 // approx_count_distinct: relative standard deviation; 0 = 0.05
}

// Sink is one [[sink]].
type Sink struct {
	Name       string // unique among the sinks; default historical, online, cassandra or kafka
	Type       string // historical | online
	Path       string // historical: root of the store, may be s3://bucket/prefix; local: database file, default in State
	Layout     string // historical: partitioned (default) | flat
	AllowEmpty bool
	S3         S3    // historical
	Hive       *Hive // historical: the catalogue that is told; nil for none
	// ValidationThreshold is the part of rows that may be missing (compat,
	// S-1205); 0 = exact.
	ValidationThreshold float64
	Store               string // online: local (default) | cassandra | kafka
	Cassandra           *Cassandra
	Kafka               *KafkaSink
	TTL                 *TimeSpan // online: how long a value is visible (S-1307)
	WriteToEntity       bool      // local and cassandra: several sets share the entity's table (S-1305)
	Stages              []Stage   // for this sink only
}

// Cassandra is how the online store on Cassandra is reached.
type Cassandra struct {
	Hosts       []string // host or host:port
	Keyspace    string
	Username    string
	Password    Secret
	Consistency string // of reads and writes; default LOCAL_QUORUM
	Concurrency int    // writes under way at once; default 64
	Replication string // for migrate: the keyspace's replication; "" never makes one
	Datacenter  string // local data centre; "" takes all alike
	TLS         *TLS
	// DatesAsTimestamps keeps dates as timestamps at midnight: the butterfree
	// profile (S-401).
	DatesAsTimestamps bool
}

// KafkaSink is a topic that gets every row (S-1308).
type KafkaSink struct {
	Client   KafkaClient
	Topic    string
	Format   string   // json (default) | avro
	Registry Registry // avro: where the schema is registered
}

// ByteSize is a number of bytes, written "512MiB".
type ByteSize int64
