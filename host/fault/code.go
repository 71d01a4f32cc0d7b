package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// Code is the stable number of an error. It is never reused or renumbered.
type Code int

// String gives the code as users see it, for example FH-0103.
func (c Code) String() string { return fmt.Sprintf("FH-%04d", int(c)) }

// ParseCode reads "FH-0103", "fh-103" or "103".
func ParseCode(s string) (Code, error) {
	t := strings.TrimSpace(s)
	if len(t) > 3 && strings.EqualFold(t[:3], "FH-") {
		t = t[3:]
	}
	n, err := strconv.Atoi(t)
	if err != nil || n <= 0 || n > 9999 {
		return 0, fmt.Errorf("%q is no error code: write it as FH-0103", s)
	}
	return Code(n), nil
}

// Class says whose turn it is to act, and with which status a command exits.
type Class int

// The classes, in the order of their exit status.
const (
	Data   Class = 1 // something after the first row: a bad row, a corrupt file, a trap
	Usage  Class = 2 // the pipeline file, a flag, a plugin refused at load, a named file that is missing
	System Class = 3 // a server, a permission, a full disk, an interval held by another run
)

// Class of a code; see the package comment for the rule.
func (c Code) Class() Class {
	switch hundred := int(c) / 100; {
	case hundred == 1, hundred == 2, hundred == 10, hundred == 20:
		return Usage
	case hundred == 76:
		return serverClass(int(c))
	case hundred >= 80:
		return System
	case hundred == 70, hundred == 71, hundred == 75:
		switch r := int(c) % 100; {
		case r < 30:
			return Usage
		case r < 70:
			return Data
		default:
			return System
		}
	default:
		return Data
	}
}

// serverClass is the class of the codes of rooms that talk to servers: each has
// a few codes of each class, in that order.
func serverClass(code int) Class {
	ends := []struct {
		code  int // the first that is no longer of the class
		class Class
	}{
		{7602, Usage}, {7610, System}, // S3
		{7615, Usage}, {7620, Data}, // Avro
		{7630, Usage}, {7640, Data}, {7650, System}, // Kafka
		{7659, Usage}, {7662, Data}, {7670, System}, // Cassandra
		{7672, System}, {7674, Usage}, {7675, System}, {7680, Usage}, {7682, System}, {7683, Data}, {7685, Usage}, // Hive
		{7690, Usage}, {7691, Data}, {7693, Usage}, {7700, Data}, // tables
	}
	for _, e := range ends {
		if code < e.code {
			return e.class
		}
	}
	return System
}

// Doc explains a code: what it means and what to do. Each room returns its
// own list from a function Codes, which feeds `featurehost explain` and the
// reference page.
type Doc struct {
	Code    Code
	Title   string // a few words, lower case: "unknown key"
	Explain string // one or more sentences: what it means, then what to do
}
