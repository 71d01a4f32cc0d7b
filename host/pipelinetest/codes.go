package pipelinetest

import "github.com/featurehost/featurehost/host/fault"

// Codes of this room.
const (
	TestFile fault.Code = 150
)

// Codes explains the codes of this room.
func Codes() []fault.Doc {
	return []fault.Doc{
		{Code: TestFile, Title: "bad pipeline test file", Explain: "A *_test.toml file, or rows it names, cannot be read or lacks a key. The message names the file and the key; docs/testing.md shows a whole test."},
	}
}
