package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func dynamoDB(ctx context.Context, cfg aws.Config) error {
	client := dynamodb.NewFromConfig(cfg)
	table := aws.String("go-orders")
	made, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("customer"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("number"), AttributeType: types.ScalarAttributeTypeN},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("customer"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("number"), KeyType: types.KeyTypeRange},
		},
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled:  aws.Bool(true),
			StreamViewType: types.StreamViewTypeNewAndOldImages,
		},
	})
	if err != nil {
		return err
	}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay = 100 * time.Millisecond
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: table}, 20*time.Second); err != nil {
		return err
	}
	for n := range 5 {
		if _, err := client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName:           table,
			Item:                order("ana", n),
			ConditionExpression: aws.String("attribute_not_exists(customer)"),
		}); err != nil {
			return err
		}
	}
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           table,
		Item:                order("ana", 1),
		ConditionExpression: aws.String("attribute_not_exists(customer)"),
	})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return fmt.Errorf("a second time: %w", err)
	}
	found, err := client.Query(ctx, &dynamodb.QueryInput{
		TableName:                 table,
		KeyConditionExpression:    aws.String("customer = :c AND #n BETWEEN :from AND :to"),
		ExpressionAttributeNames:  map[string]string{"#n": "number"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":c": text("ana"), ":from": number(1), ":to": number(3)},
		ScanIndexForward:          aws.Bool(false),
	})
	if err != nil {
		return err
	}
	if err := expect("found", found.Count, 3); err != nil {
		return err
	}
	updated, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 table,
		Key:                       key("ana", 1),
		UpdateExpression:          aws.String("SET #t = #t + :more"),
		ExpressionAttributeNames:  map[string]string{"#t": "total"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":more": &types.AttributeValueMemberN{Value: "0.1"}},
		ReturnValues:              types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return err
	}
	total := updated.Attributes["total"].(*types.AttributeValueMemberN)
	if err := expect("total", total.Value, "1.2"); err != nil {
		return err
	}
	return readStream(ctx, dynamodbstreams.NewFromConfig(cfg), made.TableDescription.LatestStreamArn)
}

func readStream(ctx context.Context, client *dynamodbstreams.Client, arn *string) error {
	described, err := client.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		return err
	}
	iterator, err := client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn:         arn,
		ShardId:           described.StreamDescription.Shards[0].ShardId,
		ShardIteratorType: streams.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		return err
	}
	records, err := client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator.ShardIterator})
	if err != nil {
		return err
	}
	if err := expect("records", len(records.Records), 6); err != nil {
		return err
	}
	return expect("last", records.Records[5].EventName, streams.OperationTypeModify)
}

func text(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }

func number(value int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(value)}
}

func key(customer string, n int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"customer": text(customer), "number": number(n)}
}

func order(customer string, n int) map[string]types.AttributeValue {
	item := key(customer, n)
	item["total"] = &types.AttributeValueMemberN{Value: "1.10"}
	return item
}
