// Package hosttest holds what the tests of every room share: rows as text,
// a context for stages, leak checks. It does not reach production code.
package hosttest
