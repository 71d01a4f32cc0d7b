package main

import (
	"slices"

	"github.com/featurehost/featurehost/host/fault"
)

// BadFlag is a command line that cannot be read.
const BadFlag fault.Code = 151

func codes() []fault.Doc {
	return []fault.Doc{{
		Code: BadFlag, Title: "bad flag or argument",
		Explain: "The command line cannot be read: an unknown flag, a value of the wrong form or a missing argument. `featurehost COMMAND -h` shows what it takes.",
	}}
}

// allCodes lists the codes of every room, ascending.
func allCodes() []fault.Doc {
	var out []fault.Doc
	for _, list := range codeLists() {
		out = append(out, list...)
	}
	slices.SortFunc(out, func(a, b fault.Doc) int { return int(a.Code) - int(b.Code) })
	return out
}
