import { readFile } from "node:fs/promises";
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  CreateFunctionUrlConfigCommand,
  type FunctionUrlAuthType,
  type InvokeMode,
  type LambdaClient,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { zip } from "./zip.ts";

export const roleArn = "arn:aws:iam::000000000000:role/test";

/** The source of a test function below `test/wire/functions`. */
export function source(name: string): Promise<Buffer> {
  return readFile(new URL(`../wire/functions/${name}`, import.meta.url));
}

/** Creates a function from these files and waits until it is active. */
export async function deploy(
  lambda: LambdaClient,
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  settings: Partial<CreateFunctionCommandInput> = {},
): Promise<void> {
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: roleArn,
      Runtime: "nodejs24.x",
      Handler: "index.handler",
      Timeout: 10,
      MemorySize: 256,
      Code: { ZipFile: await zip(files, { bootstrap: 0o100755 }) },
      ...settings,
    }),
  );
  await waitUntilFunctionActiveV2(
    { client: lambda, maxWaitTime: 30, minDelay: 0.1 },
    { FunctionName: name },
  );
}

/** Gives a function a public URL; resolves with it. */
export async function publish(
  lambda: LambdaClient,
  name: string,
  settings: { readonly AuthType?: FunctionUrlAuthType; readonly InvokeMode?: InvokeMode } = {},
): Promise<string> {
  const url = await lambda.send(
    new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: "NONE", ...settings }),
  );
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: name,
      StatementId: "public",
      Action: "lambda:InvokeFunctionUrl",
      Principal: "*",
      FunctionUrlAuthType: "NONE",
    }),
  );
  return url.FunctionUrl ?? "";
}

export function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("utf8");
}
