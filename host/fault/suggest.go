package fault

import "strings"

// Suggest returns the name of candidates closest to got, or "" when none is
// near enough to be worth saying: half the letters must be right. The answer does
// not depend on the order of candidates: the smallest edit distance wins, then
// the smaller name.
func Suggest(got string, candidates []string) string {
	limit := min(len(got)/3+1, len(got)/2, 3)
	best, bestDistance := "", limit+1
	for _, c := range candidates {
		d := distance(strings.ToLower(got), strings.ToLower(c), limit)
		if d < bestDistance || (d == bestDistance && d <= limit && c < best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance is the edit distance in which swapping two neighbours costs one
// (optimal string alignment), or limit+1 when it is larger than limit.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	var before []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(b)]
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
