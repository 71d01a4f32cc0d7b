package sdk

import "errors"

// Status is what a call answers to the host.
type Status int32

// The statuses of the ABI. 64 to 127 are the plugin's own data errors.
const (
	OK          Status = 0
	BadData     Status = 1
	BadConfig   Status = 2
	BadSchema   Status = 3
	NoMemory    Status = 4
	Unsupported Status = 5
)

// Error is an error with the status that the host is told. Any other error
// that a plugin returns counts as BadData, or BadConfig while it is set up.
type Error struct {
	Status Status
	Text   string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// DataError turns down the batch: a value that cannot be worked with.
func DataError(text string) error { return &Error{BadData, text} }

// OwnError is a data error with a status of the plugin's own, 64 to 127.
func OwnError(status Status, text string) error {
	if status < 64 || status > 127 {
		panic("sdk: a plugin's own status is 64 to 127")
	}
	return &Error{status, text}
}

// ConfigError turns down the configuration.
func ConfigError(text string) error { return &Error{BadConfig, text} }

// SchemaError turns down the input's columns.
func SchemaError(text string) error { return &Error{BadSchema, text} }

// statusOf gives the status of err; plainly is that of an error without one.
func statusOf(err error, plainly Status) Status {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return plainly
}

// panicText says what a panic was about.
func panicText(v any) string {
	switch x := v.(type) {
	case error:
		return "panic: " + x.Error()
	case string:
		return "panic: " + x
	}
	return "panic"
}
