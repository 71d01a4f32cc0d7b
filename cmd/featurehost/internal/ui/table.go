package ui

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table prints rows under headings, columns aligned; a column whose cells are
// all numbers is aligned to the right.
func Table(w io.Writer, headings []string, rows [][]string) {
	width := make([]int, len(headings))
	right := make([]bool, len(headings))
	for i, h := range headings {
		width[i] = utf8.RuneCountInString(h)
		right[i] = len(rows) > 0
		for _, r := range rows {
			width[i] = max(width[i], utf8.RuneCountInString(r[i]))
			right[i] = right[i] && numeric(r[i])
		}
	}
	line := func(cells []string) {
		var b strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i > 0 {
				b.WriteString("  ")
			}
			if right[i] {
				b.WriteString(pad + c)
			} else {
				b.WriteString(c + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	if len(headings) > 0 && strings.Join(headings, "") != "" {
		line(headings)
	}
	for _, r := range rows {
		line(r)
	}
}

func numeric(s string) bool {
	return s == "" || s == "null" || strings.Trim(s, "0123456789,.-+e%") == ""
}

// Count prints 1234567 as 1,234,567.
func Count(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Seconds prints a length of time: 10 s, 0.5 s.
func Seconds(s float64) string { return strconv.FormatFloat(s, 'f', -1, 64) + " s" }

// Bytes prints a size in binary units.
func Bytes(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f /= 1024
		u++
	}
	if u == 0 || f == float64(int64(f)) {
		return fmt.Sprintf("%d %s", int64(f), units[u])
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}
