import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  ListRolesCommand,
} from "@aws-sdk/client-iam";
import {
  CreateFunctionUrlConfigCommand,
  LambdaClient,
  ListFunctionsCommand,
} from "@aws-sdk/client-lambda";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { start } from "#main.ts";
import { signRequest } from "#protocol/auth/testing/sign.ts";
import { find, run } from "../support/commands.ts";
import { deploy } from "../support/functions.ts";
import { invoke } from "../support/invoke.ts";
import { exchange, parseAnswers, type RawAnswer } from "../support/raw-http.ts";

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

let server: Awaited<ReturnType<typeof start>>;
let root: Credentials;
before(async () => {
  server = await start({ mode: "serve", logLevel: "error" });
  const notice = server.notices.find((text) => text.startsWith("root key"));
  const [accessKeyId = "", secretAccessKey = ""] = notice?.split(" ").slice(-2) ?? [];
  root = { accessKeyId, secretAccessKey };
});
after(() => server[Symbol.asyncDispose]());

function settings(credentials: Credentials) {
  return { endpoint: server.url, region: "us-east-1", maxAttempts: 1, credentials };
}

/** What the four services, each with a protocol of its own, say when something is wrong. */
interface Refusals {
  readonly lambda: readonly [string, number];
  readonly logs: readonly [string, number];
  readonly sts: readonly [string, number];
  readonly iam: readonly [string, number];
}

const wordings = {
  unsigned: words("MissingAuthenticationToken"),
  mismatch: words("SignatureDoesNotMatch", "InvalidSignature"),
  unknown: words("InvalidClientTokenId", "UnrecognizedClient"),
} as const;

/** REST JSON answers 403, awsJson 400; both add `Exception` to the name. */
function words(query: string, json = query): Refusals {
  return {
    lambda: [`${json}Exception`, 403],
    logs: [`${json}Exception`, 400],
    sts: [query, 403],
    iam: [query, 403],
  };
}

type Bend = (client: { readonly middlewareStack: LambdaClient["middlewareStack"] }) => void;

/** The same harmless call to each service; `bend` spoils what is about to be sent. */
async function refusals(
  credentials: Credentials,
  extra: object = {},
  bend: Bend = () => {},
): Promise<Record<keyof Refusals, readonly [string, number]>> {
  const config = { ...settings(credentials), ...extra };
  const lambda = new LambdaClient(config);
  const logs = new CloudWatchLogsClient(config);
  const sts = new STSClient(config);
  const iam = new IAMClient(config);
  for (const client of [lambda, logs, sts, iam]) bend(client);
  const told = async (call: Promise<unknown>): Promise<readonly [string, number]> => {
    try {
      await call;
      return ["fine", 200];
    } catch (error) {
      const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode: number } }; // an SDK error
      return [name, $metadata?.httpStatusCode ?? 0];
    }
  };
  const found = {
    lambda: await told(lambda.send(new ListFunctionsCommand({}))),
    logs: await told(logs.send(new DescribeLogGroupsCommand({}))),
    sts: await told(sts.send(new GetCallerIdentityCommand({}))),
    iam: await told(iam.send(new ListRolesCommand({}))),
  };
  for (const client of [lambda, logs, sts, iam]) client.destroy();
  return found;
}

const fine: Refusals = {
  lambda: ["fine", 200],
  logs: ["fine", 200],
  sts: ["fine", 200],
  iam: ["fine", 200],
};

