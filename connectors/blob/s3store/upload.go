package s3store

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

const (
	// uploadPart is the least size of a part sent; S3 takes 10000 of them.
	uploadPart = 16 << 20
	mostParts  = 10_000
	// cleanup bounds what is done after a failure, when the run's own time is up.
	cleanup = 30 * time.Second
)

// Upload sends a file of this machine as an object, in parts when it is large,
// and tells its size and version. Readers see all of it at once.
func (s *Store) Upload(ctx context.Context, key, path string, meta map[string]string, workers int) (Entry, error) {
	if err := blob.CheckKey(key); err != nil {
		return Entry{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Entry{}, fault.Wrap(err, NotStored, "the file to send cannot be read").At("%s", s.Path(key))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Entry{}, fault.Wrap(err, NotStored, "the file to send cannot be read").At("%s", s.Path(key))
	}
	e := Entry{Key: key, Size: st.Size()}
	if st.Size() >= s.client.options.PutLimit {
		e.ETag, err = s.sendParts(ctx, key, f, st.Size(), meta, workers)
		return e, err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return Entry{}, err
	}
	if err := s.announce(blob.Op{Kind: blob.Put, Key: key, Size: int(st.Size())}); err != nil {
		return Entry{}, err
	}
	out, err := api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: aws.String(s.prefix + key), Body: f, ContentLength: aws.Int64(st.Size()), Metadata: meta,
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err != nil {
		return Entry{}, s.failed("write", key, err)
	}
	e.ETag = aws.ToString(out.ETag)
	return e, nil
}

func (s *Store) sendParts(ctx context.Context, key string, f io.ReaderAt, size int64, meta map[string]string, workers int) (string, error) {
	part := max(uploadPart, (size+mostParts-1)/mostParts)
	return s.inParts(ctx, key, meta, types.ChecksumAlgorithmCrc32, size, part, workers, func(ctx context.Context, api *s3.Client, up *string, n int32, at, size int64) (types.CompletedPart, error) {
		out, err := api.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &s.bucket, Key: aws.String(s.prefix + key), UploadId: up, PartNumber: &n,
			Body: io.NewSectionReader(f, at, size), ContentLength: &size, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		if err != nil {
			return types.CompletedPart{}, err
		}
		return types.CompletedPart{PartNumber: &n, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}, nil
	})
}

// inParts makes an object of parts that one gives; sum is how the parts are
// checked, "" where the server has them already. When that fails nothing of
// them is left, if the server can still be reached.
func (s *Store) inParts(ctx context.Context, key string, meta map[string]string, sum types.ChecksumAlgorithm, size, part int64, workers int,
	one func(ctx context.Context, api *s3.Client, up *string, n int32, at, size int64) (types.CompletedPart, error)) (etag string, err error) {
	api, err := s.client.service(ctx)
	if err != nil {
		return "", err
	}
	if err := s.announce(blob.Op{Kind: blob.Begin, Key: key}); err != nil {
		return "", err
	}
	name := aws.String(s.prefix + key)
	begun, err := api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &s.bucket, Key: name, Metadata: meta, ChecksumAlgorithm: sum})
	if err != nil {
		return "", s.failed("write", key, err)
	}
	defer func() {
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
			defer cancel()
			_ = s.abort(ctx, key, begun.UploadId) // what stays is removed with its run, or by a rule of the bucket
		}
	}()
	parts := make([]types.CompletedPart, (size+part-1)/part)
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, workers))
	for i := range parts {
		at := int64(i) * part
		n := min(part, size-at)
		g.Go(func() error {
			if err := s.announce(blob.Op{Kind: blob.Part, Key: key, Size: int(n)}); err != nil {
				return err
			}
			p, err := one(gctx, api, begun.UploadId, int32(i+1), at, n)
			mu.Lock()
			parts[i] = p
			mu.Unlock()
			return s.failed("write", key, err)
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	if err := s.announce(blob.Op{Kind: blob.Finish, Key: key}); err != nil {
		return "", err
	}
	out, err := api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: name, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if answerOf(err).code == "NoSuchUpload" {
		// A second try whose first one succeeded unheard: the object tells.
		if there, herr := s.head(ctx, key); herr == nil && aws.ToInt64(there.ContentLength) == size {
			return aws.ToString(there.ETag), nil
		}
	}
	if err != nil {
		return "", s.failed("write", key, err)
	}
	return aws.ToString(out.ETag), nil
}

func (s *Store) abort(ctx context.Context, key string, upload *string) error {
	if err := s.announce(blob.Op{Kind: blob.Remove, Key: key}); err != nil {
		return err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	_, err = api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: aws.String(s.prefix + key), UploadId: upload})
	if answerOf(err).code == "NoSuchUpload" {
		return nil
	}
	return s.failed("write", key, err)
}

// abortBelow ends uploads in parts that a killed process left below a folder.
// They are seen by nobody, so where listing them is not allowed, not known or
// makes no sense they are left to a rule of the bucket.
func (s *Store) abortBelow(ctx context.Context, folder string) error {
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	below := s.prefix + folder
	in := &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &below}
	for {
		page, err := api.ListMultipartUploads(ctx, in)
		if err != nil {
			err = s.failed("list uploads", folder, err)
			if fault.Is(err, Denied) || fault.Is(err, Refused) {
				return nil
			}
			return err
		}
		for _, u := range page.Uploads {
			key := aws.ToString(u.Key)
			if key == "" || !strings.HasPrefix(key, below) {
				continue // of somebody else: not what was asked for
			}
			if err := s.abort(ctx, key[len(s.prefix):], u.UploadId); err != nil {
				return err
			}
		}
		same := aws.ToString(page.NextKeyMarker) == aws.ToString(in.KeyMarker) && aws.ToString(page.NextUploadIdMarker) == aws.ToString(in.UploadIdMarker)
		if !aws.ToBool(page.IsTruncated) || same {
			return nil
		}
		in.KeyMarker, in.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
}
