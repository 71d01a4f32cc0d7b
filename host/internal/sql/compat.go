//go:build duckdb_arrow

package sql

import (
	"context"
	"fmt"
	"maps"
	"sort"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/featurehost/featurehost/host/fault"
)

// compat rewrites an expression of the butterfree profile (S-703): names and
// operators keep the meaning they have there, or are refused by name.
type compat struct {
	ctx  context.Context
	c    *connection
	x    *expression
	from string
}

// compatText gives the text that DuckDB computes for an expression.
func compatText(ctx context.Context, c *connection, x *expression, from string) (string, error) {
	k := &compat{ctx, c, x, from}
	e, _ := list(child(x.tree, "node"), "select_list")[0].(node)
	if err := k.rewrite(e); err != nil {
		return "", err
	}
	return k.text(e)
}

// text writes one expression of the tree.
func (k *compat) text(e node) (string, error) {
	statement := maps.Clone(k.x.tree)
	inner := maps.Clone(child(statement, "node"))
	inner["select_list"] = []any{e}
	statement["node"] = inner
	text, err := unparse(k.ctx, k.c, statement)
	if err != nil {
		return "", failure(err, EngineFailed, "the expression cannot be written back")
	}
	return strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(text, "SELECT")), ";"), nil
}

// family groups types that compare and combine with one meaning.
type family string

const (
	whole   family = "a whole number"
	decimal family = "a decimal"
	float   family = "a floating-point number"
	text    family = "a text"
	boolean family = "a boolean"
	instant family = "a date or time"
	other   family = "of another kind"
	nothing family = "null"
)

func (f family) number() bool { return f == whole || f == decimal || f == float }

// family finds the type of an expression that was rewritten before.
func (k *compat) family(e node) (family, error) {
	sql, err := k.text(e)
	if err != nil {
		return "", err
	}
	columns, err := k.c.columns(k.ctx, selectPrefix+"(\n"+sql+"\n)"+k.from)
	if err != nil {
		return "", bindFault(err, k.x)
	}
	switch columns[0].typ.id {
	case mapping.TypeTinyInt, mapping.TypeSmallInt, mapping.TypeInteger, mapping.TypeBigInt:
		return whole, nil
	case mapping.TypeDecimal:
		return decimal, nil
	case mapping.TypeFloat, mapping.TypeDouble:
		return float, nil
	case mapping.TypeVarchar:
		return text, nil
	case mapping.TypeBoolean:
		return boolean, nil
	case mapping.TypeDate, mapping.TypeTimestamp, mapping.TypeTimestampTZ:
		return instant, nil
	case mapping.TypeSQLNull:
		return nothing, nil
	}
	return other, nil
}

func (k *compat) refuse(n node, format string, args ...any) error {
	message := fmt.Sprintf(format, args...) + " has no meaning in the butterfree profile"
	return fault.New(NotMapped, "%s", pointed(message, k.x.SQL, location(n)-len(selectPrefix))).
		WithHint("known are + - * / %%, comparisons, and, or, not, in, between, like, case, coalesce, %s", strings.Join(mappedNames(), ", "))
}

// rewrite changes an expression in place, inner ones first.
func (k *compat) rewrite(n node) error {
	for _, inner := range inners(n) {
		if err := k.rewrite(inner); err != nil {
			return err
		}
	}
	switch class := str(n, "class"); class {
	case "COLUMN_REF", "CONSTANT", "CONJUNCTION":
		return nil
	case "COMPARISON":
		if t := str(n, "type"); strings.Contains(t, "DISTINCT") {
			return k.refuse(n, "IS DISTINCT FROM")
		}
		return k.same(n, child(n, "left"), child(n, "right"))
	case "BETWEEN":
		return k.same(n, child(n, "input"), child(n, "lower"), child(n, "upper"))
	case "CASE":
		results := []node{child(n, "else_expr")}
		for _, c := range list(n, "case_checks") {
			one, _ := c.(node)
			results = append(results, child(one, "then_expr"))
		}
		return k.same(n, results...)
	case "OPERATOR":
		switch t := str(n, "type"); t {
		case "OPERATOR_COALESCE", "COMPARE_IN", "COMPARE_NOT_IN":
			return k.same(n, nodes(list(n, "children"))...)
		case "OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL":
			return nil
		default:
			return k.refuse(n, "%s", strings.ToLower(t))
		}
	case "CAST":
		return k.cast(n)
	case "FUNCTION":
		return k.function(n)
	default:
		return k.refuse(n, "%s", strings.ToLower(class))
	}
}

