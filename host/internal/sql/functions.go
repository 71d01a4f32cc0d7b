//go:build duckdb_arrow

package sql

import (
	"context"
	"sort"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// functions is what DuckDB says of its own functions, read once per engine.
// It is never changed.
type functions struct {
	traits map[string]*traits
	names  []string // sorted
}

// traits of a function name, all overloads together.
type traits struct {
	aggregate bool
	scalar    bool
	table     bool
	unstable  bool
	macros    []string // definitions
}

// refusal is why a call is turned down.
type refusal struct {
	code   fault.Code
	reason string
}

// loadFunctions reads DuckDB's list.
func loadFunctions(ctx context.Context, c *connection) (*functions, error) {
	rows, err := c.texts(ctx, `SELECT DISTINCT lower(function_name), function_type,
		coalesce(stability, ''), coalesce(macro_definition, '') FROM duckdb_functions() ORDER BY ALL`)
	if err != nil {
		return nil, err
	}
	f := &functions{traits: map[string]*traits{}}
	for _, r := range rows {
		name := r[0].text
		t := f.traits[name]
		if t == nil {
			t = &traits{}
			f.traits[name] = t
			f.names = append(f.names, name)
		}
		switch r[1].text {
		case "aggregate":
			t.aggregate = true
		case "scalar":
			t.scalar = true
			t.unstable = t.unstable || r[2].text != "CONSISTENT"
		case "macro":
			t.macros = append(t.macros, r[3].text)
		default:
			t.table = true
		}
	}
	sort.Strings(f.names)
	return f, nil
}

// engineTalk are functions that DuckDB calls consistent though they tell of
// the engine, the session or the clock.
func engineTalk(name string, arguments int) bool {
	switch name {
	case "getenv", "current_setting", "getvariable", "version", "pg_typeof", "current_localtime", "current_localtimestamp",
		"localtime", "localtimestamp", "current_time", "current_timestamp", "current_date", "current_user", "session_user", "user",
		"current_role", "current_catalog", "current_database", "current_schema", "current_schemas", "current_query",
		"ago", "get_block_size", "format_type", "txid_current", "nextval", "currval", "error", "write_log",
		"icu_calendar_names", "add_parquet_key", "json_execute_serialized_sql", "which_secret", "query", "query_table":
		return true
	case "age": // of one time: the time since today
		return arguments == 1
	}
	return strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "has_") && strings.HasSuffix(name, "_privilege") ||
		strings.HasPrefix(name, "inet_") || strings.HasPrefix(name, "duckdb_") || strings.HasPrefix(name, "pragma_")
}

// severalRows are functions that stand where a value stands and make rows.
func severalRows(name string) bool {
	switch name {
	case "unnest", "unlist", "generate_subscripts", "json_each", "json_tree":
		return true
	}
	return false
}

// check says why a function may not be called, or nil. rowWise refuses
// aggregates as well.
func (f *functions) check(ctx context.Context, c *connection, name string, arguments int, rowWise bool) (*refusal, error) {
	name = strings.ToLower(name)
	t := f.traits[name]
	if engineTalk(name, arguments) || t != nil && t.unstable {
		return &refusal{NotRepeatable, "is not repeatable: it depends on the clock, on chance or on the engine itself"}, nil
	}
	if rowWise && severalRows(name) {
		return &refusal{NotRowWise, "makes several rows of one"}, nil
	}
	if t == nil {
		return nil, nil // operators and syntax of the parser's own
	}
	if rowWise && t.aggregate && !t.scalar {
		return &refusal{NotRowWise, "is an aggregate over rows"}, nil
	}
	for _, m := range t.macros {
		r, err := f.macro(ctx, c, name, m, rowWise)
		if r != nil || err != nil {
			return r, err
		}
	}
	return nil, nil
}

// macro looks into a definition for what may not be called.
func (f *functions) macro(ctx context.Context, c *connection, name, definition string, rowWise bool) (*refusal, error) {
	trees, err := parse(ctx, c, "SELECT "+definition)
	if err != nil {
		return &refusal{NotRepeatable, "is a macro that cannot be looked into"}, nil //nolint:nilerr // the refusal is the answer
	}
	var found *refusal
	for _, tree := range trees {
		walk(tree, func(n node) bool {
			if found != nil || err != nil {
				return false
			}
			switch str(n, "class") {
			case "SUBQUERY", "WINDOW":
				if rowWise {
					found = &refusal{NotRowWise, "looks at more than its row"}
				}
			case "COLUMN_REF":
				if p := names(n); len(p) == 1 && engineTalk(strings.ToLower(p[0]), 0) {
					found = &refusal{NotRepeatable, "is not repeatable: it depends on the clock or on the engine itself"}
				}
			case "FUNCTION":
				inner := strings.ToLower(str(n, "function_name"))
				if inner != name { // a macro may wrap the function of its own name
					found, err = f.check(ctx, c, inner, len(list(n, "children")), rowWise)
				}
			}
			return found == nil && err == nil
		})
	}
	return found, err
}

// known reports whether there is such a function.
func (f *functions) known(name string) bool { return f.traits[strings.ToLower(name)] != nil }

// isOperator reports whether a name is a sign, not a word.
func isOperator(name string) bool {
	for _, r := range name {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return false
		}
	}
	return true
}
