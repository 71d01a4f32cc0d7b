//go:build duckdb_arrow

package sql

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// selectPrefix goes before an expression to make it a statement.
const selectPrefix = "SELECT "

// plan is a list of compiled expressions, shared by the forks of an
// evaluator and never changed.
type plan struct {
	engine *Engine
	in     *arrow.Schema
	used   []int // columns of in that the expressions read, ascending
	exprs  []*expression
	out    *arrow.Schema
}

// expression is one compiled expression.
type expression struct {
	flow.Expr
	tree  node   // its statement
	text  string // what DuckDB is asked to compute
	reads []int  // columns of the input
	zoned bool   // must see times as instants with a zone
	image image
}

// Expressions implements flow.SQL. Texts are checked and bound here, so that
// every error of a user's shows before the first row. The evaluator must be
// closed.
func (e *Engine) Expressions(ctx context.Context, in *flow.Schema, exprs []flow.Expr) (flow.Evaluator, error) {
	leave, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	d, err := e.rowDatabase(ctx)
	if err != nil {
		return nil, err
	}
	c, err := d.connect()
	if err != nil {
		return nil, fault.Wrap(err, EngineFailed, "the sql engine does not answer")
	}
	p := &plan{engine: e, in: in}
	err = p.compile(ctx, c, exprs)
	c.close()
	if err != nil {
		return nil, err
	}
	ev, err := p.evaluator(ctx)
	if err != nil {
		return nil, err
	}
	if err := ev.settle(ctx); err != nil {
		ev.Close()
		return nil, err
	}
	return ev, nil
}

// compile parses the expressions and finds what they read.
func (p *plan) compile(ctx context.Context, c *connection, exprs []flow.Expr) error {
	f, err := p.engine.known(ctx, c)
	if err != nil {
		return err
	}
	read := map[int]bool{}
	for _, x := range exprs {
		one := &expression{Expr: x, text: x.SQL}
		if err := one.compile(ctx, c, f, p.in); err != nil {
			return placed(err, x)
		}
		for _, i := range one.reads {
			read[i] = true
		}
		p.exprs = append(p.exprs, one)
	}
	for i := range read {
		p.used = append(p.used, i)
	}
	sort.Ints(p.used)
	return distinct(p.in, p.used)
}

// distinct refuses columns that the engine, which ignores case, could not
// tell apart.
func distinct(s *arrow.Schema, used []int) error {
	seen := map[string]string{}
	for _, i := range used {
		name := s.Field(i).Name
		if other, ok := seen[strings.ToLower(name)]; ok {
			return fault.New(BadTypes, "columns %q and %q are read together, and sql does not tell them apart", other, name).
				WithHint("rename one of them")
		}
		seen[strings.ToLower(name)] = name
	}
	return nil
}

// placed says which expression an error is about.
func placed(err error, x flow.Expr) error {
	if f := fault.As(err); f != nil && f.Place == "" {
		f.Place = "sql of " + quoteName(x.Name)
	}
	return err
}

// known gives the engine's list of functions.
func (e *Engine) known(ctx context.Context, c *connection) (*functions, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.functions == nil {
		f, err := loadFunctions(ctx, c)
		if err != nil {
			return nil, failure(err, EngineFailed, "the list of functions cannot be read")
		}
		e.functions = f
	}
	return e.functions, nil
}

// compile reads one expression's text.
func (x *expression) compile(ctx context.Context, c *connection, f *functions, in *arrow.Schema) error {
	trees, err := parse(ctx, c, selectPrefix+x.SQL)
	if err != nil {
		var syntax *syntaxError
		if !errors.As(err, &syntax) {
			return failure(err, EngineFailed, "the text cannot be parsed")
		}
		if strings.TrimSpace(x.SQL) == "" {
			return fault.New(BadSyntax, "the expression is empty")
		}
		if syntax.notSelect {
			return fault.New(NotOneThing, "found several statements: one expression is expected, over the columns of a row")
		}
		return fault.New(BadSyntax, "%s", pointed(syntax.message, x.SQL, syntax.position-len(selectPrefix)))
	}
	e, err := single(trees, x.SQL)
	if err != nil {
		return err
	}
	x.tree = trees[0]
	return x.inspect(ctx, c, f, e, in)
}

