import { setTimeout as pause } from "node:timers/promises";

/** Answers with what it was given; misbehaves or streams when asked to. */
export async function handler(event, context) {
  console.log("echo", JSON.stringify(event));
  if (event?.throw) throw new TypeError(event.throw);
  return {
    event,
    name: context.functionName,
    version: context.functionVersion,
    memory: context.memoryLimitInMB,
    requestId: context.awsRequestId,
    client: context.clientContext ?? null,
    greeting: process.env.GREETING ?? null,
  };
}

export const stream = awslambda.streamifyResponse(async (_event, output) => {
  const body = awslambda.HttpResponseStream.from(output, {
    statusCode: 201,
    headers: { "content-type": "text/plain", "x-tide": "rising" },
  });
  for (const part of ["one ", "two ", "three"]) {
    body.write(part);
    await pause(20);
  }
  body.end();
});
