import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { find, root, run } from "./commands.ts";

const sources = fileURLToPath(new URL("../wire/functions/java", import.meta.url));

/** Why no Java can be compiled against AWS's library here, or false. */
export function whyNoJava(): string | false {
  if (find("javac") === undefined) return "there is no javac on this machine";
  if (libraryOf() === undefined) return "there is no .java-client; a Maven would bring it";
  return false;
}

export interface JavaBuild {
  /** Path → bytes of the handlers' classes, as they lie in a zip package. */
  readonly classes: Readonly<Record<string, Uint8Array>>;
  /** The same as a jar that `jar` made. */
  readonly handlersJar: Uint8Array;
  readonly libraryJar: Uint8Array;
}

/** Compiles the test handlers with javac for Java 17. */
export async function buildJava(): Promise<JavaBuild> {
  const folder = await mkdtemp(join(tmpdir(), "skerry-java-"));
  try {
    const handlers = await compile(folder, "Handlers");
    const library = await compile(folder, "Library");
    return {
      classes: readTree(handlers.classes),
      handlersJar: await readFile(handlers.jar),
      libraryJar: await readFile(library.jar),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compile(folder: string, name: string): Promise<{ classes: string; jar: string }> {
  const classes = join(folder, name);
  const jar = join(folder, `${name}.jar`);
  await mkdir(classes);
  const path = libraryOf() ?? "";
  const source = join(sources, `${name}.java`);
  await run("javac", ["--release", "17", "-cp", path, "-d", classes, source]);
  await run("jar", ["--create", "--file", jar, "-C", classes, "."]);
  return { classes, jar };
}

function libraryOf(): string | undefined {
  const client = join(root, ".java-client");
  if (!existsSync(client)) return undefined;
  const name = readdirSync(client).find((file) => /^aws-lambda-java-core-.*\.jar$/.test(file));
  return name && join(client, name);
}

function readTree(folder: string): Record<string, Uint8Array> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const classes = files.filter((path) => path.endsWith(".class"));
  return Object.fromEntries(classes.map((path) => [path, readFileSync(join(folder, path))]));
}
