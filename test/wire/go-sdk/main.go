// Exercises services through AWS's SDK for Go: `program NAME` runs one scenario and exits with 0 when everything
// was as it should be. Endpoint, region and credentials come from the environment, as everywhere.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

var scenarios = map[string]func(context.Context, aws.Config) error{
	"dynamodb":    dynamoDB,
	"eventbridge": eventBridge,
	"s3":          objects,
	"scheduler":   schedules,
	"sns":         topics,
	"sqs":         queues,
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string) error {
	scenario, ok := scenarios[name]
	if !ok {
		return fmt.Errorf("there is no scenario %s", name)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	return scenario(ctx, cfg)
}

// expect is what an assertion is elsewhere.
func expect[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}
