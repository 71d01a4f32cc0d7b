package s3store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/featurehost/featurehost/host/fault"
	"github.com/featurehost/featurehost/host/flow"
)

// Probe asks whether the server lets us look at what lies below the store. It
// lists at most one object and changes nothing, so it cannot tell whether
// writing is allowed.
func (s *Store) Probe(ctx context.Context) flow.Finding {
	f := flow.Finding{Server: "s3 " + s.client.server()}
	api, err := s.client.service(ctx)
	if err == nil {
		_, err = api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &s.prefix, MaxKeys: aws.Int32(1)})
		err = s.failed("list", "", err)
	}
	if err != nil {
		f.Text = err.Error()
		if e := fault.As(err); e != nil {
			f.Text, f.Hint = e.Message, e.Hint
			if e.Err != nil {
				f.Text += ": " + e.Err.Error()
			}
			if e.Place != "" {
				f.Text = e.Place + ": " + f.Text
			}
		}
		return f
	}
	f.OK, f.Text = true, fmt.Sprintf("%s can be listed.", s.Path(""))
	return f
}
