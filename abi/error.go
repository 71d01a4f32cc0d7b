package abi

import (
	"errors"
	"strings"
)

// Error is a refusal with the stable number of its code, for example 1005 for
// FH-1005.
type Error struct {
	Code    int
	Message string // what was found and what was expected; lower case, values quoted
	Hint    string // what to do next; may be empty
	// Violations is set by CheckConfig: one entry per key at fault, in the
	// order of their paths.
	Violations []Violation
}

// Violation is one key of a config that does not meet the config schema.
type Violation struct {
	Path    string // the key, as in "scale.low" or "columns[2]"
	Message string // what is wrong with it
	Hint    string // a near name for an unknown key; may be empty
}

// String gives "path: message; hint".
func (v Violation) String() string {
	s := v.Path + ": " + v.Message
	if v.Hint != "" {
		s += "; " + v.Hint
	}
	return s
}

// Error implements error.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// CodeOf gives the code of the first *Error in err's tree, or 0.
func CodeOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func violationsError(vs []Violation) *Error {
	parts := make([]string, len(vs))
	for i, v := range vs {
		parts[i] = v.String()
	}
	return &Error{Code: CodeConfig, Message: "config does not meet the plugin's schema: " + strings.Join(parts, "; "), Violations: vs}
}
