// Package blobtest makes the operations of a blob store visible and makes
// them fail: a Plan is a blob.Hook that records, fails the n-th operation,
// or stops the world there as kill -9 would; a Durable checks that nothing is
// moved into sight before it is on disk.
package blobtest
