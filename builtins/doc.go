// Package builtins puts the stages and the feature set that featurehost
// brings along into a catalog. The rooms below it do the work.
package builtins