// single gives the one expression that the statements must be.
func single(trees []node, text string) (node, error) {
	refuse := func(what string) (node, error) {
		return nil, fault.New(NotOneThing, "%s: one expression is expected, over the columns of a row", what)
	}
	if len(trees) != 1 || strings.HasSuffix(strings.TrimSpace(text), ";") {
		return refuse("found a semicolon")
	}
	n := child(trees[0], "node")
	items := list(n, "select_list")
	var extra string
	for _, part := range []struct{ key, what string }{
		{"where_clause", "WHERE"}, {"having", "HAVING"}, {"qualify", "QUALIFY"}, {"sample", "a sample"},
	} {
		if n[part.key] != nil {
			extra = part.what
		}
	}
	switch {
	case str(n, "type") != "SELECT_NODE":
		return refuse("found a set operation")
	case str(child(n, "from_table"), "type") != "EMPTY":
		return refuse("found FROM")
	case len(list(n, "group_expressions")) > 0 || str(n, "aggregate_handling") != "STANDARD_HANDLING":
		return refuse("found GROUP BY")
	case len(list(n, "modifiers")) > 0:
		return refuse("found DISTINCT, ORDER BY or LIMIT")
	case extra != "":
		return refuse("found " + extra)
	case len(items) != 1:
		return refuse(fmt.Sprintf("found %d expressions parted by commas", len(items)))
	}
	e, _ := items[0].(node)
	if a := str(e, "alias"); a != "" {
		return refuse(fmt.Sprintf("found a name, AS %s", a))
	}
	return e, nil
}

// inspect refuses what is not row-wise or not repeatable and collects the
// columns read.
func (x *expression) inspect(ctx context.Context, c *connection, f *functions, e node, in *arrow.Schema) error {
	params := lambdaParameters(e)
	read := map[int]bool{}
	var err error
	at := func(n node) int { return location(n) - len(selectPrefix) }
	walk(e, func(n node) bool {
		if err != nil {
			return false
		}
		switch str(n, "class") {
		case "SUBQUERY":
			err = fault.New(NotRowWise, "%s", pointed("a subquery looks at more than its row", x.SQL, at(n)))
		case "WINDOW":
			err = fault.New(NotRowWise, "%s", pointed("a window function looks at more than its row", x.SQL, at(n)))
		case "STAR":
			err = fault.New(NotOneThing, "%s", pointed("a star stands for several columns", x.SQL, at(n)))
		case "PARAMETER", "POSITIONAL_REFERENCE", "DEFAULT":
			err = fault.New(NotOneThing, "a parameter has no value here")
		case "COLUMN_REF":
			err = x.column(n, in, params, read, at(n))
		case "FUNCTION":
			err = x.function(ctx, c, f, n, at(n))
		}
		return err == nil
	})
	for i := range read {
		x.reads = append(x.reads, i)
	}
	sort.Ints(x.reads)
	return err
}

// column resolves a column reference.
func (x *expression) column(n node, in *arrow.Schema, params map[string]bool, read map[int]bool, at int) error {
	parts := names(n)
	if len(parts) == 0 {
		return fault.New(NotOneThing, "a column without a name")
	}
	if i := lookup(in, parts[0]); i >= 0 {
		read[i] = true
		return nil
	}
	if params[strings.ToLower(parts[0])] {
		return nil
	}
	if len(parts) == 1 && engineTalk(strings.ToLower(parts[0]), 0) {
		return fault.New(NotRepeatable, "%s", pointed(fmt.Sprintf("%s depends on the clock or on the engine itself", parts[0]), x.SQL, at)).
			WithHint("use a column of the data")
	}
	name := strings.Join(parts, ".")
	err := fault.New(UnknownColumn, "%s", pointed(fmt.Sprintf("unknown column %q", name), x.SQL, at))
	all := make([]string, in.NumFields())
	for i := range all {
		all[i] = in.Field(i).Name
	}
	if s := fault.Suggest(name, all); s != "" {
		return err.WithHint("did you mean %q?", s)
	}
	return err.WithHint("columns are %s", strings.Join(all, ", "))
}

