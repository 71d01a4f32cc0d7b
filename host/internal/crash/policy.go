package crash

import (
	"github.com/featurehost/featurehost/abi"
	"github.com/featurehost/featurehost/host/fault"
)

// Policy is what a stage does about rows that its plugin fails on.
type Policy int

// The policies.
const (
	Fail       Policy = iota // the run fails
	DeadLetter               // the rows at fault go to the dead letter
	Skip                     // the rows at fault are left out and counted
)

// mostPoison is how many rows of one batch are found one by one. Behind them
// the rest of the batch is rejected untried: each costs a crash or two for every
// halving.
const mostPoison = 16

// mostLate is how many tries of one batch may run out of time before the search
// for the rows at fault is given up: one row that hangs takes about that many.
const mostLate = 40

// overtime tells whether a try ended because its time was over.
func overtime(err error) bool {
	return fault.Is(err, abi.CodeTimeout) || fault.Is(err, abi.CodeDeadline)
}

// remedy is what may help against a failure.
type remedy int

const (
	none   remedy = iota // not the rows' fault: the run fails
	retry                // a fresh instance may do it
	split                // less at a time may do it
	reject               // the same again for the same rows
)

// remedyFor knows the failures of plugins by their codes (ABI-E-003).
func remedyFor(err error) remedy {
	e := fault.As(err)
	if e == nil {
		return none
	}
	switch code := int(e.Code); code {
	case abi.CodeTrap, abi.CodeTimeout, abi.CodeStack, abi.CodeMisuse,
		abi.CodeExited, abi.CodeDeadline, abi.CodeStream, abi.CodeBadBatch:
		return retry
	case abi.CodeMemory, abi.CodeMessage:
		return split
	case abi.CodeData, abi.CodeFuel:
		return reject
	default:
		if code/100 == 40 { // an answer that is malformed
			return retry
		}
	}
	return none
}
