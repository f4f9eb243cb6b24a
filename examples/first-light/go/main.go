// Command bootstrap answers a function URL call from Go, with AWS's own library, unmodified.
package main

import (
	"context"
	"encoding/json"
	"runtime"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, event events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	call, _ := lambdacontext.FromContext(ctx)
	body, err := json.Marshal(map[string]string{
		"go":      runtime.Version(),
		"path":    event.RawPath,
		"request": call.AwsRequestID,
	})
	return events.LambdaFunctionURLResponse{StatusCode: 200, Body: string(body)}, err
}

func main() {
	lambda.Start(handle)
}
