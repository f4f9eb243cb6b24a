package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func queues(ctx context.Context, cfg aws.Config) error {
	client := sqs.NewFromConfig(cfg)
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName:  aws.String("go.fifo"),
		Attributes: map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"},
	})
	if err != nil {
		return err
	}
	var entries []types.SendMessageBatchRequestEntry
	for n := range 4 {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id:             aws.String(fmt.Sprint(n)),
			MessageBody:    aws.String(fmt.Sprint("message ", n)),
			MessageGroupId: aws.String("group"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"n": {DataType: aws.String("Number"), StringValue: aws.String(fmt.Sprint(n))},
			},
		})
	}
	// The client compares the digests of bodies and attributes with its own.
	sent, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: made.QueueUrl, Entries: entries})
	if err != nil {
		return err
	}
	if err := expect("sent", len(sent.Successful), 4); err != nil {
		return err
	}
	for n := range 4 {
		received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl:              made.QueueUrl,
			WaitTimeSeconds:       5,
			MaxNumberOfMessages:   1,
			MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			return err
		}
		if err := expect("received", len(received.Messages), 1); err != nil {
			return err
		}
		message := received.Messages[0]
		if err := expect("body", *message.Body, fmt.Sprint("message ", n)); err != nil {
			return err
		}
		if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
			QueueUrl:      made.QueueUrl,
			ReceiptHandle: message.ReceiptHandle,
		}); err != nil {
			return err
		}
	}
	_, err = client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("nobody")})
	var missing *types.QueueDoesNotExist
	if !errors.As(err, &missing) {
		return fmt.Errorf("a queue that is not there: %w", err)
	}
	_, err = client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
	return err
}

// receiveOne waits for a message and gives its body.
func receiveOne(ctx context.Context, client *sqs.Client, queueURL *string) (string, error) {
	for {
		received, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: queueURL, WaitTimeSeconds: 10})
		if err != nil {
			return "", err
		}
		for _, message := range received.Messages {
			return *message.Body, nil
		}
	}
}

// newQueue makes a queue and gives its URL and its ARN.
func newQueue(ctx context.Context, client *sqs.Client, name string) (*string, string, error) {
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name)})
	if err != nil {
		return nil, "", err
	}
	described, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       made.QueueUrl,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return nil, "", err
	}
	return made.QueueUrl, described.Attributes["QueueArn"], nil
}
