package s3store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"github.com/featurehost/featurehost/connectors/blob"
	"github.com/featurehost/featurehost/host/fault"
)

// GetVersion implements blob.Store; the version is the object's ETag.
func (s *Store) GetVersion(ctx context.Context, key string) (data []byte, version string, err error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, "", err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return nil, "", err
	}
	err = s.tries(ctx, func() error {
		out, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + key)})
		if err != nil {
			return final{err}
		}
		defer out.Body.Close()
		version = aws.ToString(out.ETag)
		data, err = io.ReadAll(out.Body)
		if err == nil && out.ContentLength != nil && int64(len(data)) != *out.ContentLength {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
	if err == nil && version == "" {
		err = s.odd(key, "the server names no version (ETag)")
	}
	return data, version, s.failed("read", key, err)
}

// PutIf implements blob.Store. A refusal may be the answer to a second try
// whose first one succeeded unheard: then the object bears our mark.
func (s *Store) PutIf(ctx context.Context, key string, data []byte, version string) (next string, err error) {
	if err := blob.CheckKey(key); err != nil {
		return "", err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return "", err
	}
	if version == "" { // as a condition it would mean none
		return "", s.odd(key, "the server named no version (ETag)")
	}
	if err := s.announce(blob.Op{Kind: blob.Put, Key: key, Size: len(data)}); err != nil {
		return "", err
	}
	var unique [16]byte
	rand.Read(unique[:])
	mine := hex.EncodeToString(unique[:])
	var out *s3.PutObjectOutput
	err = s.settled(ctx, func() (err error) {
		out, err = api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.bucket, Key: aws.String(s.prefix + key), Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
			Metadata: map[string]string{mark: mine}, IfMatch: &version,
		})
		return err
	})
	if err == nil {
		return aws.ToString(out.ETag), nil
	}
	if answerOf(err).status != http.StatusPreconditionFailed {
		if err = s.failed("write", key, err); !errors.Is(err, blob.ErrNotExist) || fault.Is(err, NoBucket) {
			return "", err
		}
	}
	there, err := s.head(ctx, key)
	switch {
	case err == nil && lower(there.Metadata)[mark] == mine:
		return aws.ToString(there.ETag), nil
	case err != nil && !errors.Is(err, blob.ErrNotExist):
		return "", err
	}
	return "", fault.Wrap(&cause{"the object was replaced since it was read", blob.ErrChanged}, Refused, "put refused").At("%s", s.Path(key))
}

// settled calls f again while another write of the same key is under way: who
// wins is not known before that has ended.
func (s *Store) settled(ctx context.Context, f func() error) error {
	pause := 50 * time.Millisecond
	for n := 1; ; n++ {
		err := f()
		if err == nil || !racing(answerOf(err)) || n >= s.client.options.Attempts {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, s.client.options.Pause)
	}
}

// DeleteIf removes objects that are still as they were listed; others, which
// somebody else has put in their place, stay. A server that knows no conditions
// for this removes them in any case.
func (s *Store) DeleteIf(ctx context.Context, entries []Entry, workers int) error {
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	// A failure does not cut the others off: it would leave unknown what is done.
	var g errgroup.Group
	g.SetLimit(max(1, workers))
	var failed atomic.Bool
	for _, e := range entries {
		g.Go(func() error {
			if failed.Load() {
				return nil
			}
			err := s.deleteIf(ctx, api, e)
			if err != nil {
				failed.Store(true)
			}
			return err
		})
	}
	return g.Wait()
}

func (s *Store) deleteIf(ctx context.Context, api *s3.Client, e Entry) error {
	if err := s.announce(blob.Op{Kind: blob.Remove, Key: e.Key}); err != nil {
		return err
	}
	in := &s3.DeleteObjectInput{Bucket: &s.bucket, Key: aws.String(s.prefix + e.Key)}
	if e.ETag != "" {
		in.IfMatch = &e.ETag
	}
	remove := func() error {
		_, err := api.DeleteObject(ctx, in)
		return err
	}
	err := s.settled(ctx, remove)
	if err != nil && in.IfMatch != nil && answerOf(err).status == http.StatusNotImplemented {
		in.IfMatch = nil
		err = s.settled(ctx, remove)
	}
	if err == nil || answerOf(err).status == http.StatusPreconditionFailed {
		return nil
	}
	if err = s.failed("delete", e.Key, err); errors.Is(err, blob.ErrNotExist) && !fault.Is(err, NoBucket) {
		return nil
	}
	return err
}
