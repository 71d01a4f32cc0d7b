package flight

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ConfigError says, as an error of Open, that the config or the input columns
// cannot be used; whoever wrote the config is shown it. After any other error of
// Open the plugin did not start.
func ConfigError(format string, args ...any) error {
	return &configError{fmt.Errorf(format, args...)}
}

type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// DataError says, as an error of Process or Flush, that the rows are at fault:
// they go the way of the stage's on_error, and are not tried again. Any other
// error counts as a crash of the batch, as a panic does: the batch is tried once
// more before on_error.
func DataError(format string, args ...any) error {
	return &dataError{fmt.Errorf(format, args...)}
}

type dataError struct{ err error }

func (e *dataError) Error() string { return e.err.Error() }
func (e *dataError) Unwrap() error { return e.err }

// ErrMemory asks for fewer rows at a time, when it is in the tree of an error of
// Process.
var ErrMemory = errors.New("not enough memory for so many rows")

// refusal makes a status of an error of Process or Flush. A status in its tree
// came from another server: to the host it would say that this program is gone,
// or that its rows are wrong, and so counts for no more than any other error.
func refusal(err error) error {
	code := codes.Unknown
	var rows *dataError
	switch {
	case errors.Is(err, ErrMemory):
		code = codes.ResourceExhausted
	case errors.As(err, &rows):
		code = codes.InvalidArgument
	}
	return status.Error(code, err.Error())
}

// refusedOpen makes a status of an error of Open, likewise.
func refusedOpen(err error) error {
	code := codes.Unknown
	var config *configError
	if errors.As(err, &config) {
		code = codes.InvalidArgument
	}
	return status.Error(code, err.Error())
}
