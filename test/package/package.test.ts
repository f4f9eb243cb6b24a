import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import { parseSync } from "oxc-parser";
import { publint } from "publint";
import type { Diagnosis } from "#cli/command.ts";
import { skerry, up } from "../cli/program.ts";
import { find, root, run } from "../support/commands.ts";
import { deploy, text } from "../support/functions.ts";

/*
 * What npm would publish, unpacked where npm would put it, without `src/`:
 * `app/node_modules/skerry`, and one folder up the packages it depends on, as installed here.
 */
const folder = await mkdtemp(join(tmpdir(), "skerry-package-"));
after(() => rm(folder, { recursive: true, force: true }));
const app = join(folder, "app");
const installed = join(app, "node_modules/skerry");
const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}; // our own
const packed = await install();
const program = [find("node") ?? process.execPath, join(installed, "bin/skerry.js")];

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

async function install(): Promise<Packed> {
  const stage = join(folder, "stage");
  await mkdir(stage);
  // All of the project that is not history, data or installed: `files` has to choose, not this test.
  for (const name of await readdir(root)) {
    if (name.startsWith(".") || name === "node_modules" || name === "dist") continue;
    // Python writes its caches whenever another test runs.
    const filter = (path: string): boolean => !path.endsWith("__pycache__");
    await cp(join(root, name), join(stage, name), { recursive: true, filter });
  }
  const cache = join(stage, "guest/python/skerry_guest/__pycache__");
  await mkdir(cache);
  await writeFile(join(cache, "channel.cpython-313.pyc"), "");
  const script = join(root, "scripts/build.ts");
  await run(process.execPath, ["--conditions=source", script, join(stage, "dist")]);
  // npm's own cache is not needed and not touched.
  const options = ["--json", "--ignore-scripts", "--offline", `--cache=${join(folder, "cache")}`];
  const output = await run("npm", ["pack", stage, `--pack-destination=${folder}`, ...options]);
  const [packed] = JSON.parse(output) as Packed[]; // `npm help pack`, --json
  assert.ok(packed, output);
  await mkdir(installed, { recursive: true });
  const archive = join(folder, packed.filename);
  await run("tar", ["-xzf", archive, "-C", installed, "--strip-components=1"]);
  await writeFile(join(app, "package.json"), JSON.stringify({ name: "app", private: true }));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return packed;
}

test("the tarball has what runs and what one reads, and nothing else", () => {
  const files = packed.files.map(({ path }) => path);
  const expected =
    /^(bin|dist|guest)\/|^(LICENSE|README\.md|SECURITY\.md|CHANGELOG\.md|package\.json)$/;
  assert.deepEqual(
    files.filter((path) => !expected.test(path)),
    [],
  );
  assert.deepEqual(
    files.filter((path) => /\.test\.|__pycache__|testing\/|(?<!\.d)\.ts$/.test(path)),
    [],
  );
  for (const path of [
    "bin/skerry.js",
    "dist/main.js",
    "dist/main.d.ts",
    "dist/skerry.js",
    "dist/functions/sandbox/launcher/launcher.js",
    "dist/functions/sandbox/launcher/inside/probe.js",
    "guest/node/boot.mjs",
    "guest/provided/boot.mjs",
    "guest/python/boot.py",
    "LICENSE",
  ]) {
    assert.ok(files.includes(path), path);
  }
  assert.ok(packed.size < 5_000_000, `${packed.size} bytes`);
});

test("its manifest promises nothing that is not there", async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false });
  assert.deepEqual(messages, []);
});

test("every package it imports is one it depends on", async () => {
  for (const { path } of packed.files.filter((file) => /^dist\/.*\.js$/.test(file.path))) {
    const code = await readFile(join(installed, path), "utf8");
    const { staticImports, dynamicImports } = parseSync(path, code).module;
    const specifiers = [
      ...staticImports.map((each) => each.moduleRequest.value),
      ...dynamicImports.map(({ moduleRequest: { start, end } }) => code.slice(start + 1, end - 1)),
    ];
    for (const specifier of specifiers) {
      if (/^(node:|\.\/)/.test(specifier)) continue;
      const [name = specifier] = /^(@[^/]+\/)?[^/]+/.exec(specifier) ?? [];
      assert.ok(Object.hasOwn(manifest.dependencies, name), `${path}: ${specifier}`);
    }
  }
});

test("the program runs without its source: its version, a function, an orderly end", async () => {
  const said = await skerry(["--version"], { program, workingDirectory: app });
  assert.deepEqual(said, { code: 0, out: `${manifest.version}\n`, err: "" });

  await using server = await up([], { program, workingDirectory: app });
  await deploy(server.lambda, "packed", {
    "index.mjs": `import { LambdaClient } from "@aws-sdk/client-lambda";
      export const handler = async (event) => ({ ...event, sdk: typeof LambdaClient });`,
  });
  const answer = await server.lambda.send(
    new InvokeCommand({ FunctionName: "packed", Payload: JSON.stringify({ hello: "world" }) }),
  );
  assert.equal(answer.FunctionError, undefined);
  assert.deepEqual(JSON.parse(text(answer.Payload)), { hello: "world", sdk: "function" });
  server.child.kill("SIGTERM");
  assert.equal(await server.exited, 0);
});

test("doctor finds its launcher and the program that examines a sandbox from within", async () => {
  // Java's client is brought beside the repository, not with the package.
  const doctor = ["doctor", "--json", `--java-client=${join(root, ".java-client")}`];
  const ours = await skerry(doctor);
  const theirs = await skerry(doctor, { program, workingDirectory: app });
  assert.equal(theirs.err, "");
  assert.equal(theirs.code, ours.code);
  // What was measured differs from run to run; what was found may not.
  const findings = (output: string): unknown => {
    const { sandbox, properties, runtimes } = JSON.parse(output) as Diagnosis; // `--json` is its own form
    return {
      isUsable: sandbox.usable,
      properties: properties.map(({ name, holds }) => ({ name, holds })),
      runtimes: runtimes.map(({ identifier, usable }) => ({ identifier, usable })),
    };
  };
  assert.deepEqual(findings(theirs.out), findings(ours.out));
});

const node24 = join(root, `node_modules/node24-linux-${process.arch}/bin/node`);
for (const [name, node] of [
  ["the pinned Node", process.execPath],
  ["Node 24", node24],
] as const) {
  const skip = !existsSync(node) && `${name} is not installed`;
  test(`a program imports it by name, on ${name}`, { skip }, async () => {
    const script = join(app, "embed.mjs");
    await writeFile(
      script,
      `import { start } from "skerry";
      await using server = await start({ logLevel: "error" });
      const { status } = await fetch(server.url + "/_skerry/health");
      console.log(status);`,
    );
    assert.equal(await run(node, [script]), "200\n");
  });
}

test("its types are found, and complete", async () => {
  const options = {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "esnext",
    types: ["node"],
  };
  const compilerOptions = { ...options, lib: ["esnext"], skipLibCheck: false };
  await writeFile(
    join(app, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["embed.mts"] }),
  );
  await writeFile(
    join(app, "embed.mts"),
    `import { start, type StartSettings } from "skerry";
    const settings: StartSettings = { port: 0 };
    await using server = await start(settings);
    export const port: number = server.port;
    // @ts-expect-error a setting of the wrong type
    void start({ port: "many" });`,
  );
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  assert.equal(await run(process.execPath, [compiler, "-p", app]), "");
});
