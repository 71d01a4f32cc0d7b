//go:build duckdb_arrow

package sql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// relation is a registered table of the query.
type relation struct {
	name  string
	paths []string
	rows  string // SELECT that gives all rows, before any condition
	view  string // CREATE VIEW statement
}

// Register makes stored rows a table of the query, named name; a table of the
// same name is replaced. Views are bound at once, so that a missing file or
// column shows here.
func (e *Engine) Register(ctx context.Context, name string, rel flow.Relation) error {
	leave, err := e.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := e.checkRelation(name, rel); err != nil {
		return err
	}
	files, done, err := e.fileDatabase(ctx)
	if err != nil {
		return err
	}
	defer done()
	c, err := files.connect()
	if err != nil {
		return fault.Wrap(err, EngineFailed, "the sql engine does not answer")
	}
	defer c.close()
	r, err := e.relation(ctx, c, name, rel)
	if err != nil {
		if f := fault.As(err); f != nil && f.Place == "" {
			f.Place = "reader " + quoteName(name)
		}
		return err
	}
	e.asking.Lock()
	defer e.asking.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	relations := make([]relation, 0, len(e.relations)+1)
	for _, other := range e.relations {
		if other.name == name {
			continue
		}
		if strings.EqualFold(other.name, name) {
			return fault.New(BadRelation, "two readers are named %q and %q, and sql does not tell them apart", other.name, name)
		}
		relations = append(relations, other)
	}
	if e.query != nil { // it is locked; the next query starts anew with all views
		e.query.close()
		e.query = nil
	}
	e.relations = append(relations, r)
	return nil
}

// checkRelation refuses relations without paths and paths outside Allowed.
func (e *Engine) checkRelation(name string, rel flow.Relation) error {
	if name == "" || len(rel.Paths) == 0 {
		return fault.New(BadRelation, "table %q has no name or no files", name)
	}
	for _, p := range rel.Paths {
		if e.opts.Allowed != nil && !within(p, e.opts.Allowed) {
			return fault.New(Fenced, "%s is outside of what the pipeline may read", p)
		}
	}
	return nil
}

// within reports whether a path is one of the given files or folders, or
// lies in one of them.
func within(path string, allowed []string) bool {
	abs, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	for _, a := range allowed {
		rest, err := filepath.Rel(a, abs)
		if err == nil && rest != ".." && !strings.HasPrefix(rest, ".."+string(filepath.Separator)) {
			return true
		}
	}
	return false
}

// relation writes the view of a relation.
func (e *Engine) relation(ctx context.Context, c *connection, name string, rel flow.Relation) (relation, error) {
	r := relation{name: name}
	for _, p := range rel.Paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return r, fault.Wrap(err, BadRelation, "path %q", p)
		}
		r.paths = append(r.paths, abs)
	}
	var source string
	switch rel.Format {
	case "parquet":
		var hive []hiveColumn
		if rel.HivePartitions {
			hive = hiveColumns(r.paths)
		}
		source = "SELECT * FROM read_parquet(" + quoteList(r.paths) + hiveOptions(hive) + ")"
	case "csv", "json":
		t, err := e.textFiles(ctx, c, flow.Foreign{Format: rel.Format, Paths: r.paths, Columns: rel.Schema, CSV: rel.CSV, HivePartitions: rel.HivePartitions})
		if err != nil {
			return r, err
		}
		source = t.query(t.paths)
	default:
		return r, fault.New(BadRelation, "format %q is not known: parquet, csv and json are", rel.Format)
	}
	r.rows = source
	columns, err := c.columns(ctx, source)
	if err != nil {
		return r, failure(err, BadFile, "the files cannot be opened as a table")
	}
	items, err := projection(columns, rel.Columns)
	if err != nil {
		return r, err
	}
	where, err := e.conditions(ctx, c, columns, rel.Where)
	if err != nil {
		return r, err
	}
	r.view = "CREATE VIEW " + quoteName(name) + " AS SELECT " + items + " FROM (" + source + ")" + where
	return r, nil
}

// projection writes the columns of a view.
func projection(have []column, want []string) (string, error) {
	if want == nil {
		return "*", nil
	}
	all := make([]string, len(have))
	known := map[string]bool{}
	for i, h := range have {
		all[i], known[h.name] = h.name, true
	}
	items := make([]string, len(want))
	for i, w := range want {
		if !known[w] {
			err := fault.New(UnknownColumn, "unknown column %q", w)
			if s := fault.Suggest(w, all); s != "" {
				return "", err.WithHint("did you mean %q?", s)
			}
			return "", err.WithHint("columns are %s", strings.Join(all, ", "))
		}
		items[i] = quoteName(w)
	}
	return strings.Join(items, ", "), nil
}

