import { existsSync, readdirSync, statSync } from "node:fs";
import { place } from "../node/paths.mjs";

/** Names of the files in /opt/extensions: each is an extension to be started beside the runtime. */
export function findExtensions() {
  const folder = place("/opt/extensions");
  // Hardly any function has them, and an error takes longer to make than a look does.
  if (!existsSync(folder)) return [];
  try {
    const names = readdirSync(folder).toSorted();
    return names.filter((name) => statSync(`${folder}/${name}`).isFile());
  } catch {
    return [];
  }
}
