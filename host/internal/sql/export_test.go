//go:build duckdb_arrow

package sql

import "context"

// Unguarded runs a statement on the locked database without reading its tree
// first.
func Unguarded(e *Engine, text string) error {
	c, err := e.lockedQuery(context.Background())
	if err != nil {
		return err
	}
	defer c.close()
	return c.exec(context.Background(), text)
}
