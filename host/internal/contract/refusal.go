package contract

import (
	"errors"

	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Refusal makes a fault of a code of package abi.
func Refusal(code int, format string, args ...any) *fault.Error {
	return fault.New(fault.Code(code), format, args...)
}

// FromABI turns an error of package abi into a fault.
func FromABI(err error) error {
	var e *abi.Error
	if errors.As(err, &e) {
		return Refusal(e.Code, "%s", e.Message).WithHint("%s", e.Hint)
	}
	return err
}
