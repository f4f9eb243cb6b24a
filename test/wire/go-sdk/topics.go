package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func topics(ctx context.Context, cfg aws.Config) error {
	client, queueClient := sns.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	queueURL, queueArn, err := newQueue(ctx, queueClient, "go-topic-queue")
	if err != nil {
		return err
	}
	topic, err := client.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("go-topic")})
	if err != nil {
		return err
	}
	if _, err := client.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn:   topic.TopicArn,
		Protocol:   aws.String("sqs"),
		Endpoint:   aws.String(queueArn),
		Attributes: map[string]string{"FilterPolicy": `{"colour":["red"]}`},
	}); err != nil {
		return err
	}
	for _, colour := range []string{"blue", "red"} {
		if _, err := client.Publish(ctx, &sns.PublishInput{
			TopicArn: topic.TopicArn,
			Message:  aws.String("a " + colour + " one"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"colour": {DataType: aws.String("String"), StringValue: aws.String(colour)},
			},
		}); err != nil {
			return err
		}
	}
	body, err := receiveOne(ctx, queueClient, queueURL)
	if err != nil {
		return err
	}
	var envelope struct{ Type, TopicArn, Message string }
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		return err
	}
	if err := expect("message", envelope.Message, "a red one"); err != nil {
		return err
	}
	if err := expect("type", envelope.Type, "Notification"); err != nil {
		return err
	}
	_, err = client.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(*topic.TopicArn + "-of-nobody"),
		Message:  aws.String("lost"),
	})
	var missing *types.NotFoundException
	if !errors.As(err, &missing) {
		return fmt.Errorf("a topic that is not there: %w", err)
	}
	return nil
}
