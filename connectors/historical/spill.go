package historical

import (
	"context"
	"os"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
)

// spillFile is the scratch file of a run, beside the files it will go into.
const spillFile = "spill"

// spill is the scratch file for rows of days that hold too few for a row
// group when memory runs short. Rows come key by key, so that a table of many
// days has all of them open at once, each with a small share of the budget.
// The file is made by the first rows put aside and goes when the rows have
// come back, at Prepare; until then whatever removes the pending folder
// removes it too.
type spill struct {
	store *blob.Local
	key   string
	out   blob.File
	in    *os.File
	rows  *colfile.Spill // nil until something was put aside
}

// put puts the rows of a day aside.
func (s *spill) put(ctx context.Context, rows *colfile.Rows, n int) (colfile.Run, error) {
	if s.rows == nil {
		if err := s.open(ctx); err != nil {
			return colfile.Run{}, err
		}
	}
	return s.rows.Put(ctx, rows, n)
}

func (s *spill) open(ctx context.Context) (err error) {
	if s.out, err = s.store.Create(ctx, s.key); err != nil {
		return err
	}
	if s.in, err = os.OpenFile(s.store.Path(s.key), os.O_RDWR, 0); err != nil {
		return err
	}
	// What came back is freed at once: the table and its rows put aside never
	// take the disk twice, and the memory of the one caches the other.
	s.rows = colfile.NewSpill(s.out, s.in, func(at, n int64) { blob.FreeRange(s.in, at, n) })
	return nil
}

// remove ends the file, whose rows have all come back.
func (s *spill) remove(ctx context.Context) error {
	if s.rows == nil {
		return nil
	}
	s.close()
	return s.store.Remove(ctx, s.key)
}

// close lets go of the file. What it holds is scratch: no error matters.
func (s *spill) close() {
	if s.out != nil {
		_ = s.out.Close()
	}
	if s.in != nil {
		_ = s.in.Close()
	}
	s.out, s.in, s.rows = nil, nil, nil
}
