package canonical

import (
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// ByName gives the numbers of all columns of s in byte order of their names,
// which is the order that the canonical bytes of a whole row take them in.
func ByName(s *arrow.Schema) []int {
	out := make([]int, s.NumFields())
	for i := range out {
		out[i] = i
	}
	slices.SortStableFunc(out, func(a, b int) int {
		return strings.Compare(s.Field(a).Name, s.Field(b).Name)
	})
	return out
}
