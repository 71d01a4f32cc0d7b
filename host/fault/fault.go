package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is what featurehost tells a person. Its text reads
//
//	place: FH-nnnn: message; hint: cause
//
// with empty parts left out. It never holds a secret.
type Error struct {
	Code    Code
	Place   string // where: `stage "delay_score", batch 17, row 4031`, a file, a table
	Message string // what was found and what was expected; lower case, values quoted
	Hint    string // what to do next; may be empty
	Retry   bool   // true when the same run may succeed later without a change
	Err     error  // cause, matched by errors.Is and errors.As; may be nil
}

// New makes an error of code c; format and args give its message.
func New(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of code c with a cause. The cause's text is appended.
func Wrap(err error, c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...), Err: err}
}

// At returns e with its place set.
func (e *Error) At(format string, args ...any) *Error {
	e.Place = fmt.Sprintf(format, args...)
	return e
}

// WithHint returns e with its hint set.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Place != "" {
		b.WriteString(e.Place)
		b.WriteString(": ")
	}
	b.WriteString(e.Code.String())
	b.WriteString(": ")
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// As returns the first *Error in err's tree, or nil.
func As(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// Is reports whether err is, or wraps, an error of code c. Of joined errors any
// one will do.
func Is(err error, c Code) bool {
	if e, ok := err.(*Error); ok { //nolint:errorlint // the walk down the tree is below
		return e != nil && (e.Code == c || Is(e.Err, c))
	}
	switch x := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() error }:
		return Is(x.Unwrap(), c)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(x.Unwrap(), func(one error) bool { return Is(one, c) })
	}
	return false
}

// ClassOf gives the class of err; an error without a code is Data.
func ClassOf(err error) Class {
	if e := As(err); e != nil {
		return e.Code.Class()
	}
	return Data
}
