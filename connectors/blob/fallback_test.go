package blob

import (
	"errors"
	"testing"
)

// Without the kernel's help a folder moves aside first; a crash in between
// leaves the old one in spare and the new one where it was.
func TestExchange_NotSupported_MovesAside(t *testing.T) {
	for _, crash := range []bool{false, true} {
		moves := 0
		s := NewLocal(t.TempDir(), func(op Op) error {
			if op.Kind == Rename && op.Key != "" {
				if moves++; crash && moves == 2 {
					return errors.New("dead")
				}
			}
			return nil
		})
		s.exchange = func(_, _ string) error { return errors.ErrUnsupported }
		for _, k := range []string{"a/f", "b/f"} {
			f, err := s.Create(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			f.Write([]byte(k))
			f.Close()
		}
		moves = 0
		err := s.Exchange(t.Context(), "a", "b", "spare/x")
		if crash != (err != nil) {
			t.Fatal(err)
		}
		if got, _ := s.Get(t.Context(), "spare/x/f"); string(got) != "b/f" {
			t.Errorf("spare holds %q", got)
		}
		if crash {
			if err := s.Rename(t.Context(), "a", "b"); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := s.Get(t.Context(), "b/f"); string(got) != "a/f" {
			t.Errorf("b holds %q", got)
		}
	}
}
