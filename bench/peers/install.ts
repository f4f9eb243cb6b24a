import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Building a Go program with its modules takes minutes on two cores. */
const timeoutMs = 15 * 60_000;

/** Where peers are installed: outside the project's dependencies, and ignored by git. */
const home = fileURLToPath(new URL("../../.skerry/bench-peers/", import.meta.url));

/**
 * The folder of a peer, installed by `install` if it is not there yet. Fails with what the installer said;
 * nothing is left then, so that the next run tries again.
 */
export async function installed(
  name: string,
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(home, name);
  if (existsSync(join(folder, ".complete"))) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await install(folder);
    await writeFile(join(folder, ".complete"), "");
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** npm packages, `name@version`, into the folder's own node_modules; no install script is run. */
export function fromNpm(...packages: readonly string[]): (folder: string) => Promise<void> {
  return async (folder) => {
    await writeFile(join(folder, "package.json"), '{ "private": true }\n');
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--prefix", folder];
    await tool(folder, "npm", ["install", ...flags, ...packages]);
  };
}

/** A Python package, `name==version`, into a virtual environment that is the folder. */
export function fromPypi(requirement: string): (folder: string) => Promise<void> {
  return async (folder) => {
    await tool(folder, "python3", ["-m", "venv", folder]);
    const pip = join(folder, "bin/pip");
    await tool(folder, pip, ["install", "--quiet", "--disable-pip-version-check", requirement]);
  };
}

/** Builds a command of a Go module into `<folder>/program`; the module's files lie in `<folder>/module`. */
export function fromGo(module: string, command: string): (folder: string) => Promise<void> {
  return async (folder) => {
    // Both projects tag without the "v" that Go wants, so there is no version to name.
    const answer = await tool(folder, "go", ["mod", "download", "-json", `${module}@latest`]);
    const { Dir } = JSON.parse(answer) as { Dir: string }; // documented in `go help mod download`
    await cp(Dir, join(folder, "module"), { recursive: true });
    await tool(join(folder, "module"), "go", ["build", "-o", join(folder, "program"), command]);
  };
}

/** A Java library with all it needs, `group:artifact:version`, into `<folder>/lib`. */
export function fromMaven(coordinates: string): (folder: string) => Promise<void> {
  return async (folder) => {
    const [groupId, artifactId, version] = coordinates.split(":");
    const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>peer</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>
  </dependency></dependencies>
</project>
`;
    await writeFile(join(folder, "pom.xml"), pom);
    const goal = "dependency:copy-dependencies";
    await tool(folder, "mvn", ["-q", "-B", goal, `-DoutputDirectory=${join(folder, "lib")}`]);
  };
}

/** Its standard output; fails with the last lines of what it said, without addresses. */
async function tool(cwd: string, program: string, args: readonly string[]): Promise<string> {
  const options = { cwd, timeout: timeoutMs, maxBuffer: 64 * 2 ** 20 };
  try {
    return (await run(program, args, options)).stdout;
  } catch (error) {
    const failed = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string }; // of execFile
    if (failed.code === "ENOENT") throw new Error(`${program} is not installed`, { cause: error });
    const said = `${failed.stdout ?? ""}\n${failed.stderr ?? ""}`.trim().split("\n").slice(-6);
    const command = [program, ...args].join(" ").replaceAll(home, "");
    const reason = said.join(" ").replaceAll(/https?:\/\/\S+/g, "(the registry)");
    throw new Error(`\`${command}\` failed: ${reason.replaceAll(home, "")}`, { cause: error });
  }
}
