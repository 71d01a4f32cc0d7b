package cdata

import (
	"math/rand/v2"
	"testing"

	"github.com/featurehost/featurehost/host/fault"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// FuzzImport: whatever a guest writes, an import answers a valid record or an
// error with a code, and copies no more than the cap (C1, C2, C3). Its seeds
// are the malformed batches of TestImport_Malformed_CodeOfItsCheck.
func FuzzImport(f *testing.F) {
	for i := range uint8(len(everyType()) + 2) {
		f.Add(i, int64(-1), []byte(goodImage(f, i)))
	}
	f.Fuzz(func(t *testing.T, number uint8, rows int64, mem []byte) {
		_ = importImage(t, number, mem, rows)
	})
}

// FuzzImportSchema: a schema is refused with a code, or can be used.
func FuzzImportSchema(f *testing.F) {
	f.Fuzz(func(t *testing.T, mem []byte) {
		s, err := ImportSchema(mem, base)
		if err != nil {
			if e := fault.As(err); e == nil || e.Code != 2003 && (e.Code < 4002 || e.Code > 4008) {
				t.Fatalf("error without a code of this room: %v", err)
			}
			return
		}
		if _, err := NewImporter(s, ImportLimits{}); err != nil {
			t.Fatalf("the schema passed but cannot be imported: %v", err)
		}
		out := make([]byte, base+SchemaSize(s))
		ptr, err := WriteSchema(out, base, s)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ImportSchema(out, ptr); err != nil || !again.Equal(s) {
			t.Fatalf("%v came back as %v, %v", s, again, err)
		}
	})
}
