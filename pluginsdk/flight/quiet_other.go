//go:build !unix

package flight

import "os"

// quiet points what Go prints at standard error.
func quiet() error {
	os.Stdout = os.Stderr
	return nil
}
