// Package parts is the list of built-in things a pipeline file may name:
// stages by `use`, readers and sinks by `type`, and how the feature set is
// made. builtins and connectors add to it; main hands it to host. Nothing
// registers itself.
package parts
