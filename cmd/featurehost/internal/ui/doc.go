// Package ui draws what commands have to say: tables, the run summary, live
// progress. It decides nothing.
package ui
