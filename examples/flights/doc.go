// Package flights holds the tests of the example: its values over the whole
// year against SQL that shares nothing with featurehost's engine.
package flights
