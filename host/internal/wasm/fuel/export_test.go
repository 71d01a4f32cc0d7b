package fuel

// MeterBy is Meter with slices of another size: of few units, so that guests step
// aside where they can.
func MeterBy(wasm []byte, slice int64) ([]byte, error) { return meter(wasm, slice) }