// lookup finds a column as SQL does, without regard to case; the exact name
// comes first.
func lookup(s *arrow.Schema, name string) int {
	found := -1
	for i, f := range s.Fields() {
		if f.Name == name {
			return i
		}
		if found < 0 && strings.EqualFold(f.Name, name) {
			found = i
		}
	}
	return found
}

// function refuses calls that break Q1 or Q2.
func (x *expression) function(ctx context.Context, c *connection, f *functions, n node, at int) error {
	name := str(n, "function_name")
	if name == "timezone" {
		x.zoned = true
	}
	if n["filter"] != nil || n["distinct"] == true || len(list(child(n, "order_bys"), "orders")) > 0 {
		return fault.New(NotRowWise, "%s", pointed(fmt.Sprintf("%s is used as an aggregate over rows", name), x.SQL, at))
	}
	r, err := f.check(ctx, c, name, len(list(n, "children")), true)
	if err != nil {
		return failure(err, EngineFailed, "the function %s cannot be looked up", name)
	}
	if r != nil {
		return fault.New(r.code, "%s", pointed(fmt.Sprintf("%s %s", name, r.reason), x.SQL, at))
	}
	if !f.known(name) && !isOperator(name) && !x.Compat {
		e := fault.New(UnknownFunction, "%s", pointed(fmt.Sprintf("unknown function %q", name), x.SQL, at))
		if s := fault.Suggest(name, f.names); s != "" {
			return e.WithHint("did you mean %q?", s)
		}
		return e
	}
	return nil
}

// lambdaParameters are the names that lambdas of the tree bind.
func lambdaParameters(e node) map[string]bool {
	out := map[string]bool{}
	walk(e, func(n node) bool {
		if str(n, "class") == "LAMBDA" {
			walk(n["lhs"], func(l node) bool {
				if str(l, "class") == "COLUMN_REF" {
					for _, p := range names(l) {
						out[strings.ToLower(p)] = true
					}
				}
				return true
			})
		}
		return true
	})
	return out
}

// naiveType is the type of a result that DuckDB calls TIMESTAMP. Times reach
// the engine without their zone, because it is UTC and the engine is slow
// with zones; so a result is zoned unless all times read are without a zone.
func (x *expression) naiveType(in *arrow.Schema) arrow.DataType {
	zoned, plain := false, false
	for _, i := range x.reads {
		if t, ok := in.Field(i).Type.(*arrow.TimestampType); ok {
			zoned, plain = zoned || t.TimeZone != "", plain || t.TimeZone == ""
		}
	}
	if plain && !zoned {
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	}
	return schema.Timestamp()
}

// bindFault turns what DuckDB says when it binds an expression into a fault.
func bindFault(err error, x *expression) error {
	d := asDuck(err)
	if d == nil {
		return err
	}
	switch d.kind {
	case "Binder", "Catalog", "Conversion", "Not implemented", "Invalid Input", "Mismatch Type", "Out of Range", "Parser", "Invalid type":
		message := d.first()
		if i := strings.Index(message, ". You might need to add explicit type casts."); i >= 0 {
			message = message[:i]
		}
		return fault.New(BadTypes, "%s", message).WithHint("add a cast, or correct the expression: %s", oneLine(x.SQL))
	}
	return failure(err, BadTypes, "the expression cannot be bound")
}

// oneLine shortens a text for a message.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:117], "") + "..."
	}
	return s
}
