package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// The picture, in points.
const (
	width, height = 900, 340
	left, right   = 56, 20
	top, bottom   = 48, 40
)

// series is one line of the picture.
type series struct{ column, colour, name string }

// draw writes the departure delays of an aircraft as steps: a value holds
// until the next row.
func draw(path, tailnum string, rows []row) error {
	lines := []series{
		{"dep_delay__avg_over_7_days_rolling_windows", "#d95f02", "7 days"},
		{"dep_delay__avg_over_30_days_rolling_windows", "#1b5e9e", "30 days"},
	}
	first := time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(2014, 1, 2, 0, 0, 0, 0, time.UTC)
	low, high := 0.0, 10.0
	for _, r := range rows {
		for _, s := range lines {
			if v, err := strconv.ParseFloat(r.values[s.column], 64); err == nil {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	x := func(t time.Time) float64 {
		return left + (width-left-right)*t.Sub(first).Hours()/last.Sub(first).Hours()
	}
	y := func(v float64) float64 { return top + (height-top-bottom)*(high-v)/(high-low) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="24" font-size="15">Average departure delay of aircraft %s, minutes</text>`+"\n", left, tailnum)
	for v := float64(int(low/20)) * 20; v <= high; v += 20 {
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>`+"\n",
			left, width-right, y(v), y(v), left-8, y(v)+4, v)
	}
	for m := first; m.Before(last); m = m.AddDate(0, 1, 0) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`+"\n", x(m), height-16, m.Format("Jan"))
	}
	for i, s := range lines {
		fmt.Fprintf(&b, `<path fill="none" stroke="%s" stroke-width="1.6" d="%s"/>`+"\n", s.colour, steps(rows, s.column, last, x, y))
		at := width - right - 170 + 90*i
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="20" y2="20" stroke="%s" stroke-width="3"/><text x="%d" y="24">%s</text>`+"\n", at, at+20, s.colour, at+26, s.name)
	}
	b.WriteString("</svg>\n")
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// steps gives the path of a column; a null ends a line.
func steps(rows []row, column string, last time.Time, x func(time.Time) float64, y func(float64) float64) string {
	var b strings.Builder
	down := false
	for i, r := range rows {
		v, err := strconv.ParseFloat(r.values[column], 64)
		if err != nil {
			down = false
			continue
		}
		from, to := time.UnixMicro(int64(r.when)).UTC(), last
		if i+1 < len(rows) {
			to = time.UnixMicro(int64(rows[i+1].when)).UTC()
		}
		verb := "L"
		if !down {
			verb = "M"
		}
		fmt.Fprintf(&b, "%s%.1f %.1fL%.1f %.1f", verb, x(from), y(v), x(to), y(v))
		down = true
	}
	return b.String()
}
