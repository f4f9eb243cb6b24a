import { Agent, request } from "node:http";

/** Calls functions as cheaply as a client can: one kept connection each, no signature, no SDK. */
export interface Caller extends Disposable {
  /** Milliseconds from the request to the last byte of an answer without an error. */
  invoke(functionName: string): Promise<number>;
}

const body = "{}";

export function openCaller(port: number): Caller {
  const agent = new Agent({ keepAlive: true });
  const send = (functionName: string, path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const startMs = performance.now();
      const sent = request({
        agent,
        host: "127.0.0.1",
        port,
        method: "POST",
        path,
        headers: {
          "content-type": "application/json",
          "content-length": body.length,
          // In the open mode credentials name an account and a region, and are not checked.
          authorization:
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0",
        },
      });
      sent.on("error", reject);
      sent.on("response", (response) => {
        response.resume();
        response.on("end", () => {
          const isFine =
            response.statusCode === 200 && response.headers["x-amz-function-error"] === undefined;
          if (isFine) resolve(performance.now() - startMs);
          else reject(new Error(`${functionName} answered ${response.statusCode}`));
        });
      });
      sent.end(body);
    });
  return {
    invoke: (name) => send(name, `/2015-03-31/functions/${name}/invocations`),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
