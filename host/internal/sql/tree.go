//go:build duckdb_arrow

package sql

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/featurehost/featurehost/host/fault"
)

// node is an object of DuckDB's parse tree.
type node = map[string]any

// parse reads SQL text into trees, one per statement. The error is a
// *syntaxError when the text is at fault.
func parse(ctx context.Context, c *connection, text string) ([]node, error) {
	if strings.ContainsRune(text, 0) {
		return nil, &syntaxError{message: "a zero byte", position: strings.IndexByte(text, 0)}
	}
	if !utf8.ValidString(text) {
		return nil, &syntaxError{message: "a byte that is no UTF-8", position: -1}
	}
	out, err := c.one(ctx, "SELECT json_serialize_sql("+quoteText(text)+")::VARCHAR")
	if err != nil {
		return nil, err
	}
	var tree struct {
		Error      bool   `json:"error"`
		Type       string `json:"error_type"`
		Message    string `json:"error_message"`
		Position   any    `json:"position"`
		Statements []node `json:"statements"`
	}
	d := json.NewDecoder(strings.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fault.Wrap(err, EngineFailed, "the parse tree cannot be read")
	}
	if tree.Error {
		e := &syntaxError{message: tree.Message, position: -1, notSelect: tree.Type == "not implemented"}
		var p int
		if _, err := fmt.Sscan(fmt.Sprint(tree.Position), &p); err == nil {
			e.position = p
		}
		return nil, e
	}
	return tree.Statements, nil
}

// unparse writes the SQL text of one statement's tree.
func unparse(ctx context.Context, c *connection, statement node) (string, error) {
	b, err := json.Marshal(node{"error": false, "statements": []any{statement}})
	if err != nil {
		return "", err
	}
	return c.one(ctx, "SELECT json_deserialize_sql("+quoteText(string(b))+"::JSON)::VARCHAR")
}

// syntaxError says why a text does not parse; position counts bytes.
type syntaxError struct {
	message   string
	position  int
	notSelect bool
}

func (e *syntaxError) Error() string { return e.message }

// caret shows a place of a text: "1:5" and the line with a mark under it.
// position counts bytes from 0; a place outside gives nothing.
func caret(text string, position int) (at, picture string) {
	if position < 0 || position > len(text) {
		return "", ""
	}
	start := strings.LastIndexByte(text[:position], '\n') + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	row := strings.Count(text[:start], "\n") + 1
	col := utf8.RuneCountInString(text[start:position]) + 1
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, text[start:position])
	return fmt.Sprintf("%d:%d", row, col), fmt.Sprintf("\n%5d | %s\n      | %s^", row, strings.TrimRight(line, "\r"), pad)
}

// pointed appends the place in text to a message.
func pointed(message, text string, position int) string {
	at, picture := caret(text, position)
	if at == "" {
		return message
	}
	return message + " at " + at + picture
}

// walk visits every object of a tree, outer ones first and siblings in the
// order of their names. visit returns false to stay out of an object.
func walk(n any, visit func(node) bool) {
	switch x := n.(type) {
	case node:
		if !visit(x) {
			return
		}
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			walk(x[k], visit)
		}
	case []any:
		for _, y := range x {
			walk(y, visit)
		}
	}
}

func str(n node, key string) string {
	s, _ := n[key].(string)
	return s
}

func list(n node, key string) []any {
	l, _ := n[key].([]any)
	return l
}

func child(n node, key string) node {
	c, _ := n[key].(node)
	return c
}

// location is where an expression starts in the text, or -1.
func location(n node) int {
	v, ok := n["query_location"].(json.Number)
	if !ok {
		return -1
	}
	p, err := v.Int64()
	if err != nil {
		return -1
	}
	return int(p)
}

// names are the parts of a column reference.
func names(n node) []string {
	parts := list(n, "column_names")
	out := make([]string, 0, len(parts))
	for _, p := range parts {
		s, _ := p.(string)
		out = append(out, s)
	}
	return out
}
