package contract

import "github.com/featurehost/featurehost/host/flow"

// Where says in a message which rows a failure is about: one of them is at fault,
// or all together.
func Where(in flow.Batch) string {
	if rows := in.Position.Rows(in.Rows()); rows != "" {
		return ", " + rows
	}
	return ""
}
