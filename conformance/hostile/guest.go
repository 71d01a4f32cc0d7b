package hostile

import (
	_ "embed"
	"fmt"

	"github.com/featurehost/featurehost/abi"
)

// When says at what moment a plugin does its misdeed.
type When int

// The moments, in order; those after AtBatch are of programs.
const (
	AtLoad     When = iota // what lies in its file or folder is wrong
	AtOpen                 // it is started and bound
	AtBatch                // it serves batches, but for those whose first value is 13
	AfterBatch             // it answers such a batch as it should, and strikes behind it
	AtFlush                // it is keyed, and asked for what it has kept
	AtClose                // it is asked to end; what the host then does is in its log
)

// Guest is a module that does one thing wrong.
type Guest struct {
	Name string // of the misdeed
	When When
	Code int // of package abi or abi/cdata, in which it must end; 0 when the host copes and the rows are right
	Or   int // another code it may end in, or 0
	Kind abi.Kind
	// Mode is that of the program in C; "" for a module made by hand.
	Mode string
	// Output is the manifest's output; "" leaves the columns to the guest.
	Output string

	made func() []byte
}

//go:embed guests/hostile.wasm
var guestProgram []byte

// GuestProgram is guests/hostile.c, compiled, without a manifest.
func GuestProgram() []byte { return guestProgram }

// Wasm gives the guest as a file, with its manifest.
func (g Guest) Wasm() ([]byte, error) {
	if g.made != nil {
		return g.made(), nil
	}
	return abi.Pack(guestProgram, Manifest(g.Kind, g.Output))
}

// Config is the stage's, by which the program knows its mode.
func (g Guest) Config() map[string]any {
	if g.Mode == "" {
		return map[string]any{}
	}
	return map[string]any{"mode": g.Mode}
}

// Manifest of a plugin that reads column x, a float64. output "" leaves the
// columns to the plugin.
func Manifest(kind abi.Kind, output string) []byte {
	if output == "" {
		output = `{"mode":"init"}`
	}
	return fmt.Appendf(nil, `{"abi":"1.0","name":"hostile","version":"1.0.0","kind":%q,
		"input":{"columns":[{"name":"x","type":"float64","nullable":true}]},"output":%s,
		"config_schema":{"type":"object","properties":{"mode":{"type":"string","default":"good"}},"additionalProperties":false},
		"stateful":%t,"deterministic":true}`, kind, output, kind == abi.Keyed)
}
