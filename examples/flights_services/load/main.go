// Command load brings the events of the flights example to the servers that the
// environment names: the departures into a topic of Kafka, the weather to S3.
// What is there already stays.
//
//	load DATA
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/featurehost/featurehost/examples/flights_services/internal/source"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: load DATA, the folder with flights.parquet and weather.parquet")
	}
	bucket, topic := or("FLIGHTS_BUCKET", "flights"), or("FLIGHTS_TOPIC", "flights")
	n, err := source.Publish(ctx, os.Getenv("FEATUREHOST_KAFKA"), topic, filepath.Join(args[0], "flights.parquet"))
	if err != nil {
		return err
	}
	client := s3.New(s3.Options{
		BaseEndpoint: aws.String(os.Getenv("FEATUREHOST_S3_ENDPOINT")),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(os.Getenv("FEATUREHOST_S3_ACCESS_KEY"), os.Getenv("FEATUREHOST_S3_SECRET_KEY"), ""),
	})
	if err := source.Bucket(ctx, client, bucket); err != nil {
		return fmt.Errorf("bucket %s: %w", bucket, err)
	}
	if err := source.Upload(ctx, client, bucket, "weather/weather.parquet", filepath.Join(args[0], "weather.parquet")); err != nil {
		return fmt.Errorf("s3://%s/weather: %w", bucket, err)
	}
	if n > 0 {
		fmt.Printf("%d departures are messages of topic %s now\n", n, topic)
	}
	fmt.Printf("the weather is s3://%s/weather/weather.parquet now\n", bucket)
	return nil
}

func or(variable, otherwise string) string {
	if v := os.Getenv(variable); v != "" {
		return v
	}
	return otherwise
}
