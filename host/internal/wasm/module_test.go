package wasm

import (
	"testing"

	"github.com/featurehost/featurehost/abi"
)

const plainManifest = `{"abi":"1.0","name":"bare","version":"1.0.0","kind":"map",
	"input":{"columns":[{"name":"x","type":"float64","nullable":true}]},"output":{"mode":"init"},
	"config_schema":{"type":"object"},"stateful":false,"deterministic":true}`

func packed(t testing.TB, wasm []byte, manifest string) []byte {
	t.Helper()
	w, err := abi.Pack(wasm, []byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	return w
}
