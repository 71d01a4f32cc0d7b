package runs

import "github.com/apache/arrow-go/v18/arrow/array"

// Run is the rows From <= row < To.
type Run struct{ From, To int }

// Of gives the runs of rows whose byte in keep is not 0. It appends to dst.
func Of(dst []Run, keep []byte) []Run {
	n := len(keep)
	for i := 0; i < n; {
		for i < n && keep[i] == 0 {
			i++
		}
		if i == n {
			break
		}
		from := i
		for i < n && keep[i] != 0 {
			i++
		}
		dst = append(dst, Run{from, i})
	}
	return dst
}

// True gives the runs of rows where a is true; null is not. It appends to dst.
func True(dst []Run, a *array.Boolean) []Run {
	n := a.Len()
	nulls := a.NullN() > 0
	from := -1
	for i := range n {
		if a.Value(i) && !(nulls && a.IsNull(i)) {
			if from < 0 {
				from = i
			}
		} else if from >= 0 {
			dst = append(dst, Run{from, i})
			from = -1
		}
	}
	if from >= 0 {
		dst = append(dst, Run{from, n})
	}
	return dst
}

// Rows is how many rows the runs hold.
func Rows(runs []Run) int {
	n := 0
	for _, r := range runs {
		n += r.To - r.From
	}
	return n
}