describe("SDK clients", () => {
  test("the root key works", async () => {
    assert.deepEqual(await refusals(root), fine);
  });

  test("an unsigned request is refused in the words of its service", async () => {
    const signer = { sign: async (request: unknown) => request };
    assert.deepEqual(await refusals(root, { signer }), wordings.unsigned);
  });

  test("a wrong secret is a signature that does not match", async () => {
    const wrong = { ...root, secretAccessKey: `${root.secretAccessKey.slice(0, -1)}!` };
    assert.deepEqual(await refusals(wrong), wordings.mismatch);
  });

  test("a key nobody issued is unknown; the development keys are such", async () => {
    const keys = [
      { accessKeyId: "test", secretAccessKey: "test" },
      { accessKeyId: "000000000000", secretAccessKey: "test" },
      { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "test" },
    ];
    for (const key of keys) assert.deepEqual(await refusals(key), wordings.unknown);
  });

  test("a body changed on its way no longer matches", async () => {
    const tamper: Bend = ({ middlewareStack }) =>
      middlewareStack.add(
        (next) => (args) => {
          // An HttpRequest at this step.
          const request = args.request as {
            query: object;
            headers: Record<string, string>;
            body?: unknown;
          };
          if (typeof request.body === "string" && request.body !== "") {
            request.body += request.body.startsWith("{") ? " " : "&PathPrefix=%2F";
            request.headers["content-length"] = String(request.body.length);
          } else Object.assign(request.query, { Marker: "changed" });
          return next(args);
        },
        { step: "deserialize" },
      );
    assert.deepEqual(await refusals(root, {}, tamper), wordings.mismatch);
  });

  test("a clock twenty minutes off, either way, is refused", async () => {
    for (const minutes of [20, -20]) {
      const found = await refusals(root, { systemClockOffset: minutes * 60_000 });
      assert.deepEqual(found, wordings.mismatch);
    }
    assert.deepEqual(await refusals(root, { systemClockOffset: -4 * 60_000 }), fine);
  });
});

test("boto3 hears the same, also about session tokens and presigned addresses", async (t) => {
  const python = find("python3");
  if (!python) return t.skip("no python3");
  const script = fileURLToPath(new URL("strict.py", import.meta.url));
  const output = await run(python, [script, server.url, root.accessKeyId, root.secretAccessKey]);
  const heard = new Map(
    output
      .trim()
      .split("\n")
      .map((line) => {
        const { step, code, status } = JSON.parse(line) as Record<string, unknown>; // our own script's
        return [step, [code, status]] as const;
      }),
  );
  for (const service of ["lambda", "logs", "sts", "iam"] as const) {
    const expected: Record<string, readonly [string, number]> = {
      valid: fine[service],
      unsigned: wordings.unsigned[service],
      secret: wordings.mismatch[service],
      unknown: wordings.unknown[service],
      token: fine[service],
      "no-token": wordings.unknown[service],
      "wrong-token": wordings.unknown[service],
    };
    for (const [step, answer] of Object.entries(expected))
      assert.deepEqual(heard.get(`${service} ${step}`), answer, `${service} ${step}`);
  }
  assert.deepEqual(heard.get("presigned valid"), ["fine", 200]);
  for (const step of ["expired", "future", "other action"])
    assert.deepEqual(heard.get(`presigned ${step}`), wordings.mismatch.sts, step);
  const tooLong = heard.get("presigned too long");
  assert.ok(tooLong && Number(tooLong[1]) >= 400, String(tooLong));
  assert.deepEqual(await refusals(root), fine);
});

