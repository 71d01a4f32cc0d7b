package fuel

import "github.com/featurehost/featurehost/host/internal/wasm/binary"

// MaxTable is how many elements all tables of a module may grow to, beside
// those that they begin with: an element takes the host 8 bytes, which the cap
// on memory does not see.
const MaxTable = 1 << 20

// clamp gives a table section whose tables grow no further than their share of
// MaxTable (ABI-W-066). A growth beyond is refused as the guest's own maximum
// would: table.grow answers -1.
func clamp(section []byte) ([]byte, error) {
	c := binary.NewCursor(section)
	n := uint32(c.Count())
	out := appendU32(make([]byte, 0, len(section)+4), n)
	for i := uint32(0); i < n && c.Err() == nil; i++ {
		element, own := c.RefType(), c.Limits()
		least := uint32(own.Min)
		most := max(MaxTable/n, least)
		if own.Capped { // one below least is for the engine to refuse
			most = min(most, uint32(own.Max))
		}
		out = appendU32(append(out, element, 1), least)
		out = appendU32(out, most)
	}
	return out, c.Done()
}
