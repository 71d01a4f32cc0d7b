// Package pipelinetest runs pipeline tests: files named *_test.toml that hold
// input rows for the readers of a pipeline, and the rows expected at one place
// of it. A test runs the whole pipeline as `featurehost run` does, real files
// and stores included, in a folder of its own.
//
// A test file:
//
//	pipeline = "aircraft_delays.toml"   # beside the test file
//	start = "2024-01-02"                # optional interval, both days in
//	end   = "2024-01-03"
//	env   = { BUCKET = "x" }            # what ${BUCKET} reads
//
//	[[input]]
//	reader  = "events"
//	columns = "id bigint, ts timestamp, v double"
//	rows = '''
//	{"id": 1, "ts": "2024-01-01T10:00:00Z", "v": 2.5}
//	'''                                 # or file = "input.jsonl"
//
//	[expect]
//	at = "historical"                   # historical | online | the name of a sink or a stage
//	tolerance = 1e-9                    # relative, for float and double; 0 = the same bits
//	rows = '''
//	'''                                 # or file = "expected.jsonl", or error = "FH-7001"
//
// No server is asked: stores on servers are embedded ones in a test, topics are
// left out, and readers of servers are given rows.
//
// Rows are compared as a multiset. Timestamps are written 2024-01-01T10:00:00Z,
// dates 2024-01-01, NaN and infinities {"float": "NaN"}.
package pipelinetest
