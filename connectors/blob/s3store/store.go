package s3store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

// Store keeps objects below a prefix of a bucket. It is a blob.Store, safe for
// use by several goroutines and processes.
type Store struct {
	client *client
	bucket string
	prefix string // "" or ends with a slash
	once   sync.Once
}

var _ blob.Store = (*Store)(nil)

// Entry describes an object that was listed.
type Entry struct {
	Key      string // below the store's prefix
	Size     int64
	Modified time.Time
	ETag     string
}

// Path names an object to people, as in s3://bucket/prefix/key; "" is the
// store itself.
func (s *Store) Path(key string) string {
	return "s3://" + strings.TrimSuffix(s.bucket+"/"+s.prefix+key, "/")
}

// Close gives the connections back when nobody else needs them.
func (s *Store) Close() error {
	s.once.Do(func() { s.client.hold(-1) })
	return nil
}

// announce tells the hook of a request that changes something.
func (s *Store) announce(op blob.Op) error {
	if h := s.client.options.Hook; h != nil {
		return h(op)
	}
	return nil
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return nil, err
	}
	var data []byte
	err = s.tries(ctx, func() error {
		out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + key)})
		if err != nil {
			return final{err}
		}
		defer out.Body.Close()
		data, err = io.ReadAll(out.Body)
		if err == nil && out.ContentLength != nil && int64(len(data)) != *out.ContentLength {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	return data, s.failed("read", key, err)
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	out, err := s.head(ctx, key)
	if err != nil {
		return blob.Info{}, err
	}
	return blob.Info{Key: key, Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified)}, nil
}

// Meta gives the user metadata of an object, names in lower case.
func (s *Store) Meta(ctx context.Context, key string) (map[string]string, error) {
	out, err := s.head(ctx, key)
	if err != nil {
		return nil, err
	}
	return lower(out.Metadata), nil
}

func lower(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[strings.ToLower(k)] = v
	}
	return out
}

func (s *Store) head(ctx context.Context, key string) (*s3.HeadObjectOutput, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return nil, err
	}
	out, err := api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + key)})
	if err != nil {
		return nil, s.failed("look at", key, err)
	}
	return out, nil
}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, data []byte) error {
	return s.put(ctx, key, data, "", nil)
}

// mark is the metadata by which a writer knows its object again.
const mark = "featurehost-put"

// PutIfAbsent implements blob.Store. A refusal may be the answer to a second
// try whose first one succeeded unheard: then the object bears our mark.
func (s *Store) PutIfAbsent(ctx context.Context, key string, data []byte) error {
	var unique [16]byte
	rand.Read(unique[:])
	mine := hex.EncodeToString(unique[:])
	pause := 50 * time.Millisecond
	for n := 1; ; n++ {
		err := s.put(ctx, key, data, "*", map[string]string{mark: mine})
		if err == nil {
			return nil
		}
		a := answerOf(err)
		if racing(a) && n < s.client.options.Attempts && ctx.Err() == nil {
			// Another writer is at it: who wins is not known before it has ended.
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			pause = min(2*pause, s.client.options.Pause)
			continue
		}
		if a.status != http.StatusPreconditionFailed {
			return s.failed("write", key, err)
		}
		meta, merr := s.Meta(ctx, key)
		switch {
		case merr == nil && meta[mark] == mine:
			return nil
		case merr != nil && !errors.Is(merr, blob.ErrNotExist):
			return merr
		}
		return fault.Wrap(&cause{"the key is taken", blob.ErrExist}, Refused, "put refused").At("%s", s.Path(key))
	}
}

func (s *Store) put(ctx context.Context, key string, data []byte, ifNoneMatch string, meta map[string]string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	if err := s.announce(blob.Op{Kind: blob.Put, Key: key, Size: len(data)}); err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + key), Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))), Metadata: meta}
	if ifNoneMatch != "" {
		in.IfNoneMatch = &ifNoneMatch
	}
	_, err = api.PutObject(ctx, in)
	if err != nil && ifNoneMatch != "" {
		if a := answerOf(err); a.status == http.StatusPreconditionFailed || a.status == http.StatusConflict {
			return err // the caller tells what it means
		}
	}
	return s.failed("write", key, err)
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	return s.DeleteMany(ctx, []string{key})
}

// most is how many objects S3 deletes with one request.
const most = 1000

