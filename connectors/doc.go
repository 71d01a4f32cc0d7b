// Package connectors names the readers and sinks that this build holds. Each
// lives in a room of its own; this one only registers them.
package connectors
