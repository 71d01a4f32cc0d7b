//go:build !linux

package launch

// endAll does nothing here: programs watch for the end of their host themselves.
func endAll(string) {}
