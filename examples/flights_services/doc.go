// Package flights_services holds the tests of the example: run against the real
// servers, it makes the rows that examples/flights makes from files.
package flights_services
