// Package jsontext writes values as JSON: what the connectors share.
package jsontext
