package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulerTypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func eventBridge(ctx context.Context, cfg aws.Config) error {
	client, queueClient := eventbridge.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	queueURL, queueArn, err := newQueue(ctx, queueClient, "go-bus-queue")
	if err != nil {
		return err
	}
	if _, err := client.PutRule(ctx, &eventbridge.PutRuleInput{
		Name:         aws.String("go-rule"),
		EventPattern: aws.String(`{"source":["shop"],"detail":{"total":[{"numeric":[">",10]}]}}`),
	}); err != nil {
		return err
	}
	if _, err := client.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String("go-rule"),
		Targets: []types.Target{{
			Id:        aws.String("queue"),
			Arn:       aws.String(queueArn),
			InputPath: aws.String("$.detail"),
		}},
	}); err != nil {
		return err
	}
	var entries []types.PutEventsRequestEntry
	for _, detail := range []string{`{"total":9}`, `{"total":11}`} {
		entries = append(entries, types.PutEventsRequestEntry{
			Source:     aws.String("shop"),
			DetailType: aws.String("Sold"),
			Detail:     aws.String(detail),
		})
	}
	put, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return err
	}
	if err := expect("failed", put.FailedEntryCount, 0); err != nil {
		return err
	}
	body, err := receiveOne(ctx, queueClient, queueURL)
	if err != nil {
		return err
	}
	var detail struct{ Total int }
	if err := json.Unmarshal([]byte(body), &detail); err != nil {
		return err
	}
	if err := expect("total", detail.Total, 11); err != nil {
		return err
	}
	_, err = client.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("nobody")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		return fmt.Errorf("a rule that is not there: %w", err)
	}
	return nil
}

func schedules(ctx context.Context, cfg aws.Config) error {
	client, queueClient := scheduler.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	queueURL, queueArn, err := newQueue(ctx, queueClient, "go-schedule-queue")
	if err != nil {
		return err
	}
	// At the end of the year: whoever runs this moves the clock there.
	if _, err := client.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name:               aws.String("go-yearly"),
		ScheduleExpression: aws.String("cron(0 9 L 12 ? *)"),
		FlexibleTimeWindow: &schedulerTypes.FlexibleTimeWindow{Mode: schedulerTypes.FlexibleTimeWindowModeOff},
		Target: &schedulerTypes.Target{
			Arn:     aws.String(queueArn),
			RoleArn: aws.String("arn:aws:iam::000000000000:role/scheduler"),
			Input:   aws.String(`{"happy":"new year"}`),
		},
	}); err != nil {
		return err
	}
	got, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("go-yearly")})
	if err != nil {
		return err
	}
	if err := expect("state", got.State, schedulerTypes.ScheduleStateEnabled); err != nil {
		return err
	}
	body, err := receiveOne(ctx, queueClient, queueURL)
	if err != nil {
		return err
	}
	if err := expect("input", body, `{"happy":"new year"}`); err != nil {
		return err
	}
	_, err = client.DeleteSchedule(ctx, &scheduler.DeleteScheduleInput{Name: aws.String("go-yearly")})
	return err
}
