package bench

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/featurehost/featurehost/host"
)

// TestIntervals_SparseHistories_UnionIsTheScan draws histories in which keys
// are born, fall silent for longer than any window, and come back with events
// whose features are those of no event at all, where only what came before
// tells whether there is a row. The runs over parts of the time, in order or
// not, behind a full run or not, make the rows of a scan of everything.
// FEATUREHOST_ROUNDS and FEATUREHOST_SEED are as above.
// Rules: S-509, S-512, S-1103..S-1107, S-1603.
func TestIntervals_SparseHistories_UnionIsTheScan(t *testing.T) {
	rounds, first := setting(t, "FEATUREHOST_ROUNDS", 40), setting(t, "FEATUREHOST_SEED", 1)
	if testing.Short() {
		rounds = min(rounds, 10)
	}
	ways := map[string]int{}
	for i := range rounds {
		seed := uint64(first + i)
		if !t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { sparseRound(t, seed, ways) }) {
			return
		}
	}
	if rounds >= 40 {
		for _, way := range []string{"", "stored rows", "all rows"} {
			if ways[way] == 0 {
				t.Errorf("no run was told by %q: the histories draw too little (%v)", way, ways)
			}
		}
	}
}

// sparse draws a pipeline over mostly null values and its events.
func sparse(r *rand.Rand) (*pipeline, []event) {
	day := int64(day)
	p := &pipeline{
		incremental: true, deduplicate: r.IntN(4) > 0, withData: r.IntN(6) == 0, nullKeys: r.IntN(3) == 0, format: "parquet",
		keys: [][]string{{"kb"}, {"ks"}, {"kb", "ks"}}[r.IntN(3)], first: 19723,
	}
	slides := []span{{1, "day", day}, {1, "day", day}, {2, "day", 2 * day}, {12, "hour", 12 * 3600e6}, {6, "hour", 6 * 3600e6}, {1, "week", 7 * day}}
	p.slide = slides[r.IntN(len(slides))]
	p.slideText = p.slide.String()
	taken := map[int64]bool{}
	for range 1 + r.IntN(2) {
		s := span{p.slide.n * (1 + int64(r.IntN(4))), p.slide.unit, 0}
		s.micros = s.n * (p.slide.micros / p.slide.n)
		if !taken[s.micros] {
			taken[s.micros] = true
			p.windows = append(p.windows, s)
		}
	}
	pick := []aggregate{{name: "sum"}, {name: "max"}, {name: "count"}, {name: "last"}}[r.IntN(4)]
	p.features = []feature{{name: "x", from: "b", aggregates: []aggregate{pick}}}
	days := int64(20 + r.IntN(60))
	end := p.first + days
	p.end = &end
	for range 1 + r.IntN(5) {
		p.cuts = append(p.cuts, p.first+1+r.Int64N(days))
	}
	slices.Sort(p.cuts)
	p.cuts = slices.Compact(p.cuts)
	var out []event
	for range 5 + r.IntN(60) {
		e := event{"ts": (p.first+r.Int64N(days))*day + r.Int64N(day), "kb": int64(r.IntN(12)), "ks": string(rune('a' + r.IntN(4)))}
		if r.IntN(4) == 0 { // midnight itself
			e["ts"] = floorDiv(e["ts"].(int64), day) * day
		}
		if r.IntN(12) == 0 {
			e[p.keys[0]] = nil
		}
		if r.IntN(5) == 0 {
			e["b"] = int64(r.IntN(2))
		}
		out = append(out, e)
	}
	return p, out
}

func sparseRound(t *testing.T, seed uint64, ways map[string]int) {
	r := rand.New(rand.NewPCG(seed, 41))
	p, events := sparse(r)
	k := knobs{[]int{1, 7, 8192}[r.IntN(3)], 1 + r.IntN(3), 1 + r.IntN(3), []int{3, 100000}[r.IntN(2)]}
	dir := t.TempDir()
	write(t, dir, p, events, k)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%+v\n%s", p, p.text("parts", k))
		}
	})
	run := func(start, end *int64) outcome {
		report := execute(t, dir, "parts", p, k, start, end)
		o := p.oracle(read(t, events, report), start, end)
		o.rows = p.oracle(events, start, end).rows
		checkReport(t, report, o, p, events)
		ways[way(report)]++
		return o
	}
	starts := append([]int64{p.first}, p.cuts...)
	order := r.Perm(len(starts))
	if r.IntN(2) == 0 {
		slices.Sort(order)
	}
	parts := map[int][]made{}
	if r.IntN(2) == 0 {
		last := starts[1] - 1
		parts[0] = run(nil, &last).rows
		order = slices.DeleteFunc(order, func(i int) bool { return i == 0 })
	}
	for _, i := range order {
		end := p.end
		if i+1 < len(starts) {
			e := starts[i+1] - 1
			end = &e
		}
		parts[i] = run(&starts[i], end).rows
	}
	checkTables(t, dir, "parts", p, p.oracle(events, nil, p.end).rows, latest(p, slices.Collect(maps.Values(parts))))
}

func way(r *host.Report) string {
	if r.Reread == nil {
		return ""
	}
	return r.Reread.From
}
