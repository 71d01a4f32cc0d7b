// Package binary reads the binary format of WebAssembly 2.0
// (https://www.w3.org/TR/wasm-core-2/#binary-format): its numbers, types and
// instructions, as strictly as an engine does, so that whoever reads on behind
// one of them reads what the engine will read. It knows nothing of hosts or
// fuel, and does not validate: that a stack has what an instruction takes, or
// that an index names something, is for others to see.
package binary
