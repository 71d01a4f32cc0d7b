//go:build !wasip1

package sdk

// hostLog is silent outside a host.
func hostLog(Level, string) {}
