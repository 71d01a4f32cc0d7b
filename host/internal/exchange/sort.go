package exchange

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

const (
	// insertionMax rows are sorted by comparing whole chains.
	insertionMax = 16
	// radixMin rows are worth counting digits for.
	radixMin = 512
	// parallelMin rows are worth a second worker.
	parallelMin = 1 << 16
	// checkRows is how many rows may be sorted between looks at the context.
	checkRows = 1 << 14
)

// sorter sorts items column by column: all of them by a prefix of the first
// column, then each run of equals by what comes next.
type sorter struct {
	ctx     context.Context
	table   *table
	stopped bool
	since   int // rows since the last look at ctx
	counts  [8][2048]uint32
}

// sortItems sorts items, with tmp of the same length to work in, on up to
// workers goroutines. The order within rows equal in everything is undefined.
func sortItems(ctx context.Context, t *table, items, tmp []item, workers int) error {
	if len(t.chain) == 0 {
		return ctx.Err()
	}
	p, ok := t.chain[0].(prefixed)
	if workers < 2 || len(items) < parallelMin || !ok {
		s := &sorter{ctx: ctx, table: t}
		s.sort(items, tmp, 0, 0)
		return ctx.Err()
	}
	next, equal := p.prefix(items, 0)
	if equal {
		s := &sorter{ctx: ctx, table: t}
		s.sort(items, tmp, 1, 0)
		return ctx.Err()
	}
	ends := scatter(items, tmp, workers)
	var wg sync.WaitGroup
	from := 0
	for _, end := range ends {
		part, room := tmp[from:end], items[from:end]
		if from = end; len(part) == 0 {
			continue
		}
		wg.Go(func() {
			s := &sorter{ctx: ctx, table: t}
			s.byPrefix(part, room)
			s.runs(part, room, 0, 0, next, p)
			copy(room, part)
		})
	}
	wg.Wait()
	return ctx.Err()
}

// scatter moves items into tmp in as many ranges of k as there are workers,
// about equal in size, and gives the end of each.
func scatter(items, tmp []item, workers int) []int {
	const perWorker = 64
	sample := make([]uint64, 0, perWorker*workers)
	for i := range cap(sample) {
		sample = append(sample, items[i*len(items)/cap(sample)].k)
	}
	slices.Sort(sample)
	cuts := make([]uint64, workers-1) // range i holds k < cuts[i]
	for i := range cuts {
		cuts[i] = sample[(i+1)*perWorker]
	}
	bucket := func(k uint64) int {
		b := 0
		for b < len(cuts) && k >= cuts[b] {
			b++
		}
		return b
	}
	at := make([]int, workers+1)
	for i := range items {
		at[bucket(items[i].k)+1]++
	}
	for i := 1; i <= workers; i++ {
		at[i] += at[i-1]
	}
	for i := range items {
		b := bucket(items[i].k)
		tmp[at[b]] = items[i]
		at[b]++
	}
	return at[:workers]
}

// stop reports whether to give up, looking at the context every so many rows.
func (s *sorter) stop(rows int) bool {
	if s.since += rows; s.since >= checkRows {
		s.since = 0
		s.stopped = s.stopped || s.ctx.Err() != nil
	}
	return s.stopped
}

// sort sorts items that are equal in the chain before level, and in its column
// up to depth.
func (s *sorter) sort(items, tmp []item, level, depth int) {
	for level < len(s.table.chain) && len(items) > 1 && !s.stop(len(items)) {
		if len(items) <= insertionMax {
			s.insertion(items, level)
			return
		}
		p, ok := s.table.chain[level].(prefixed)
		if !ok {
			s.byComparing(items, tmp, level)
			return
		}
		next, equal := p.prefix(items, depth)
		if !equal {
			s.byPrefix(items, tmp)
			k := items[0].k
			if k != items[len(items)-1].k {
				s.runs(items, tmp, level, depth, next, p)
				return
			}
			if equal = p.done(k, depth); !equal {
				depth = next
				continue
			}
		}
		level, depth = level+1, 0
	}
}

// runs sorts on within each run of equal k.
func (s *sorter) runs(items, tmp []item, level, depth, next int, p prefixed) {
	for i := 0; i < len(items); {
		k, j := items[i].k, i+1
		for j < len(items) && items[j].k == k {
			j++
		}
		if j-i > 1 {
			if p.done(k, depth) {
				s.sort(items[i:j], tmp[i:j], level+1, 0)
			} else {
				s.sort(items[i:j], tmp[i:j], level, next)
			}
		}
		i = j
	}
}

// insertion sorts a few items by the chain from level on.
func (s *sorter) insertion(items []item, level int) {
	t := s.table
	for i := 1; i < len(items); i++ {
		id := items[i].id
		j := i
		for j > 0 && t.compare(items[j-1].id, id, level) > 0 {
			items[j].id = items[j-1].id
			j--
		}
		items[j].id = id
	}
}

// byComparing sorts by a column without prefixes, then goes on within equals.
func (s *sorter) byComparing(items, tmp []item, level int) {
	c := s.table.chain[level]
	order := func(a, b item) int {
		if s.stop(1) {
			return 0
		}
		return c.compare(a.id, b.id)
	}
	if !slices.IsSortedFunc(items, order) {
		slices.SortFunc(items, order)
	}
	for i := 0; i < len(items); {
		j := i + 1
		for j < len(items) && c.compare(items[i].id, items[j].id) == 0 {
			j++
		}
		s.sort(items[i:j], tmp[i:j], level+1, 0)
		i = j
	}
}

// byPrefix sorts items by k.
func (s *sorter) byPrefix(items, tmp []item) {
	lo, hi, sorted := items[0].k, items[0].k, true
	for i, last := 1, lo; i < len(items); i++ {
		k := items[i].k
		sorted = sorted && k >= last
		lo, hi, last = min(lo, k), max(hi, k), k
	}
	switch {
	case sorted:
	case len(items) < radixMin:
		slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.k, b.k) })
	default:
		s.radix(items, tmp, lo, digits(lo, hi))
	}
}

// radix sorts items by the low width bits of k, all above being equal, digit
// by digit from the least.
func (s *sorter) radix(items, tmp []item, lo uint64, width int) {
	most := 8
	if len(items) >= parallelMin {
		most = 11
	}
	passes := (width + most - 1) / most
	digit := (width + passes - 1) / passes
	mask := uint64(1)<<digit - 1
	for p := range passes {
		clear(s.counts[p][:mask+1])
	}
	for i := range items {
		k := items[i].k
		for p := range passes {
			s.counts[p][k&mask]++
			k >>= digit
		}
	}
	from, to := items, tmp[:len(items)]
	for p := range passes {
		count := &s.counts[p]
		shift := p * digit
		if count[lo>>shift&mask] == uint32(len(items)) {
			continue // all share this digit
		}
		at := uint32(0)
		for d := range mask + 1 {
			n := count[d]
			count[d] = at
			at += n
		}
		for i := range from {
			d := from[i].k >> shift & mask
			to[count[d]] = from[i]
			count[d]++
		}
		from, to = to, from
		if s.stop(len(items)) {
			break
		}
	}
	if &from[0] != &items[0] {
		copy(items, from)
	}
}
