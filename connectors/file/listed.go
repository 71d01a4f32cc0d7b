package file

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
	"github.com/featurehost/featurehost/host/parts"
)

// Listed opens stored files one by one, for a reader that learns of them from
// elsewhere: a Hive table's partitions. Its files may differ in their columns,
// and the names of their folders mean nothing here.
type Listed struct {
	cfg  config.Reader
	at   parts.Place
	env  flow.Env
	pool *s3store.Pool

	mu     sync.Mutex
	stores map[string]*s3store.Store // by bucket
}

// ListedFile is a file that a Listed has found.
type ListedFile struct {
	Path   string
	object object
	bucket string
}

// Bytes is the size of the file.
func (f ListedFile) Bytes() (int64, error) { return textBytes(f.object) }

// NewListed makes one, which is safe for use by several goroutines. Of cfg it takes ID, Format, Schema, CSV and S3.
func NewListed(cfg config.Reader, at parts.Place, env flow.Env, pool *s3store.Pool) (*Listed, error) {
	if _, err := newReader(cfg, at, env, pool); err != nil {
		return nil, err
	}
	return &Listed{cfg: cfg, at: at, env: env, pool: pool, stores: map[string]*s3store.Store{}}, nil
}

// Files lists the files at a place, an absolute path or s3://bucket/key, in
// the order of their names. A place where nothing is has none.
func (l *Listed) Files(ctx context.Context, place string) ([]ListedFile, error) {
	if s3store.Is(place) {
		bucket, key, err := s3store.Split(place)
		if err != nil {
			return nil, err
		}
		store, err := l.store(bucket)
		if err != nil {
			return nil, err
		}
		folder := strings.TrimSuffix(key, "/")
		if folder != "" {
			folder += "/"
		}
		// Not by findRemote: a character of the place is no pattern.
		all, err := store.Entries(ctx, folder)
		if err != nil {
			return nil, err
		}
		var found []s3store.Entry
		for _, e := range all {
			if !hiddenBelow(strings.TrimPrefix(e.Key, folder)) {
				found = append(found, e)
			}
		}
		return listed(remoteObjects(found, store), bucket), nil
	}
	list, err := findFolder(place, "")
	if fault.Is(err, Missing) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return listed(list, ""), err
}

// store gives the store of a bucket.
func (l *Listed) store(bucket string) (*s3store.Store, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.stores[bucket]; s != nil {
		return s, nil
	}
	s, err := l.pool.Open("s3://"+bucket, l.cfg.S3)
	if err == nil {
		l.stores[bucket] = s
	}
	return s, err
}

func listed(list []object, bucket string) []ListedFile {
	out := make([]ListedFile, len(list))
	for i, o := range list {
		o.partitions = nil
		out[i] = ListedFile{o.path, o, bucket}
	}
	return out
}

// Open makes a reader of one file, whose columns are the file's own. in, which
// may be nil, leaves rows out by one of them.
func (l *Listed) Open(ctx context.Context, f ListedFile, in *config.Incremental) (_ flow.Reader, err error) {
	made, err := newReader(l.cfg, l.at, l.env, l.pool)
	if err != nil {
		return nil, err
	}
	r := made.(*Reader)
	r.cfg.Path, r.cfg.Incremental, r.list = f.Path, in, []object{f.object}
	if f.bucket != "" {
		if r.remote, err = l.pool.Open("s3://"+f.bucket, l.cfg.S3); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			_ = r.Close() // err says what went wrong
		}
	}()
	switch l.cfg.Format {
	case "parquet":
		r.fields, err = r.storedFields(ctx, f.object)
	case "avro":
		r.fields, err = r.avroFields(ctx, f.object)
	default:
		r.fields, err = r.textFields(ctx, r.list)
	}
	if err != nil {
		return nil, r.placed(err)
	}
	r.schema = arrow.NewSchema(r.fields, nil)
	return r, nil
}

// Close gives the connections back.
func (l *Listed) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for bucket, s := range l.stores {
		if err := s.Close(); err != nil {
			return err
		}
		delete(l.stores, bucket)
	}
	return nil
}
