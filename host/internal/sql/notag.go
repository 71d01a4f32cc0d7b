//go:build !duckdb_arrow

package sql

// DuckDB's binding speaks Arrow only with a build tag. Without it the build
// stops here, at a name that says what to do.
var _ = build_with_tags_duckdb_arrow
