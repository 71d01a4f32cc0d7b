// Package host is the public face of featurehost: it takes a pipeline file
// that config read and the parts that main registered, and checks, plans or
// runs it.
//
//	h, err := host.New(file, host.Options{Catalog: catalog})
//	defer h.Close()
//	report, err := h.Run(ctx, host.RunOptions{Interval: interval})
//
// Run is all or nothing for the historical store: rows are prepared aside,
// counted, and published only when every row is accounted for. A run that was
// killed is finished or undone by the next one, which says so in its report.
//
// The package imports neither builtins nor connectors: what a pipeline file
// may name is handed to New.
package host
