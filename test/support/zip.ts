import { buffer } from "node:stream/consumers";
import yazl from "yazl";

/** A zip archive of these files (path → text or bytes); executable where `modes` says so. */
export async function zip(
  files: Readonly<Record<string, string | Uint8Array>>,
  modes: Readonly<Record<string, number>> = {},
): Promise<Uint8Array> {
  const archive = new yazl.ZipFile();
  for (const [path, content] of Object.entries(files)) {
    archive.addBuffer(Buffer.from(content as Uint8Array), path, { mode: modes[path] ?? 0o100644 }); // Buffer.from takes both
  }
  archive.end();
  return buffer(archive.outputStream);
}
