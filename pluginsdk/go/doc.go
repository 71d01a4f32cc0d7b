// Package sdk writes featurehost plugins in Go.
//
// A plugin is one function over columns and a manifest that says which
// columns it takes and makes. The whole of one:
//
//	package main
//
//	import sdk "github.com/featurehost/featurehost/pluginsdk/go"
//
//	type Config struct {
//		Factor float64 `json:"factor"`
//	}
//
//	func scale(cfg *Config, in sdk.Batch, out *sdk.Builder) error {
//		x, y := in.Float64("x"), out.Float64("y")
//		for i := range in.Rows() {
//			if x.IsNull(i) {
//				y.SetNull(i)
//				continue
//			}
//			y.Set(i, x.Value(i)*cfg.Factor)
//		}
//		return nil
//	}
//
//	var _ = sdk.Map(scale, sdk.Field{Name: "y", Type: "float64", Nullable: true})
//
//	func main() {}
//
// Build it with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o x.wasm .
//	featurehost plugin pack x.wasm manifest.json
//
// The plugin is registered from a package variable (or an init function),
// since main never runs in a module of this kind.
//
// A plugin that keeps what it knows of a key between batches is a Keyed.
//
//   - G1: a column view and a builder are valid until the function returns.
//     Keep copies, never views: the memory is used again for the next batch.
//     Take and Make of a keyed plugin end the columns asked for before.
//   - G2: input is read-only.
//   - G3: what the function makes is decided by its configuration and its
//     input rows alone. The clock stands still and random numbers repeat.
//   - G4: a misspelt column is found when the plugin is loaded: the function
//     is called once with a batch of no rows before the first real one.
//
// The sandbox has no files, environment or network, and a module that merely
// imports them is refused. So packages fmt, os, time, embed and encoding/json
// cannot be linked into a plugin; strconv, strings, math, sort, unicode and errors
// can. Test the function natively with package sdktest.
package sdk
