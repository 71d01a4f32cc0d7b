package config

import (
	"fmt"
	"sort"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// Span is a place in the pipeline file. Line and Col count from 1, Col and Len
// in characters; Len stays on the line. A Span without a line means the file
// as a whole.
type Span struct {
	File           string
	Line, Col, Len int
}

// String gives file:line:col.
func (s Span) String() string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Line, s.Col)
}

// Problem is one thing wrong with a pipeline file.
type Problem struct {
	Span    Span
	Code    fault.Code
	Message string // what was found and what was expected
	Hint    string // what to do; may be empty

	excerpt excerpt
}

// excerpt is the source line as it may be shown: secrets masked, control
// characters replaced, cut when very long. The caret starts before character
// col, counted from 0.
type excerpt struct {
	text       string
	col, width int
}

// String gives the problem as a person sees it: place, code and message, then
// the source line and a caret with the hint.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s", p.Span, p.Code, p.Message)
	if p.Span.Line == 0 {
		if p.Hint != "" {
			b.WriteString("; " + p.Hint)
		}
		return b.String()
	}
	number := fmt.Sprintf("%5d", p.Span.Line)
	b.WriteString("\n" + strings.TrimRight(number+" | "+p.excerpt.text, " "))
	b.WriteString("\n" + strings.Repeat(" ", len(number)) + " | ")
	n := 0
	for _, r := range p.excerpt.text {
		if n >= p.excerpt.col {
			break
		}
		if r != '\t' {
			r = ' ' // a tab stays, so that the caret lines up at any tab width
		}
		b.WriteRune(r)
		n++
	}
	b.WriteString(strings.Repeat(" ", p.excerpt.col-n) + strings.Repeat("^", p.excerpt.width))
	if p.Hint != "" {
		b.WriteString(" " + p.Hint)
	}
	return b.String()
}

// Fault gives the problem as an error on one line.
func (p Problem) Fault() *fault.Error {
	return &fault.Error{Code: p.Code, Place: p.Span.String(), Message: p.Message, Hint: p.Hint}
}

// Problems is everything wrong with a pipeline file. As an error it unwraps to
// a *fault.Error for each problem, the first problem first.
type Problems struct {
	List []Problem
}

// Error gives all problems, each as Problem.String prints it.
func (p *Problems) Error() string {
	parts := make([]string, len(p.List))
	for i, one := range p.List {
		parts[i] = one.String()
	}
	return strings.Join(parts, "\n")
}

// Unwrap gives the problems as *fault.Error.
func (p *Problems) Unwrap() []error {
	out := make([]error, len(p.List))
	for i, one := range p.List {
		out[i] = one.Fault()
	}
	return out
}

// Add appends a problem; Err puts them in order.
func (p *Problems) Add(one Problem) { p.List = append(p.List, one) }

// Err puts the problems in file order and removes repetitions. It is p, or nil
// when there is no problem.
func (p *Problems) Err() error {
	if p == nil || len(p.List) == 0 {
		return nil
	}
	sort.SliceStable(p.List, func(i, j int) bool {
		a, b := p.List[i], p.List[j]
		switch {
		case a.Span.Line != b.Span.Line:
			return a.Span.Line < b.Span.Line
		case a.Span.Col != b.Span.Col:
			return a.Span.Col < b.Span.Col
		case a.Code != b.Code:
			return a.Code < b.Code
		}
		return a.Message < b.Message
	})
	kept := p.List[:0]
	for i, one := range p.List {
		if i > 0 && one == kept[len(kept)-1] {
			continue
		}
		kept = append(kept, one)
	}
	p.List = kept
	return p
}

// Span gives the place of the value at path, such as `stage[0].use`,
// `reader[1].prepare[0].where` or `feature_set.keys[0].name`; for a table that
// has a header, the header. A path that is not in the file gives the place of
// the nearest enclosing key that is.
func (f *File) Span(path string) Span { return f.index.span(path, atValue) }

// Problem makes a problem at the value of path (see Span). Text that came from
// the environment is replaced in hint and args by the name of its variable.
func (f *File) Problem(path string, code fault.Code, hint, format string, args ...any) Problem {
	for i, a := range args {
		args[i] = f.index.redactArg(a)
	}
	return f.index.problem(path, atValue, code, f.index.redact(hint), format, args...)
}

// Redact replaces in s whatever came from the environment by the name of its
// variable, as in ${NAME}. Doors pass through it what other rooms say of a run.
func (f *File) Redact(s string) string { return f.index.redact(s) }
