package table

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/connectors/file"
	"github.com/featurehost/featurehost/host/flow"
)

var _ flow.Estimator = (*Reader)(nil)

// listings is how many partitions are listed at once.
const listings = 16

// Estimate implements flow.Estimator: it chooses partitions as a read does, and
// lists their files. How many rows they hold is not told: the footers of all of
// them would have to be read for it.
func (r *Reader) Estimate(ctx context.Context, q flow.Request) (st flow.ReadStats, err error) {
	if _, err := r.Schema(ctx); err != nil {
		return st, err
	}
	if err := r.CheckDays(); err != nil {
		return st, err
	}
	x := &read{formats: map[string]*file.Listed{}, end: func() {}}
	if x.partitions, x.names, err = r.choose(ctx, q.Interval); err != nil {
		return st, placed(r.cfg, err)
	}
	defer func() {
		if cerr := x.close(); err == nil {
			err = cerr
		}
	}()
	st.Rows = -1
	for len(x.partitions)+len(x.names) > 0 {
		if len(x.partitions) == 0 {
			if err := r.ask(ctx, x, x.page()); err != nil {
				return st, placed(r.cfg, err)
			}
		}
		if err := r.measure(ctx, x, &st); err != nil {
			return st, placed(r.cfg, err)
		}
		x.partitions = nil
	}
	return st, nil
}

// measure adds the files of the partitions at hand.
func (r *Reader) measure(ctx context.Context, x *read, st *flow.ReadStats) error {
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listings)
	for _, p := range x.partitions {
		place, err := placeOf(r.about(p), p.sd.Location)
		if err != nil {
			return err
		}
		listed, err := r.listedOf(x, p.sd)
		if err != nil {
			return err
		}
		g.Go(func() error {
			files, err := listed.Files(gctx, place)
			for _, f := range files {
				n, berr := f.Bytes()
				if berr != nil {
					return berr
				}
				mu.Lock()
				st.Objects, st.Bytes = st.Objects+1, st.Bytes+n
				mu.Unlock()
			}
			return err
		})
	}
	return g.Wait()
}
