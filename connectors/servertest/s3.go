package servertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3Server is an S3 server and a bucket on it that belongs to one test.
type S3Server struct {
	// Endpoint is the server's URL; buckets are reached by path.
	Endpoint string
	Region   string
	// AccessKey and SecretKey open everything on the server.
	AccessKey, SecretKey string
	// Bucket is empty at first and gone when the test ends.
	Bucket string
}

// S3 returns the shared S3 server with a fresh bucket.
func S3(t testing.TB) *S3Server {
	t.Helper()
	v := need(t, "FEATUREHOST_S3_ENDPOINT", "FEATUREHOST_S3_ACCESS_KEY", "FEATUREHOST_S3_SECRET_KEY")
	s := &S3Server{Endpoint: v[0], Region: "us-east-1", AccessKey: v[1], SecretKey: v[2]}
	s.makeBucket(t)
	t.Cleanup(func() { s.empty(t) })
	return s
}

// Client returns a client of the server.
func (s *S3Server) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		UsePathStyle: true,
		// An idle connection would count as a leak of the test.
		HTTPClient:  awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.DisableKeepAlives = true }),
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
}

// Setenv sets the variables of the AWS standard chain for this test.
func (s *S3Server) Setenv(t testing.TB) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", s.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.SecretKey)
	t.Setenv("AWS_REGION", s.Region)
}

func (s *S3Server) makeBucket(t testing.TB) {
	t.Helper()
	s.Bucket = strings.ReplaceAll(Name(t), "_", "-")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(s.Bucket)}); err != nil {
		t.Fatalf("bucket %s at %s: %v", s.Bucket, s.Endpoint, err)
	}
}

// empty removes the bucket with all that is in it.
func (s *S3Server) empty(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := s.Client()
	err := errors.Join(s.abortUploads(ctx, client), s.deleteObjects(ctx, client))
	if err == nil {
		_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(s.Bucket)})
	}
	if err != nil {
		t.Logf("bucket %s stays behind: %v", s.Bucket, err)
	}
}

func (s *S3Server) abortUploads(ctx context.Context, client *s3.Client) error {
	open, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(s.Bucket)})
	if err != nil {
		return err
	}
	for _, u := range open.Uploads {
		_, err := client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(s.Bucket), Key: u.Key, UploadId: u.UploadId})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *S3Server) deleteObjects(ctx context.Context, client *s3.Client) error {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(s.Bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		ids := make([]types.ObjectIdentifier, len(page.Contents))
		for i, o := range page.Contents {
			ids[i] = types.ObjectIdentifier{Key: o.Key}
		}
		if len(ids) == 0 {
			continue
		}
		gone, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String(s.Bucket), Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
		if err != nil {
			return err
		}
		if len(gone.Errors) > 0 {
			return errors.New(aws.ToString(gone.Errors[0].Message))
		}
	}
	return nil
}
