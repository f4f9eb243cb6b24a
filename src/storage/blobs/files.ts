import { type FileHandle, open } from "node:fs/promises";

/** Makes the names in a directory durable, not only the contents of its files (fsync(2), "Notes"). */
export async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, "r");
  await handle.sync();
}

/** Undefined when there is no such file. */
export async function openReadable(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
