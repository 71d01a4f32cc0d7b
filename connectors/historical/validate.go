package historical

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/abi/schema"
	"github.com/featurehost/featurehost/connectors/historical/colfile"
	"github.com/featurehost/featurehost/host/fault"
)

// checkTable compares the stored table with the rows to come (S-1204): every
// stored file on disk, since days written long ago may lack newer columns, and
// those written first and last on S3, where each costs a request.
func (s *Sink) checkTable(ctx context.Context) error {
	table := tableKey(s.run.Entity, s.run.Set)
	at, err := s.look(ctx, table)
	if err != nil {
		return s.failed(err)
	}
	days, loose, err := listDays(ctx, at, table)
	if err != nil {
		return s.failed(err)
	}
	switch {
	case loose && s.layout == partitioned:
		return fault.New(LayoutChange, "the table holds Parquet files directly: it was written with layout \"flat\"").At("%s", s.name(table))
	case len(days) > 0 && s.layout == flat:
		return fault.New(LayoutChange, "the table has %d day folders: it was written with layout \"partitioned\"", len(days)).At("%s", s.name(table))
	}
	var files []string
	if l, ok := at.(*listing); ok {
		files = l.extremes()
	} else if files, err = s.storedFiles(ctx, table, days); err != nil {
		return s.failed(err)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, s.env.Workers))
	problems := make([]error, len(files))
	for i, key := range files {
		g.Go(func() error {
			if gctx.Err() != nil {
				return gctx.Err()
			}
			problems[i] = s.checkFile(gctx, key)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, err := range problems { // the first in order of days, not of time
		if err != nil {
			return err
		}
	}
	return nil
}

// storedFiles are the Parquet files that a reader of the table would open.
func (s *Sink) storedFiles(ctx context.Context, table string, days []storedDay) ([]string, error) {
	folders := []string{table}
	if s.layout == partitioned {
		folders = folders[:0]
		for _, d := range days {
			folders = append(folders, table+"/"+d.path)
		}
	}
	var out []string
	for _, f := range folders {
		names, err := s.store.ReadDir(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if strings.HasSuffix(n, ".parquet") && n[0] != '.' && n[0] != '_' {
				out = append(out, f+"/"+n)
			}
		}
	}
	return out, nil
}

// checkFile compares one stored file with the rows to come.
func (s *Sink) checkFile(ctx context.Context, key string) error {
	path := s.name(key)
	footer, err := s.footer(ctx, key)
	if f := fault.As(err); f != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // the server's, not the file's
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another run cleared its day meanwhile
	}
	if err != nil {
		return fault.Wrap(err, SchemaChange, "the stored file cannot be read").At("%s", path).
			WithHint("move it out of the table, then compute its day again")
	}
	for _, f := range footer.Schema.Fields() {
		at := s.schema.FieldIndices(f.Name)
		if len(at) == 0 {
			return fault.New(SchemaChange, "column %q is in the table but not in the feature set", f.Name).At("%s", path).
				WithHint("keep the feature, or write to a new path")
		}
		if was, is := schema.TypeName(plain(f.Type)), schema.TypeName(plain(s.schema.Field(at[0]).Type)); was != is {
			return fault.New(SchemaChange, "column %q is %s in the table and %s in the feature set", f.Name, was, is).At("%s", path).
				WithHint("keep the type, or give the feature a new name")
		}
	}
	return nil
}

// footer reads the footer of a stored file.
func (s *Sink) footer(ctx context.Context, key string) (*colfile.Footer, error) {
	if s.remote != nil {
		return s.remoteFooter(ctx, key)
	}
	return colfile.ReadFooter(s.store.Path(key))
}

// plain removes what Parquet does not keep of a type.
func plain(t arrow.DataType) arrow.DataType {
	if l, ok := t.(*arrow.ListType); ok {
		return arrow.ListOf(l.Elem())
	}
	return t
}

// checkFiles compares the footers of the new files with the rows that were
// written to them (S-1205).
func (s *Sink) checkFiles(days []*dayWriter) error {
	var wrote, found int64
	for _, d := range days {
		footer, err := colfile.ReadFooter(s.store.Path(d.key))
		if err != nil {
			return fault.Wrap(err, RowsLost, "a new file cannot be read back").At("%s", s.store.Path(d.key))
		}
		wrote += d.file.Rows()
		found += footer.Rows
		if s.cfg.ValidationThreshold == 0 && footer.Rows != d.file.Rows() {
			return fault.New(RowsLost, "the footer counts %d rows, %d were written", footer.Rows, d.file.Rows()).At("%s", s.store.Path(d.key))
		}
	}
	if gap := float64(abs(found - wrote)); gap > s.cfg.ValidationThreshold*float64(wrote) {
		return fault.New(RowsLost, "the footers count %d rows, %d were written", found, wrote).At("%s", s.store.Path(s.pending))
	}
	return nil
}

func abs(n int64) int64 { return max(n, -n) }
