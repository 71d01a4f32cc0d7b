package flow

import (
	"context"
	"log/slog"
)

// Env is what the host lends to the parts it builds.
type Env struct {
	SQL     SQL
	Rejects Rejects
	Counter Counter
	Log     *slog.Logger
	// Plugin makes a stage of the plugin that a part was told to use; nil where
	// no plugins are lent. The stage is not yet open.
	Plugin func(ctx context.Context, use string, config map[string]any) (Stage, error)
	// Scratch is a private folder for spilled data, removed after the run.
	Scratch string
	// MemoryBytes is the share of --memory that the part may hold.
	MemoryBytes int64
	// Workers is how many goroutines the part may keep busy.
	Workers int
}

// Rejects is the dead letter: the only side road of a pipeline.
type Rejects interface {
	// Reject keeps rows that cannot pass. It copies what it needs.
	Reject(ctx context.Context, r Rejection) error
}

// Rejection names rows of a batch that were turned down for one reason.
type Rejection struct {
	Stage   string // who turned them down
	Reason  string // a reason code (S-107): null_key, null_timestamp
	Message string // detail for the person who reads the letter; may be empty
	Batch   Batch  // borrowed
	Rows    []int  // row numbers in the batch, ascending
}

// Counter adds to a named count of the run summary.
type Counter interface {
	// Add adds n to the count of name, for example cast_failures, label the
	// column it speaks of.
	Add(name, label string, n int64)
}

// SQL is what parts need of the SQL engine.
type SQL interface {
	// Expressions compiles row-wise expressions over rows of schema in. An
	// expression that aggregates, reads the clock, draws random numbers, has
	// a subquery or does not parse is refused.
	Expressions(ctx context.Context, in *Schema, exprs []Expr) (Evaluator, error)
	// Convert turns text files into one Parquet file in dst, for reading row
	// group by row group.
	Convert(ctx context.Context, f Foreign, dst string) error
	// Describe tells the schema that Convert would write.
	Describe(ctx context.Context, f Foreign) (*Schema, error)
}

// Expr is a row-wise SQL expression.
type Expr struct {
	Name   string // the column it makes
	SQL    string
	Compat bool // read function names as the butterfree profile does (S-703)
}

// Evaluator computes expressions over batches. It is safe for one caller at
// a time; Fork gives another.
type Evaluator interface {
	// Schema of the result: one column per expression, in order.
	Schema() *Schema
	// Columns that the expressions read.
	Columns() []string
	// Eval computes the expressions for each row of r, in r's order. The
	// caller releases the result.
	Eval(ctx context.Context, r Record) (Record, error)
	Close() error
}

// Foreign describes text files that the SQL engine reads: CSV or JSON lines.
type Foreign struct {
	Format string // csv | json
	Paths  []string
	// Columns names and types them in place of guessing; nil guesses.
	Columns *Schema
	CSV     CSV
	// Partitions are Hive partition columns taken from the paths.
	HivePartitions bool
}

// CSV is the dialect of CSV files; zero values mean "find out".
type CSV struct {
	Delimiter, Quote, Null string
	Header                 *bool
}
