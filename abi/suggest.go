package abi

// The same distance is computed in host/fault/suggest.go. This package imports
// the standard library only, so that a plugin's tools can take it by itself,
// and fault is of no use to them: some forty lines are the lesser evil.

// suggest gives the candidate nearest to got, or "" when none is near enough
// to be worth saying. Ties go to the smaller name.
func suggest(got string, candidates []string) string {
	limit := min(len(got)/3+1, 3)
	best, bestAt := "", limit+1
	for _, c := range candidates {
		if len(c) > len(got)+limit || len(got) > len(c)+limit {
			continue
		}
		if d := distance(got, c); d < bestAt || d == bestAt && d <= limit && c < best {
			best, bestAt = c, d
		}
	}
	return best
}

// distance is the number of single-byte edits from a to b, a swap of two
// neighbours counting as one.
func distance(a, b string) int {
	two, one, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range one {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(one[j]+1, row[j-1]+1, one[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], two[j-2]+1)
			}
		}
		two, one, row = one, row, two
	}
	return one[len(b)]
}
