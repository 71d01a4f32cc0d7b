package flow

// FeatureSet is the table of features as the pipeline sees it: stages up to an
// exchange by key, one behind it, and a last one for stores that keep only the
// newest row of a key.
type FeatureSet interface {
	// Steps are the stages before Fold, in order, each a Stateless or a Keyed.
	// The first one makes keys, timestamp and the inputs of the features from
	// source rows, and turns down rows that cannot have a place; the others
	// compute windows over other partitions than the keys, and what reads them.
	Steps() []Stage
	// Fold makes the feature table: windows, declared types, removal of
	// duplicates, the cut to the interval. Its output columns are keys,
	// timestamp, features, in that order.
	Fold() Keyed
	// Latest keeps the last row of each key of the feature table.
	Latest() Keyed
	// Keys are the names of the key columns, in order.
	Keys() []string
	// LookBack tells which earlier rows an interval needs. It is asked after
	// Open.
	LookBack() LookBack
}

// LookBack is how far before its start an interval must be read.
type LookBack struct {
	// All says that rows of any age may be needed.
	All bool
	// Micros before the midnight that begins the interval, unless All.
	Micros int64
}

// Reads is told by stages that look at only some of their input's columns.
// A stage without it reads them all. It is asked after Open.
type Reads interface {
	Reads() []string
}

// Relation describes stored rows that the SQL engine may scan in place, so
// that a query need not copy them first.
type Relation struct {
	Format         string // parquet | csv | json
	Paths          []string
	Bytes          int64   // size of the files together
	Schema         *Schema // declared columns of csv and json; nil guesses
	CSV            CSV
	HivePartitions bool
	Columns        []string // projection; nil for all
	Where          []string // conditions that rows must meet, joined by AND
}

// Relational is a reader whose rows the SQL engine can scan in place for a
// request; ok is false when it must read them itself.
type Relational interface {
	Relation(r Request) (rel Relation, ok bool, err error)
}

// Dated is a reader that tells, once its schema is known, whether it can tell
// the day of a row as `incremental` says. The place of its errors is a key of
// the reader, such as incremental.column.
type Dated interface {
	CheckDays() error
}