// inners are the expressions directly inside an expression.
func inners(n node) []node {
	keys := make([]string, 0, len(n))
	for key := range n {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var out []node
	var add func(v any)
	add = func(v any) {
		switch x := v.(type) {
		case node:
			if _, ok := x["class"]; ok {
				out = append(out, x)
				return
			}
			for _, key := range []string{"when_expr", "then_expr"} {
				add(x[key])
			}
		case []any:
			for _, y := range x {
				add(y)
			}
		}
	}
	for _, key := range keys {
		add(n[key])
	}
	return out
}

func nodes(l []any) []node {
	out := make([]node, 0, len(l))
	for _, v := range l {
		if n, ok := v.(node); ok {
			out = append(out, n)
		}
	}
	return out
}

// same refuses a mix of families, which one dialect casts in one way and the
// other in another. A literal text may stand beside a time.
func (k *compat) same(at node, parts ...node) error {
	var first family
	for _, p := range parts {
		f, err := k.family(p)
		if err != nil {
			return err
		}
		if f == nothing {
			continue
		}
		literal := f == text && str(p, "class") == "CONSTANT"
		switch {
		case f == other:
			return k.refuse(at, "a value %s", other)
		case first == "":
			first = f
		case first == f, first.number() && f.number(), first == instant && literal:
		default:
			return k.refuse(at, "%s beside %s", first, f)
		}
	}
	return nil
}

// cast allows the casts that mean the same in both dialects.
func (k *compat) cast(n node) error {
	inner, to := child(n, "child"), str(child(n, "cast_type"), "id")
	if str(inner, "class") == "CONSTANT" && (to == "BOOLEAN" || to == "DATE" || to == "TIMESTAMP") {
		return nil
	}
	f, err := k.family(inner)
	if err != nil {
		return err
	}
	switch {
	case f == nothing,
		to == "VARCHAR" && (f == whole || f == text || f == boolean),
		to == "DOUBLE" && f.number(),
		to == "BIGINT" && f == whole,
		to == "DATE" && f == instant:
		return nil
	}
	return k.refuse(n, "a cast of %s to %s", f, strings.ToLower(to))
}

// mapped says what becomes of a function: "" leaves it alone, INTEGER and
// BIGINT cast its result.
func mapped() map[string]string {
	return map[string]string{
		"lower": "", "upper": "", "abs": "", "nullif": "", "if": "", "ifnull": "", "least": "", "greatest": "", "isnan": "",
		"length": "INTEGER", "year": "INTEGER", "month": "INTEGER", "dayofmonth": "INTEGER", "day": "INTEGER", "hour": "INTEGER",
		"minute": "INTEGER", "second": "INTEGER", "quarter": "INTEGER", "dayofyear": "INTEGER", "concat": "", "nvl": "",
	}
}

func mappedNames() []string {
	var out []string
	for name := range mapped() {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// function keeps, renames or refuses a call.
func (k *compat) function(n node) error {
	name := strings.ToLower(str(n, "function_name"))
	args := nodes(list(n, "children"))
	switch name {
	case "+", "-", "*", "/", "%":
		return k.arithmetic(n, name, args)
	case "~~", "!~~":
		return k.like(n, args)
	case "concat", "||":
		return k.concat(n, args)
	case "nvl":
		n["function_name"] = "ifnull"
		return k.same(n, args...)
	case "ifnull", "nullif", "least", "greatest":
		return k.same(n, args...)
	case "if":
		if len(args) != 3 {
			return k.refuse(n, "if with %d arguments", len(args))
		}
		return k.same(n, args[1:]...)
	}
	to, ok := mapped()[name]
	if !ok {
		if isOperator(name) {
			return k.refuse(n, "the operator %s", name)
		}
		return k.refuse(n, "the function %q", name)
	}
	if to != "" {
		wrap(n, to)
	}
	return nil
}

// arithmetic is for numbers. The original divides in doubles, whatever the
// numbers are, where the engine would divide floats as floats; decimals would
// divide to a decimal there and to a double here.
func (k *compat) arithmetic(n node, op string, args []node) error {
	for _, a := range args {
		f, err := k.family(a)
		if err != nil {
			return err
		}
		if f == nothing || f.number() && (f != decimal || op != "/") {
			continue
		}
		return k.refuse(n, "%s of %s", op, f)
	}
	if op == "/" {
		for _, a := range args {
			wrap(a, "DOUBLE")
		}
	}
	return nil
}

// like is the same in both dialects while the pattern escapes nothing.
func (k *compat) like(n node, args []node) error {
	if len(args) == 2 && str(args[1], "class") == "CONSTANT" {
		if p, ok := child(args[1], "value")["value"].(string); ok && !strings.Contains(p, `\`) {
			return k.same(n, args...)
		}
	}
	return k.refuse(n, "like with a pattern that is no literal or holds a backslash")
}

// concat becomes ||, which is null if any part is. Parts become texts where
// both dialects write them alike.
func (k *compat) concat(n node, args []node) error {
	if len(args) == 0 {
		return k.refuse(n, "concat of nothing")
	}
	for _, a := range args {
		f, err := k.family(a)
		if err != nil {
			return err
		}
		switch f {
		case text:
		case whole, boolean, nothing:
			wrap(a, "VARCHAR")
		default:
			return k.refuse(n, "concat of %s", f)
		}
	}
	joinedUp := args[0]
	for _, a := range args[1:] {
		joined := maps.Clone(n)
		joined["function_name"], joined["is_operator"], joined["children"] = "||", true, []any{joinedUp, a}
		joinedUp = joined
	}
	joinedUp = maps.Clone(joinedUp)
	clear(n)
	maps.Copy(n, joinedUp)
	return nil
}

// wrap puts a cast round an expression, in place.
func wrap(n node, to string) {
	inner := maps.Clone(n)
	clear(n)
	maps.Copy(n, node{
		"class": "CAST", "type": "OPERATOR_CAST", "alias": "", "query_location": inner["query_location"],
		"child": inner, "cast_type": node{"id": to, "type_info": nil}, "try_cast": false,
	})
}
