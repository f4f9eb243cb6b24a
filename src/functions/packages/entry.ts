import { linkTargetBytesMax, pathBytesMax, pathPartBytesMax } from "./limits.ts";

/**
 * What one entry of an archive may become on disk. Pure: names and attributes in, a decision out, so
 * that every trick of a hostile archive is a line in a table of tests.
 */
export interface PlannedEntry {
  readonly kind: "file" | "directory" | "link";
  /** Relative, `/`-separated, no `.` or `..`; never empty. */
  readonly path: string;
  readonly mode: number;
}

/** An archive that must not be unpacked; the message is for the log, callers see the service's words. */
export class RefusedArchive extends Error {
  override readonly name = "RefusedArchive";
}

const fileTypeMask = 0o170_000;
const fileTypes = { unset: 0, directory: 0o040_000, file: 0o100_000, link: 0o120_000 } as const;
/** "Version made by" of the zip specification (APPNOTE 4.4.2): only these carry Unix modes. */
const unixHosts: readonly number[] = [3, 19];

/** `undefined` for an entry that names the root itself (`./`), which some tools write. */
export function planEntry(entry: {
  readonly name: string;
  readonly versionMadeBy: number;
  readonly externalAttributes: number;
}): PlannedEntry | undefined {
  const path = safePath(entry.name);
  const unixMode = unixHosts.includes(entry.versionMadeBy >>> 8)
    ? entry.externalAttributes >>> 16
    : 0;
  const type = unixMode & fileTypeMask;
  const isDirectory = entry.name.endsWith("/") || type === fileTypes.directory;
  if (path === "") {
    if (isDirectory) return undefined;
    throw new RefusedArchive(`entry ${show(entry.name)} has no name`);
  }
  if (isDirectory) return { kind: "directory", path, mode: 0o755 };
  if (type === fileTypes.link) return { kind: "link", path, mode: 0o777 };
  if (type !== fileTypes.file && type !== fileTypes.unset)
    throw new RefusedArchive(`entry ${show(entry.name)} is a device, socket or pipe`);
  // Set-user-id and friends go; the sandbox's uid is nobody's, so everyone must be able to read.
  return { kind: "file", path, mode: (unixMode & 0o111) === 0 ? 0o644 : 0o755 };
}

/** A relative target that stays inside the tree, judged from the directory of the link. */
export function checkLinkTarget(linkPath: string, target: string): void {
  if (target === "" || target.includes("\0") || Buffer.byteLength(target) > linkTargetBytesMax)
    throw new RefusedArchive(`link ${show(linkPath)} has no usable target`);
  if (target.startsWith("/"))
    throw new RefusedArchive(`link ${show(linkPath)} points to ${show(target)}, outside`);
  let depth = linkPath.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "..") depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0)
      throw new RefusedArchive(`link ${show(linkPath)} points to ${show(target)}, outside`);
  }
}

function safePath(name: string): string {
  if (name.includes("\0")) throw new RefusedArchive(`entry ${show(name)} contains a NUL`);
  if (name.includes("\\")) throw new RefusedArchive(`entry ${show(name)} contains a backslash`);
  if (name.startsWith("/") || /^[A-Za-z]:/.test(name))
    throw new RefusedArchive(`entry ${show(name)} is an absolute path`);
  if (Buffer.byteLength(name) > pathBytesMax)
    throw new RefusedArchive(`entry ${show(name)} is longer than ${pathBytesMax} bytes`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    if (part === "..") throw new RefusedArchive(`entry ${show(name)} leaves the package`);
    if (Buffer.byteLength(part) > pathPartBytesMax)
      throw new RefusedArchive(`entry ${show(name)} has a part over ${pathPartBytesMax} bytes`);
  }
  return parts.join("/");
}

function show(name: string): string {
  return JSON.stringify(name.slice(0, 200));
}
