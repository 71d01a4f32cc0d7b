//go:build duckdb_arrow

package sql

import (
	"context"
	"errors"
	"strings"

	"github.com/featurehost/featurehost/host/fault"
)

// failure gives err from running a statement a code: what DuckDB says about
// memory, disks and itself, or else, about values, the code given.
func failure(err error, data fault.Code, format string, args ...any) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if fault.As(err) != nil {
		return err
	}
	d := asDuck(err)
	if d == nil {
		return fault.Wrap(err, EngineFailed, format, args...)
	}
	code, hint := data, ""
	switch {
	case d.kind == "Out of Memory" && strings.Contains(d.text, "max_temp_directory_size"),
		strings.Contains(d.text, "No space left"):
		code, hint = FileTrouble, "make room in the scratch folder, or name another one"
	case d.kind == "Out of Memory":
		code, hint = OutOfMemory, "give more --memory"
	case d.kind == "IO":
		code = FileTrouble
	case d.kind == "FATAL", d.kind == "INTERNAL", d.kind == "":
		code = EngineFailed
	}
	f := fault.Wrap(&duckError{kind: d.kind, text: d.first()}, code, format, args...)
	if hint != "" {
		f = f.WithHint("%s", hint)
	}
	return f
}
