package wasm

import "testing"

// ABI-W-074: a guest's need is learnt from batches that made its memory grow, and
// what was learnt too much is forgotten.
func TestNeed(t *testing.T) {
	const mib = 1 << 20
	type seen struct{ input, before, after int64 }
	for name, c := range map[string]struct {
		seen  []seen
		fails int64 // input of a batch that had no room
		input int64
		most  int64 // of 1000 rows of that input; 0 all
	}{
		"nothing seen":             {nil, 0, 15 * mib, 0},
		"too large at first":       {nil, 0, 42 * mib, 500},
		"a large one":              {[]seen{{15 * mib, mib, 46 * mib}}, 0, 15 * mib, 0},
		"a small one after it":     {[]seen{{15 * mib, mib, 46 * mib}, {mib, 46 * mib, 46 * mib}}, 0, 15 * mib, 0},
		"needs ten times":          {[]seen{{2 * mib, mib, 21 * mib}}, 0, 63 * mib / 5, 500},
		"and no more than it says": {[]seen{{2 * mib, mib, 21 * mib}, {5 * mib, 21 * mib, 21 * mib}}, 0, 63 * mib / 4, 1000},
		"too small to tell":        {[]seen{{mib / 2, mib, 21 * mib}}, 0, 15 * mib, 0},
		"no room":                  {nil, 10 * mib, 10 * mib, 800},
	} {
		var n need
		n.begin(mib, 64*mib, true)
		for _, s := range c.seen {
			n.saw(s.input, s.before, s.after)
		}
		if c.fails > 0 {
			n.failed(c.fails)
		}
		want := c.most
		if want == 0 {
			want = 1000
		}
		if got := n.most(1000, c.input); got < want-1 || got > want+1 {
			t.Errorf("%s: %d rows at once, want %d", name, got, want)
		}
	}
}

// It forgets only where a batch that does not fit is tried again.
func TestNeed_Forgets(t *testing.T) {
	const mib = 1 << 20
	for _, forget := range []bool{true, false} {
		var n need
		n.begin(mib, 64*mib, forget)
		n.saw(mib, mib, 41*mib) // a table that it makes once
		for range 200 {
			n.saw(mib, 41*mib, 41*mib)
		}
		if got := n.most(1000, 15*mib) == 1000; got != forget {
			t.Errorf("forget %t: %d rows at once", forget, n.most(1000, 15*mib))
		}
	}
}