// DeleteMany removes objects, a thousand with each request; absent ones are no
// error.
func (s *Store) DeleteMany(ctx context.Context, keys []string) error {
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	for len(keys) > 0 {
		n := min(len(keys), most)
		in := &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Quiet: aws.Bool(true)}}
		for _, k := range keys[:n] {
			if err := s.announce(blob.Op{Kind: blob.Remove, Key: k}); err != nil {
				return err
			}
			in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: aws.String(s.prefix + k)})
		}
		if n == 1 {
			if _, err := api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + keys[0])}); err != nil && !errors.Is(s.failed("delete", keys[0], err), blob.ErrNotExist) {
				return s.failed("delete", keys[0], err)
			}
			return nil
		}
		out, err := api.DeleteObjects(ctx, in)
		if err != nil {
			return s.failed("delete", keys[0], err)
		}
		for _, e := range out.Errors {
			if aws.ToString(e.Code) == "NoSuchKey" {
				continue
			}
			code, key := Refused, strings.TrimPrefix(aws.ToString(e.Key), s.prefix)
			if aws.ToString(e.Code) == "AccessDenied" {
				code = Denied
			}
			return fault.Wrap(&cause{text: s.client.redact(aws.ToString(e.Code) + ": " + aws.ToString(e.Message))}, code, "delete refused").At("%s", s.Path(key))
		}
		keys = keys[n:]
	}
	return nil
}

// DeletePrefix removes all objects below a folder, which ends with a slash, and
// what uploads in parts left there.
func (s *Store) DeletePrefix(ctx context.Context, folder string) error {
	list, err := s.Entries(ctx, folder)
	if err != nil {
		return err
	}
	keys := make([]string, len(list))
	for i, e := range list {
		keys[i] = e.Key
	}
	if err := s.DeleteMany(ctx, keys); err != nil {
		return err
	}
	return s.abortBelow(ctx, folder)
}

// List implements blob.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]blob.Info, error) {
	folder := strings.TrimSuffix(prefix, "/")
	if prefix != "" && folder == prefix {
		return nil, fault.New(blob.BadKey, "prefix %q names no folder: end it with a slash", prefix)
	}
	if folder != "" {
		if err := blob.CheckKey(folder); err != nil {
			return nil, err
		}
	}
	list, err := s.Entries(ctx, prefix)
	var out []blob.Info
	for _, e := range list {
		out = append(out, blob.Info{Key: e.Key, Size: e.Size, Modified: e.Modified})
	}
	return out, err
}

// Entries lists the objects whose key begins with prefix, any text, in
// ascending order of keys. Markers of folders, whose keys end with a slash, are
// left out. It makes a request for each thousand objects.
func (s *Store) Entries(ctx context.Context, prefix string) ([]Entry, error) {
	var out []Entry
	err := s.pages(ctx, prefix, "", func(page *s3.ListObjectsV2Output) {
		for _, o := range page.Contents {
			key := strings.TrimPrefix(aws.ToString(o.Key), s.prefix)
			if key == "" || strings.HasSuffix(key, "/") {
				continue
			}
			out = append(out, Entry{Key: key, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified), ETag: aws.ToString(o.ETag)})
		}
	})
	return out, err
}

// Folders lists what is in a folder, which ends with a slash or is "": the
// folders by name, and the objects.
func (s *Store) Folders(ctx context.Context, folder string) (folders []string, objects []Entry, err error) {
	err = s.pages(ctx, folder, "/", func(page *s3.ListObjectsV2Output) {
		for _, p := range page.CommonPrefixes {
			name := strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), s.prefix+folder), "/")
			if name != "" {
				folders = append(folders, name)
			}
		}
		for _, o := range page.Contents {
			key := strings.TrimPrefix(aws.ToString(o.Key), s.prefix)
			if !strings.HasSuffix(key, "/") && key != "" {
				objects = append(objects, Entry{Key: key, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified), ETag: aws.ToString(o.ETag)})
			}
		}
	})
	return folders, objects, err
}

func (s *Store) pages(ctx context.Context, prefix, delimiter string, f func(*s3.ListObjectsV2Output)) error {
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	below := s.prefix + prefix
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &below}
	if delimiter != "" {
		in.Delimiter = &delimiter
	}
	for {
		page, err := api.ListObjectsV2(ctx, in)
		if err != nil {
			return s.failed("list", prefix, err)
		}
		for _, o := range page.Contents {
			if key := aws.ToString(o.Key); !strings.HasPrefix(key, below) {
				return s.odd(prefix, "asked for keys that begin with %q, the server lists %q", below, key)
			}
		}
		f(page)
		if !aws.ToBool(page.IsTruncated) {
			return nil
		}
		if next := aws.ToString(page.NextContinuationToken); next == "" || next == aws.ToString(in.ContinuationToken) {
			return s.odd(prefix, "the list is cut off and does not go on")
		}
		in.ContinuationToken = page.NextContinuationToken
	}
}

// final is an error that the SDK has tried to cure already.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// tries calls f until it succeeds or fails for good: an answer that breaks off
// in the middle is not the SDK's to repeat.
func (s *Store) tries(ctx context.Context, f func() error) error {
	pause := 50 * time.Millisecond
	for n := 1; ; n++ {
		err := f()
		var end final
		if err == nil || errors.As(err, &end) || fault.As(err) != nil || ctx.Err() != nil || n >= s.client.options.Attempts {
			if ctx.Err() != nil && err != nil {
				return ctx.Err()
			}
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, s.client.options.Pause)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
