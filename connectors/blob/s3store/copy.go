package s3store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/encoding/httpbinding"

	"github.com/featurehost/featurehost/connectors/blob"
)

// Copy has the server copy an object, with its metadata; from is as List or
// Upload told it, and the copy fails with Changed when it is no longer that
// version. Whoever reads the object at to finds the old one or all of the copy.
func (s *Store) Copy(ctx context.Context, from Entry, to string, meta map[string]string, workers int) error {
	if err := blob.CheckKey(to); err != nil {
		return err
	}
	api, err := s.client.service(ctx)
	if err != nil {
		return err
	}
	// The server decodes this header as a query: a plus sign would be a space.
	source := aws.String(s.bucket + "/" + httpbinding.EscapePath(s.prefix+from.Key, false))
	if from.Size > s.client.options.CopyLimit {
		_, err := s.inParts(ctx, to, meta, "", from.Size, s.client.options.PartSize, workers, func(ctx context.Context, api *s3.Client, up *string, n int32, at, size int64) (types.CompletedPart, error) {
			out, err := api.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &s.bucket, Key: aws.String(s.prefix + to), UploadId: up, PartNumber: &n, CopySource: source,
				CopySourceIfMatch: &from.ETag, CopySourceRange: aws.String(fmt.Sprintf("bytes=%d-%d", at, at+size-1)),
			})
			if err != nil {
				return types.CompletedPart{}, s.failed("copy", from.Key, err)
			}
			return types.CompletedPart{PartNumber: &n, ETag: out.CopyPartResult.ETag}, nil
		})
		return err
	}
	if err := s.announce(blob.Op{Kind: blob.Copy, Key: from.Key, To: to}); err != nil {
		return err
	}
	_, err = api.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &s.bucket, Key: aws.String(s.prefix + to), CopySource: source, CopySourceIfMatch: &from.ETag,
		Metadata: meta, MetadataDirective: types.MetadataDirectiveReplace,
	})
	return s.failed("copy", from.Key, err)
}
