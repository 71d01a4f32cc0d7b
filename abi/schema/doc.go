// Package schema names Arrow types as users write them (bigint, array<string>,
// decimal(10,2)), and compares schemas. It knows nothing of TOML.
package schema
