package main

import (
	"slices"

	"github.com/featurehost/featurehost/host/fault"
)

// Codes of the command line.
const (
	// BadFlag is a command line that cannot be read.
	BadFlag fault.Code = 151
	// UnknownSink is a --sink that the pipeline file does not have.
	UnknownSink fault.Code = 240
	// UnreadableSink is a --sink whose store cannot be asked for a vector.
	UnreadableSink fault.Code = 241
)

func codes() []fault.Doc {
	return []fault.Doc{{
		Code: BadFlag, Title: "bad flag or argument",
		Explain: "The command line cannot be read: an unknown flag, a value of the wrong form or a missing argument. `featurehost COMMAND -h` shows what it takes.",
	}, {
		Code: UnknownSink, Title: "unknown sink",
		Explain: "The pipeline file has no sink of the name given by --sink. A sink has the name that `name` in its [[sink]] gives it, or else historical, online, cassandra or kafka. `featurehost plan PIPELINE.toml` lists them.",
	}, {
		Code: UnreadableSink, Title: "sink cannot be read",
		Explain: "The sink given by --sink keeps no vector of each key that could be read: the historical store holds every value over time, and a topic of Kafka is a stream. Name an online sink whose store is local or cassandra.",
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