// conditions writes WHERE for row-wise conditions.
func (e *Engine) conditions(ctx context.Context, c *connection, columns []column, where []string) (string, error) {
	if len(where) == 0 {
		return "", nil
	}
	f, err := e.known(ctx, c)
	if err != nil {
		return "", err
	}
	fields := make([]arrow.Field, len(columns))
	for i, col := range columns {
		fields[i] = arrow.Field{Name: col.name, Type: arrow.Null}
	}
	in := arrow.NewSchema(fields, nil)
	parts := make([]string, len(where))
	for i, w := range where {
		x := &expression{Expr: flow.Expr{Name: "where", SQL: w}, text: w}
		if err := x.compile(ctx, c, f, in); err != nil {
			return "", err
		}
		parts[i] = "(\n" + w + "\n)"
	}
	return " WHERE " + strings.Join(parts, " AND "), nil
}

// lockedQuery gives a connection to the query's database, with all views made
// and every setting locked.
func (e *Engine) lockedQuery(ctx context.Context) (*connection, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.query == nil {
		d, err := e.start(ctx, "query", e.opts.Threads, [2]string{"preserve_insertion_order", "false"})
		if err != nil {
			return nil, err
		}
		if err := e.lock(ctx, d); err != nil {
			d.close()
			return nil, err
		}
		e.query = d
	}
	c, err := e.query.connect()
	if err != nil {
		return nil, fault.Wrap(err, EngineFailed, "the sql engine does not answer")
	}
	return c, nil
}

// lock makes the views and shuts the database. The order matters: views are
// bound while files are open to it, and after the last setting none changes.
func (e *Engine) lock(ctx context.Context, d *database) error {
	c, err := d.connect()
	if err != nil {
		return fault.Wrap(err, EngineFailed, "the sql engine does not answer")
	}
	defer c.close()
	var paths []string
	for _, r := range e.relations {
		if err := c.exec(ctx, r.view); err != nil {
			return placedReader(failure(err, BadRelation, "the files cannot be opened as a table"), r.name)
		}
		paths = append(paths, r.paths...)
	}
	settings := []string{"SET allowed_directories=" + quoteList([]string{e.resultFolder()})}
	if len(paths) > 0 {
		settings = append(settings, "SET allowed_paths="+quoteList(paths))
	}
	settings = append(settings, "SET enable_external_access=false", "SET lock_configuration=true")
	if err := c.exec(ctx, settings...); err != nil {
		return failure(err, EngineFailed, "the sql engine cannot be locked")
	}
	return nil
}

func placedReader(err error, name string) error {
	if f := fault.As(err); f != nil && f.Place == "" {
		f.Place = "reader " + quoteName(name)
	}
	return err
}

// resultFolder is where a query may write.
func (e *Engine) resultFolder() string {
	if e.opts.Scratch == "" {
		return e.scratch
	}
	return filepath.Dir(e.scratch)
}

// bound is a query that passed all checks.
type bound struct {
	schema *arrow.Schema
	text   string // a SELECT whose columns have exactly the schema's types
}

// QuerySchema tells the schema of the rows that Query would write. The query
// is one SELECT over registered tables.
func (e *Engine) QuerySchema(ctx context.Context, sql string) (*flow.Schema, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	e.asking.RLock()
	defer e.asking.RUnlock()
	c, err := e.lockedQuery(ctx)
	if err != nil {
		return nil, err
	}
	defer c.close()
	b, err := e.bindQuery(ctx, c, sql)
	if err != nil {
		return nil, err
	}
	return b.schema, nil
}

// Query runs a query and writes its rows to the Parquet file dst, which must
// lie in Scratch, and tells how many. Rows have no order. Memory stays within
// MemoryBytes; what does not fit is spilled.
func (e *Engine) Query(ctx context.Context, sql, dst string) (rows int64, err error) {
	leave, err := e.enter()
	if err != nil {
		return 0, err
	}
	defer leave()
	rows, err = e.write(ctx, sql, dst)
	// DuckDB keeps the memory of its largest work as long as it is open; a
	// later query starts it anew.
	e.asking.Lock()
	defer e.asking.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.query != nil {
		e.query.close()
		e.query = nil
	}
	return rows, err
}

