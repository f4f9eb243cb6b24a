/** What an attacker in Node can do by itself. */
import { readFileSync } from "node:fs";

export const read = ({ path }) => readFileSync(path, "utf8");
