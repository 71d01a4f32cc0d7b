package servertest_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/featurehost/featurehost/connectors/servertest"
)

func TestName_FitsEveryServer_AndDiffers(t *testing.T) {
	fits := regexp.MustCompile(`^[a-z][a-z0-9_]{1,39}$`)
	seen := map[string]bool{}
	for _, name := range []string{"", "Short", "A rather long name: with ünicode, and/slashes that goes on and on"} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				n := servertest.Name(t)
				if !fits.MatchString(n) || seen[n] {
					t.Errorf("%q (%d bytes), seen before: %v", n, len(n), seen[n])
				}
				seen[n] = true
			}
		})
	}
}

// TestS3_Bucket_IsFreshAndGoneAfterwards is NothingLeft for buckets.
func TestS3_Bucket_IsFreshAndGoneAfterwards(t *testing.T) {
	var server *servertest.S3Server
	t.Run("inner", func(t *testing.T) {
		server = servertest.S3(t)
		in := &s3.PutObjectInput{Bucket: &server.Bucket, Key: aws.String("a/b"), Body: strings.NewReader("x")}
		if _, err := server.Client().PutObject(context.Background(), in); err != nil {
			t.Fatal(err)
		}
		part := &s3.CreateMultipartUploadInput{Bucket: &server.Bucket, Key: aws.String("c")}
		if _, err := server.Client().CreateMultipartUpload(context.Background(), part); err != nil {
			t.Fatal(err)
		}
	})
	if server == nil {
		t.Skip("there is no S3 server")
	}
	_, err := server.Client().HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: &server.Bucket})
	if err == nil {
		t.Errorf("bucket %s is still there", server.Bucket)
	}
}

// TestShared_Servers_Listen connects to all of them.
func TestShared_Servers_Listen(t *testing.T) {
	metastore, server := servertest.Hive(t)
	for what, addr := range map[string]string{
		"kafka": servertest.Kafka(t), "cassandra": servertest.Cassandra(t),
		"metastore 3.1.3": servertest.Metastore(t), "metastore 4.0.1": metastore, "hiveserver2": server,
	} {
		if !listens(addr) {
			t.Errorf("%s does not listen at %s", what, addr)
		}
	}
}
