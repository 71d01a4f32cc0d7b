// Package plugin_failures holds the test of the example: the way of its README,
// gone by run.sh.
package plugin_failures //nolint:revive // named as the folder is
