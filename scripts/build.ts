/**
 * Builds `dist/`, what the published package runs: Node does not strip types below `node_modules`.
 * `node --conditions=source scripts/build.ts [directory]`
 *
 * `skerry`, `main` and `worker` share chunks, all directly in `dist/`. Programs that are started as files of
 * their own lie where they lie below `src/`, each complete in itself: the sandbox shows the self-test's
 * folder only, and the launcher loads nothing it does not need.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src");
const programs = ["functions/sandbox/launcher/launcher", "functions/sandbox/launcher/inside/probe"];

/**
 * A module's own address is that of the chunk it landed in. Put back what it would be if every file
 * had been translated for itself, so that paths computed from it hold in `src/` and `dist/` alike.
 * `folder` is the output's, relative to `dist/`.
 */
function ownAddresses(folder: string): Plugin {
  return {
    name: "own addresses",
    setup(plugin) {
      plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        const place = relative(join(source, folder), path).replace(/\.ts$/, ".js");
        const address = `new URL(${JSON.stringify(`./${place}`)}, import.meta.url).href`;
        return { contents: text.replaceAll("import.meta.url", address), loader: "ts" };
      });
    },
  };
}

/** Bundles our own modules; packages stay packages, found by Node where npm has put them. */
async function bundle(folder: string, options: BuildOptions): Promise<void> {
  await build({
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24", // the oldest that has AsyncDisposableStack, for those who embed; we run on 26
    packages: "external",
    conditions: ["source"],
    logLevel: "warning",
    plugins: [ownAddresses(folder)],
    ...options,
  });
}

/** The declarations `main.d.ts` needs. Whether the types are right is `npm run types`' to say. */
function emitDeclarations(directory: string): void {
  const work = mkdtempSync(join(tmpdir(), "skerry-types-"));
  try {
    const project = join(work, "tsconfig.json");
    const compilerOptions = {
      noEmit: false,
      noCheck: true,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: source,
      outDir: join(work, "out"),
      typeRoots: [join(root, "node_modules/@types")],
    };
    const settings = {
      extends: join(root, "tsconfig.json"),
      compilerOptions,
      include: [],
      files: [join(source, "main.ts")],
    };
    writeFileSync(project, JSON.stringify(settings));
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const run = spawnSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`tsc: ${run.stdout}${run.stderr}`);
    keepReachable(join(work, "out"), directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Copies `main.d.ts` and what it leads to, with specifiers that need neither `src/` nor settings. */
function keepReachable(from: string, to: string): void {
  const kept = new Set(["main.d.ts"]);
  for (const file of kept) {
    const text = readFileSync(join(from, file), "utf8").replaceAll(
      /(from |import\()"(#|\.{1,2}\/)([^"]+)\.ts"/g,
      (_, keyword: string, start: string, rest: string) => {
        const target = start === "#" ? rest : join(dirname(file), start, rest);
        kept.add(`${target}.d.ts`);
        const path = relative(dirname(file), target);
        return `${keyword}"${path.startsWith(".") ? path : `./${path}`}.js"`;
      },
    );
    mkdirSync(dirname(join(to, file)), { recursive: true });
    writeFileSync(join(to, file), text);
  }
}

const wanted = resolve(process.argv[2] ?? join(root, "dist"));
const temporary = mkdtempSync(join(tmpdir(), "skerry-build-"));
const work = join(temporary, "dist"); // with everybody's permissions, unlike the folder above
try {
  await bundle("", {
    entryPoints: ["main", "skerry", "worker"].map((name) => join(source, `${name}.ts`)),
    outdir: work,
    splitting: true,
  });
  for (const program of programs) {
    await bundle(dirname(program), {
      entryPoints: [join(source, `${program}.ts`)],
      outfile: join(work, `${program}.js`),
    });
  }
  emitDeclarations(work);
  rmSync(wanted, { recursive: true, force: true });
  cpSync(work, wanted, { recursive: true });
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
