/** Answers a function URL call. Ordinary Lambda code: nothing in it knows where it runs. */
interface UrlEvent {
  readonly rawPath: string;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly requestContext: { readonly http: { readonly method: string } };
}

let calls = 0;

export async function handler(event: UrlEvent): Promise<object> {
  calls += 1;
  const name = event.queryStringParameters?.["name"] ?? "sailor";
  console.log("greeting", name);
  return {
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      hello: name,
      path: event.rawPath,
      method: event.requestContext.http.method,
      node: process.version,
      calls,
    }),
  };
}