describe("functions", () => {
  let lambda: LambdaClient;
  const roleArn = "arn:aws:iam::000000000000:role/sailor";
  const trust = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com", AWS: "*" },
        Action: "sts:AssumeRole",
      },
    ],
  };
  before(async () => {
    lambda = new LambdaClient(settings(root));
    const iam = new IAMClient(settings(root));
    const AssumeRolePolicyDocument = JSON.stringify(trust);
    await iam.send(new CreateRoleCommand({ RoleName: "sailor", AssumeRolePolicyDocument }));
    iam.destroy();
    const code = `import { STSClient, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
      export const handler = async () => {
        const sts = new STSClient({});
        const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}));
        const query = "?Action=GetCallerIdentity&Version=2011-06-15";
        const unsigned = await fetch(process.env.AWS_ENDPOINT_URL + "/" + query, { method: "POST" });
        const forged = new STSClient({ credentials: {
          accessKeyId: process.env.AWS_ACCESS_KEY_ID,
          secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
          sessionToken: process.env.AWS_SESSION_TOKEN.slice(0, -8) + "AAAAAAAA" } });
        const refused = await forged.send(new GetCallerIdentityCommand({})).catch((error) => error.name);
        return { Arn, Account, unsigned: unsigned.status, body: await unsigned.text(), refused,
          key: process.env.AWS_ACCESS_KEY_ID.slice(0, 4) };
      };`;
    await deploy(lambda, "caller", { "index.mjs": code }, { Role: roleArn });
  });
  after(() => lambda.destroy());

  test("a function calls the platform as its role, and only signed", async () => {
    const { error, payload } = await invoke(lambda, "caller");
    assert.equal(error, undefined, JSON.stringify(payload));
    const { body, ...rest } = payload as Record<string, unknown>; // compared next
    assert.deepEqual(rest, {
      Arn: "arn:aws:sts::000000000000:assumed-role/sailor/caller",
      Account: "000000000000",
      unsigned: 403,
      refused: "InvalidClientTokenId",
      key: "ASIA",
    });
    assert.match(String(body), /<Code>MissingAuthenticationToken<\/Code>/);
  });

  test("temporary credentials of a role work with their token only", async () => {
    const iam = new IAMClient(settings(root));
    await iam.send(new CreateUserCommand({ UserName: "captain" }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "captain" }));
    iam.destroy();
    const captain = {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    };
    const sts = new STSClient(settings(captain));
    const { Credentials: issued } = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: "deck", DurationSeconds: 900 }),
    );
    sts.destroy();
    const key = {
      accessKeyId: issued?.AccessKeyId ?? "",
      secretAccessKey: issued?.SecretAccessKey ?? "",
    };
    const sessionToken = issued?.SessionToken ?? "";
    assert.deepEqual((await refusals({ ...key, sessionToken })).sts, ["fine", 200]);
    assert.deepEqual(await refusals(key), wordings.unknown);
    const foreign = { ...root, sessionToken };
    assert.notDeepEqual((await refusals(foreign)).sts, ["fine", 200]);
  });

  test("a function URL of AuthType AWS_IAM answers who signed, nobody else", async () => {
    const config = { FunctionName: "caller", AuthType: "AWS_IAM" } as const;
    const { FunctionUrl } = await lambda.send(new CreateFunctionUrlConfigCommand(config));
    const { host } = new URL(FunctionUrl ?? "");
    const plain = { method: "GET", path: "/", rawQuery: "", headers: { host }, body: "" };
    assert.equal((await visit(plain)).status, 403);
    const signer = { ...root, nowMs: Date.now(), region: "us-east-1", service: "lambda" };
    assert.equal((await visit(signRequest(plain, signer))).status, 200);
    const wrong = { ...signer, secretAccessKey: "wrong" };
    assert.equal((await visit(signRequest(plain, wrong))).status, 403);
    const other = { ...signer, service: "sts" };
    assert.equal((await visit(signRequest(plain, other))).status, 403);
  });

  test("a function URL of AuthType NONE needs a permission", async () => {
    await deploy(
      lambda,
      "open",
      { "index.mjs": "export const handler = async () => 'in';" },
      { Role: roleArn },
    );
    const created = new CreateFunctionUrlConfigCommand({ FunctionName: "open", AuthType: "NONE" });
    const { host } = new URL((await lambda.send(created)).FunctionUrl ?? "");
    const plain = { method: "GET", path: "/", rawQuery: "", headers: { host }, body: "" };
    const refused = await visit(plain);
    assert.equal(refused.status, 403);
    assert.deepEqual(JSON.parse(refused.body), { Message: "Forbidden" });
  });

  test("the platform's own pages do not empty a strict server", async () => {
    const response = await fetch(`${server.url}/_skerry/reset`, { method: "POST" });
    await response.body?.cancel();
    assert.notEqual(response.status, 200);
    assert.equal((await invoke(lambda, "caller")).error, undefined);
  });
});

async function visit(request: {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<RawAnswer> {
  const lines = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `GET ${request.path} HTTP/1.1\r\n${lines.join("")}connection: close\r\n\r\n`;
  const answers = parseAnswers(await exchange(server.port, head));
  assert.equal(answers.length, 1);
  const [answer] = answers;
  assert.ok(answer);
  return answer;
}
