// Package servertest lends real servers to tests: an S3 server, Kafka,
// Cassandra, the Hive metastore 3.1.3 and Hive 4.0.1.
//
// Its one idea: the servers are started once, by `make services-up` or by
// `make test`, and every test of every package shares them. A test therefore
// names what it makes by [Name] and looks at nothing else. A test that stops,
// freezes or kills a server starts its own instance with [Own].
//
// Where the servers are is told by the environment, see [Variables]. Without
// them a test is skipped and says why; with FEATUREHOST_REQUIRE_ALL=1 it fails.
// Under -short, which the race detector's step and `make check` use, tests that
// need servers are always skipped: they run once, in `make test`.
//
// Invariants: NothingLeft (what a test made and what it started is gone when it
// ends) and OnlyOurs (a process is signalled only after its environment has
// shown that this package started it).
//
// It is for tests only; nothing in production imports it.
package servertest
