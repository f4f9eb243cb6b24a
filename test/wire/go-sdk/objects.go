package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const partBytes = 5 << 20

func objects(ctx context.Context, cfg aws.Config) error {
	client := s3.NewFromConfig(cfg)
	bucket := aws.String("go-bucket")
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		return err
	}
	for _, key := range []string{"a/one", "a/two", "b/ü nd.txt"} {
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket:   bucket,
			Key:      aws.String(key),
			Body:     strings.NewReader("content of " + key),
			Metadata: map[string]string{"kind": "text"},
		}); err != nil {
			return err
		}
	}
	listed, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/")})
	if err != nil {
		return err
	}
	if err := expect("prefixes", len(listed.CommonPrefixes), 2); err != nil {
		return err
	}
	if err := multipart(ctx, client, bucket); err != nil {
		return err
	}
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: bucket,
		Key:    aws.String("b/ü nd.txt"),
	})
	if err != nil {
		return err
	}
	response, err := http.Get(signed.URL)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if err := expect("presigned", string(content), "content of b/ü nd.txt"); err != nil {
		return err
	}
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("nothing")})
	var missing *types.NoSuchKey
	if !errors.As(err, &missing) {
		return fmt.Errorf("an object that is not there: %w", err)
	}
	return nil
}

func multipart(ctx context.Context, client *s3.Client, bucket *string) error {
	key := aws.String("large")
	upload, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
	if err != nil {
		return err
	}
	whole := append(bytes.Repeat([]byte("x"), partBytes), []byte("the end")...)
	var parts []types.CompletedPart
	for n, body := range [][]byte{whole[:partBytes], whole[partBytes:]} {
		part, err := client.UploadPart(ctx, &s3.UploadPartInput{
			Bucket:     bucket,
			Key:        key,
			UploadId:   upload.UploadId,
			PartNumber: aws.Int32(int32(n + 1)),
			Body:       bytes.NewReader(body),
		})
		if err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{
			PartNumber:    aws.Int32(int32(n + 1)),
			ETag:          part.ETag,
			ChecksumCRC32: part.ChecksumCRC32,
		})
	}
	if _, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket:          bucket,
		Key:             key,
		UploadId:        upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}); err != nil {
		return err
	}
	tail, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=-7")})
	if err != nil {
		return err
	}
	defer tail.Body.Close()
	content, err := io.ReadAll(tail.Body)
	if err != nil {
		return err
	}
	return expect("tail", string(content), "the end")
}
