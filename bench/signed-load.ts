import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { signRequest, type TestSigner } from "#protocol/auth/testing/sign.ts";

/** A POST of an awsJson protocol that `wrk` sends. */
export interface JsonCall {
  /** `DynamoDB_20120810.GetItem` */
  readonly target: string;
  readonly contentType: string;
  readonly body: object;
}

/**
 * A script for `wrk` that sends these calls in turn, each signed once and beforehand: a signature is good for
 * fifteen minutes, and making one costs more than most answers. `host` is where they go. Disposing removes it.
 */
export async function signedScript(
  calls: readonly JsonCall[],
  to: { readonly host: string; readonly signer: Omit<TestSigner, "nowMs"> },
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "skerry-wrk-"));
  const signer = { ...to.signer, nowMs: Date.now() };
  const requests = calls.map(({ target, contentType, body }) => {
    const signed = signRequest(
      {
        method: "POST",
        path: "/",
        rawQuery: "",
        headers: { host: to.host, "content-type": contentType, "x-amz-target": target },
        body: JSON.stringify(body),
      },
      signer,
    );
    // Spelled like this `wrk` knows that it is there, and does not add another.
    const { host: Host = to.host, ...others } = signed.headers;
    const headers = Object.entries({ ...others, Host }).map(
      ([name, value]) => `[${lua(name)}]=${lua(value)}`,
    );
    return `wrk.format("POST", "/", {${headers.join(",")}}, ${lua(signed.body)})`;
  });
  const path = join(folder, "load.lua");
  await writeFile(
    path,
    `local requests = {}
function init()
${requests.map((request, at) => `  requests[${at + 1}] = ${request}`).join("\n")}
end
local next = 0
function request()
  next = next % #requests + 1
  return requests[next]
end
`,
  );
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

function lua(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