func (e *Engine) write(ctx context.Context, sql, dst string) (rows int64, err error) {
	e.asking.RLock()
	defer e.asking.RUnlock()
	if dst, err = filepath.Abs(dst); err != nil || !within(dst, []string{e.resultFolder()}) {
		return 0, fault.New(BadOptions, "a query writes into %s, not to %s", e.resultFolder(), dst)
	}
	c, err := e.lockedQuery(ctx)
	if err != nil {
		return 0, err
	}
	defer c.close()
	b, err := e.bindQuery(ctx, c, sql)
	if err != nil {
		return 0, err
	}
	rows, err = c.changed(ctx, "COPY ("+b.text+") TO "+quoteText(dst)+parquetOptions)
	if err != nil {
		os.Remove(dst)
		return 0, inQuery(failure(err, ComputationFailed, "the query failed"))
	}
	return rows, nil
}

// Counts tells how many rows the files of a registered table hold, and how many
// of them meet its conditions.
func (e *Engine) Counts(ctx context.Context, name string) (all, kept int64, err error) {
	leave, err := e.enter()
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	e.asking.RLock()
	defer e.asking.RUnlock()
	c, err := e.lockedQuery(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	for _, r := range e.relations {
		if r.name != name {
			continue
		}
		if all, err = c.count(ctx, r.rows); err == nil {
			kept, err = c.count(ctx, "SELECT * FROM "+quoteName(name))
		}
		if err != nil {
			return 0, 0, placedReader(failure(err, ComputationFailed, "the rows cannot be counted"), name)
		}
		return all, kept, nil
	}
	return 0, 0, fault.New(BadRelation, "no table is named %q", name)
}

// count gives the number of rows of a SELECT.
func (c *connection) count(ctx context.Context, query string) (int64, error) {
	text, err := c.one(ctx, "SELECT count(*)::VARCHAR FROM ("+query+")")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// parquetOptions are those of spilled files, which are read once and soon. They
// have no dictionaries: DuckDB's hold one zero for -0.0 and +0.0, whichever came
// first, so that values would depend on the order of rows.
const parquetOptions = " (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880, DICTIONARY_SIZE_LIMIT 0)"

// inQuery says where an error is.
func inQuery(err error) error {
	if f := fault.As(err); f != nil && f.Place == "" {
		f.Place = "query"
	}
	return err
}

// bindQuery checks a query and finds the types of its columns.
func (e *Engine) bindQuery(ctx context.Context, c *connection, sql string) (*bound, error) {
	b, err := e.bindText(ctx, c, sql)
	return b, inQuery(err)
}

func (e *Engine) bindText(ctx context.Context, c *connection, sql string) (*bound, error) {
	f, err := e.known(ctx, c)
	if err != nil {
		return nil, err
	}
	trees, err := parse(ctx, c, sql)
	if err != nil {
		var syntax *syntaxError
		switch {
		case !errors.As(err, &syntax):
			return nil, failure(err, EngineFailed, "the query cannot be parsed")
		case syntax.notSelect:
			return nil, fault.New(Fenced, "only a SELECT may stand here: %s", oneLine(sql))
		}
		return nil, fault.New(BadSyntax, "%s", pointed(syntax.message, sql, syntax.position))
	}
	if len(trees) == 0 {
		return nil, fault.New(BadSyntax, "the query is empty")
	}
	if len(trees) != 1 {
		return nil, fault.New(NotOneThing, "%d statements: a query is one SELECT", len(trees))
	}
	if err := e.checkQuery(ctx, c, f, trees[0], sql); err != nil {
		return nil, err
	}
	text := regexp.MustCompile(`;\s*$`).ReplaceAllString(sql, "")
	columns, err := c.columns(ctx, text)
	if err != nil {
		return nil, bindQueryFault(err)
	}
	return bindColumns(columns, text)
}

// bindColumns casts the result to types that columns can have.
func bindColumns(columns []column, text string) (*bound, error) {
	seen := map[string]bool{}
	fields := make([]arrow.Field, len(columns))
	items := make([]string, len(columns))
	for i, col := range columns {
		if fold := strings.ToLower(col.name); seen[fold] {
			return nil, fault.New(BadTypes, "two columns are named %q", col.name).WithHint("give one another name with AS")
		} else {
			seen[fold] = true
		}
		im, err := imageOf(col.typ, &arrow.TimestampType{Unit: arrow.Microsecond})
		if err != nil {
			return nil, fault.New(BadTypes, "column %q is %s", col.name, err)
		}
		fields[i] = arrow.Field{Name: col.name, Type: im.arrow, Nullable: true}
		items[i] = quoteName(col.name)
		if im.cast {
			items[i] = "CAST(" + items[i] + " AS " + im.sql + ") AS " + items[i]
		}
	}
	return &bound{arrow.NewSchema(fields, nil), "SELECT " + strings.Join(items, ", ") + " FROM (\n" + text + "\n) AS featurehost_query"}, nil
}

// bindQueryFault turns what DuckDB says when it binds a query into a fault.
func bindQueryFault(err error) error {
	d := asDuck(err)
	if d == nil {
		return err
	}
	code := BadTypes
	switch {
	case strings.HasPrefix(d.text, "Referenced column"), strings.HasPrefix(d.text, "Table ") && strings.Contains(d.text, "does not have a column"),
		strings.HasPrefix(d.text, "Values list") && strings.Contains(d.text, "does not have a column"):
		code = UnknownColumn
	case d.kind == "Catalog" && strings.Contains(d.text, "Function with name"):
		code = UnknownFunction
	case d.kind == "Catalog":
		code = UnknownTable
	case d.kind == "Permission":
		code = Fenced
	case d.kind == "IO", d.kind == "Out of Memory", d.kind == "FATAL", d.kind == "INTERNAL":
		return failure(err, EngineFailed, "the query cannot be bound")
	}
	message := d.text
	if i := strings.Index(message, "\nLINE "); i >= 0 {
		message = message[:i]
	}
	f := fault.New(code, "%s", strings.Join(strings.Fields(message), " "))
	if m := regexp.MustCompile(`(?s)\nLINE (\d+): (.*)\n( *)\^`).FindStringSubmatch(d.text); m != nil {
		return f.WithHint("see line %s of the query", m[1])
	}
	return f
}

// checkQuery refuses what reads anything but registered tables, is not
// repeatable, or depends on the order of rows.
func (e *Engine) checkQuery(ctx context.Context, c *connection, f *functions, tree node, sql string) error {
	g := &guard{ctx: ctx, c: c, f: f, sql: sql, tables: map[string]bool{}}
	for _, r := range e.relations {
		g.tables[strings.ToLower(r.name)] = true
		g.names = append(g.names, r.name)
	}
	walk(tree, func(n node) bool {
		for _, m := range list(child(n, "cte_map"), "map") {
			if entry, ok := m.(node); ok {
				g.tables[strings.ToLower(str(entry, "key"))] = true
			}
		}
		if cte := str(n, "cte_name"); cte != "" {
			g.tables[strings.ToLower(cte)] = true
		}
		return true
	})
	walk(tree, g.visit)
	return g.err
}

// guard walks a query's tree until the first thing to refuse.
type guard struct {
	ctx    context.Context
	c      *connection
	f      *functions
	sql    string
	tables map[string]bool // lower case: registered, or named in WITH
	names  []string
	err    error
}

func (g *guard) refuse(code fault.Code, n node, format string, args ...any) *fault.Error {
	err := fault.New(code, "%s", pointed(fmt.Sprintf(format, args...), g.sql, location(n)))
	g.err = err
	return err
}

func (g *guard) visit(n node) bool {
	if g.err != nil {
		return false
	}
	if n["sample"] != nil {
		g.refuse(OrderDependent, n, "a sample draws random rows")
		return false
	}
	switch str(n, "class") {
	case "":
		g.table(n)
	case "FUNCTION":
		g.function(n)
	case "WINDOW":
		g.window(n)
	case "PARAMETER":
		g.refuse(NotOneThing, n, "a parameter has no value here")
	case "COLUMN_REF":
		p := names(n)
		if len(p) == 1 && clockName(strings.ToLower(p[0])) {
			g.refuse(NotRepeatable, n, "%s reads the clock", p[0])
		}
	}
	g.limits(n)
	return g.err == nil
}

// clockName are words that read the clock without looking like a call.
func clockName(s string) bool {
	switch s {
	case "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp":
		return true
	}
	return false
}

// table checks a table reference.
func (g *guard) table(n node) {
	switch str(n, "type") {
	case "BASE_TABLE":
		name := str(n, "table_name")
		if g.tables[strings.ToLower(name)] && str(n, "schema_name") == "" && str(n, "catalog_name") == "" {
			return
		}
		err := g.refuse(UnknownTable, n, "unknown table %q", name)
		if s := fault.Suggest(name, g.names); s != "" {
			err.WithHint("did you mean %q?", s)
		} else {
			err.WithHint("tables are the readers: %s", strings.Join(g.names, ", "))
		}
	case "TABLE_FUNCTION":
		name := strings.ToLower(str(child(n, "function"), "function_name"))
		switch name {
		case "unnest", "range", "generate_series":
			return
		}
		g.refuse(Fenced, n, "the table function %s is not allowed in a query", name).
			WithHint("declare a [[reader]] and use its id as a table")
	case "SHOW_REF", "DELIM_GET", "COLUMN_DATA", "BOUND_TABLE_REF":
		g.refuse(Fenced, n, "%s is not allowed in a query", strings.ToLower(str(n, "type")))
	case "JOIN":
		if str(n, "ref_type") == "POSITIONAL" {
			g.refuse(OrderDependent, n, "a positional join depends on the order of rows")
		}
	}
}

// function checks a call.
func (g *guard) function(n node) {
	name := strings.ToLower(str(n, "function_name"))
	r, err := g.f.check(g.ctx, g.c, name, len(list(n, "children")), false)
	if err != nil {
		g.err = failure(err, EngineFailed, "the function %s cannot be looked up", name)
		return
	}
	if r != nil {
		g.refuse(r.code, n, "%s %s", name, r.reason)
		return
	}
	switch name {
	case "list_sort", "list_reverse_sort", "array_sort", "array_reverse_sort":
		// The parser writes list(x ORDER BY x) as a sort of the list.
		for _, inner := range nodes(list(n, "children")) {
			inner[sortedMark] = true
		}
	}
	if orderedAggregate(name) && len(list(child(n, "order_bys"), "orders")) == 0 && n[sortedMark] == nil {
		g.refuse(OrderDependent, n, "%s without ORDER BY depends on the order of rows", name).
			WithHint("write %s(... ORDER BY ...) over a unique key", name)
	}
}

// sortedMark marks a call whose result is sorted at once.
const sortedMark = "featurehost_sorted"

// orderedAggregate reports whether an aggregate's value depends on the order
// of its rows.
func orderedAggregate(name string) bool {
	switch name {
	case "first", "last", "any_value", "arbitrary", "list", "array_agg", "string_agg", "group_concat", "listagg", "json_group_array":
		return true
	}
	return false
}

// window checks a window function.
func (g *guard) window(n node) {
	switch strings.TrimPrefix(str(n, "type"), "WINDOW_") {
	case "ROW_NUMBER", "LEAD", "LAG", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "NTILE", "FILL":
		if len(list(n, "orders")) == 0 {
			g.refuse(OrderDependent, n, "%s without ORDER BY depends on the order of rows",
				strings.ToLower(strings.TrimPrefix(str(n, "type"), "WINDOW_")))
		}
	case "AGGREGATE":
		name := strings.ToLower(str(n, "function_name"))
		if orderedAggregate(name) && len(list(n, "orders")) == 0 && len(list(n, "arg_orders")) == 0 {
			g.refuse(OrderDependent, n, "%s without ORDER BY depends on the order of rows", name)
			return
		}
		r, err := g.f.check(g.ctx, g.c, name, len(list(n, "children")), false)
		if err != nil {
			g.err = failure(err, EngineFailed, "the function %s cannot be looked up", name)
		} else if r != nil {
			g.refuse(r.code, n, "%s %s", name, r.reason)
		}
	}
}

// limits refuses LIMIT and DISTINCT ON without ORDER BY.
func (g *guard) limits(n node) {
	ordered, cut := false, ""
	for _, m := range list(n, "modifiers") {
		mod, _ := m.(node)
		switch str(mod, "type") {
		case "ORDER_MODIFIER":
			ordered = true
		case "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER":
			cut = "LIMIT"
		case "DISTINCT_MODIFIER":
			if len(list(mod, "distinct_on_targets")) > 0 {
				cut = "DISTINCT ON"
			}
		}
	}
	if cut != "" && !ordered {
		g.refuse(OrderDependent, n, "%s without ORDER BY depends on the order of rows", cut).
			WithHint("add ORDER BY over a unique key")
	}
}
