import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "#base/clock.ts";
import { createSeededRandom } from "#base/random.ts";
import type { Random } from "#base/random.ts";
import { AuthenticationError, createAuthenticator } from "./auth.ts";
import type { AuthenticationTarget } from "./auth.ts";
import type { PlainRequest } from "./testing/sign.ts";
import { presignRequest, readAll, signRequest, toWire } from "./testing/sign.ts";

const nowMs = Date.parse("2026-03-01T12:00:00Z");
const secretAccessKey = "h9f3Kq0sJx2LwZ7vBnM5cR8tYpQ1dG4aE6uWoIkX";
const principal = { arn: "arn:aws:iam::111122223333:user/ana", accountId: "111122223333" };
const mutationsEach = 6_000;

const authenticator = createAuthenticator({
  mode: "strict",
  keys: {
    find: async (id) =>
      id === "AKIAEXAMPLE000000001"
        ? { secretAccessKey, sessionToken: undefined, expiresAtMs: undefined, principal }
        : undefined,
  },
  clock: createVirtualClock(nowMs),
  defaultAccountId: "000000000000",
});

const plain: PlainRequest = {
  method: "POST",
  path: "/2015-03-31/functions/arn%3Aaws%3Alambda/invocations",
  rawQuery: "Qualifier=live&Marker=a%2Fb%20c",
  headers: {
    host: "lambda.us-east-1.amazonaws.com",
    "content-type": "application/json",
    "x-amz-invocation-type": "RequestResponse",
  },
  body: '{"order":17,"note":"left at the door"}',
};
const signer = {
  accessKeyId: "AKIAEXAMPLE000000001",
  secretAccessKey,
  nowMs,
  service: "lambda",
} as const;

const forms: readonly { name: string; request: PlainRequest; target: AuthenticationTarget }[] = [
  {
    name: "header form",
    request: signRequest(plain, signer),
    target: { signingName: "lambda", region: undefined, dialect: "rest-json", unsigned: "mode" },
  },
  {
    name: "presigned form",
    request: presignRequest(
      {
        ...plain,
        method: "GET",
        path: "/bucket/a key//with.parts",
        body: "",
        headers: { host: "s3.amazonaws.com" },
      },
      {
        ...signer,
        service: "s3",
        expiresSeconds: 600,
        payloadHash: "UNSIGNED-PAYLOAD",
        pathRule: "verbatim",
      },
    ),
    target: { signingName: "s3", region: undefined, dialect: "s3", unsigned: "mode" },
  },
];

for (const { name, request, target } of forms) {
  test(`no single mutation of a signed request is accepted (${name})`, async (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    t.diagnostic(`seed ${seed}`);
    const random = createSeededRandom(seed);
    assert.equal(await outcome(request, target), "accepted");
    let tried = 0;
    while (tried < mutationsEach) {
      const mutated = mutate(request, random);
      if (!mutated || meaning(mutated) === meaning(request)) continue;
      tried++;
      assert.equal(await outcome(mutated, target), "refused", JSON.stringify(mutated));
    }
    t.diagnostic(`${tried} mutations, 0 accepted`);
  });
}

async function outcome(request: PlainRequest, target: AuthenticationTarget): Promise<string> {
  try {
    const result = await authenticator.authenticate(toWire(request), target);
    await readAll(result.request.body);
    return "accepted";
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    return "refused";
  }
}

/** One byte replaced, removed or inserted anywhere, or a header renamed, removed or added. */
function mutate(request: PlainRequest, random: Random): PlainRequest | undefined {
  const pick = (count: number): number => Math.floor(random.fraction() * count);
  const names = Object.keys(request.headers);
  const name = names[pick(names.length)] ?? "host";
  const value = request.headers[name] ?? "";
  const rest = Object.fromEntries(Object.entries(request.headers).filter(([key]) => key !== name));
  switch (pick(8)) {
    case 0:
      return { ...request, method: editByte(request.method, random) };
    case 1:
      return { ...request, path: `/${editByte(request.path.slice(1), random)}` };
    case 2:
      return { ...request, rawQuery: editByte(request.rawQuery, random) };
    case 3:
      return request.body === "" ? undefined : { ...request, body: editByte(request.body, random) };
    case 4:
    case 5:
      return { ...request, headers: { ...rest, [name]: editByte(value, random) } };
    case 6:
      return { ...request, headers: { ...rest, [editByte(name, random).toLowerCase()]: value } };
    default:
      return { ...request, headers: { ...request.headers, [`x-amz-meta-${pick(9)}`]: "added" } };
  }
}

function editByte(text: string, random: Random): string {
  const at = Math.floor(random.fraction() * text.length);
  const byte = String.fromCharCode(0x20 + Math.floor(random.fraction() * 0x5f));
  const kind = Math.floor(random.fraction() * 3);
  return text.slice(0, at) + (kind === 0 ? "" : byte) + text.slice(kind === 2 ? at : at + 1);
}

/**
 * What a reader understands, so that spellings of the same request are not counted: escapes are
 * read, blanks around header values and between the authorization's parts do not matter, and an
 * unsigned header that is not one of the service's own may come and go.
 */
function meaning(request: PlainRequest): string {
  const signed = /SignedHeaders=([^,&]*)/.exec(
    `${request.headers["authorization"] ?? ""}&${request.rawQuery}`,
  )?.[1];
  const isRead = (name: string): boolean =>
    name.startsWith("x-amz-") ||
    name === "authorization" ||
    (signed ?? "").split(/;|%3B/).includes(name);
  const headers = Object.entries(request.headers)
    .filter(([name]) => isRead(name))
    .map(([name, value]) => [
      name,
      name === "authorization"
        ? value.replaceAll(/\s*(,|=)\s*/g, "$1").trim()
        : value.trim().replaceAll(/\s+/g, " "),
    ])
    .map(String)
    .toSorted((a, b) => (a < b ? -1 : 1));
  const parameters = [...new URLSearchParams(request.rawQuery)]
    .map(String)
    .toSorted((a, b) => (a < b ? -1 : 1));
  const path = request.path.replaceAll(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const isVerbatim = request.path.startsWith("/bucket");
  const normal = path.replaceAll(/\/(\.?\/)+/g, "/");
  return JSON.stringify([
    request.method,
    isVerbatim ? path : normal,
    parameters,
    headers,
    request.body,
  ]);
}
