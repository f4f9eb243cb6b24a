import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { zip } from "./zip.ts";

const folder = fileURLToPath(new URL("../../examples/thumbnails/", import.meta.url));

/** The functions of `examples/thumbnails` as archives, by their name; the runtime brings the SDK. */
export async function bundleThumbnails(): Promise<Record<"thumbnail" | "announce", Uint8Array>> {
  const [thumbnail, announce] = await Promise.all([bundle("thumbnail"), bundle("announce")]);
  return { thumbnail, announce };
}

async function bundle(name: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [`${folder}${name}.ts`],
    bundle: true,
    minify: true,
    platform: "node",
    format: "cjs",
    external: ["@aws-sdk/*"],
    write: false,
  });
  return zip({ "index.js": outputFiles[0]?.contents ?? new Uint8Array() });
}
