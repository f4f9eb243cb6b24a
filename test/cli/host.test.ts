import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { find, root } from "../support/commands.ts";
import { begin, skerry } from "./program.ts";

const folder = await mkdtemp(join(tmpdir(), "skerry-cli-"));
after(() => rm(folder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const sourceCommand = [
  join(root, "node_modules/node/bin/node"),
  "--conditions=source",
  join(root, "src/skerry.ts"),
];

test("doctor finds every required property holding, and leaves nothing behind", async () => {
  const plain = await skerry(["doctor"]);
  assert.equal(plain.code, 0, plain.out);
  assert.match(plain.out, /^ {2}ok +capabilities /m);
  assert.match(plain.out, /^ {2}ok +nodejs24\.x /m);
  assert.doesNotMatch(plain.out, /FAILED/);
  assert.match(plain.out, /Everything a contained function needs holds\.\n$/);
  const { code, out } = await skerry(["doctor", "--json"]);
  assert.equal(code, 0, out);
  const { properties } = JSON.parse(out) as { properties: Record<string, unknown>[] };
  assert.ok(properties.length >= 10);
  assert.deepEqual(
    properties.filter((property) => property["required"] && !property["holds"]),
    [],
  );
});

test(
  "without bubblewrap nothing starts, and the command that brings it is named",
  { skip: isRoot ? false : "hiding a program takes a mount namespace, which takes root" },
  async () => {
    // In a mount namespace of its own, so that nobody else misses it.
    const hide =
      'for f in /usr/bin/bwrap /bin/bwrap; do mount --bind /dev/null $f; done; exec "$@"';
    const program = ["unshare", "--mount", "sh", "-c", hide, "sh", ...sourceCommand];
    const started = await skerry(["up", "--port=0", `--data=${join(folder, "none")}`], { program });
    assert.deepEqual([started.code, started.out], [1, ""]);
    assert.equal(
      started.err,
      "skerry: bubblewrap is not installed; run: apt-get install -y bubblewrap\n",
    );
    const examined = await skerry(["doctor"], { program });
    assert.equal(examined.code, 1);
    assert.match(examined.out, /sandbox driver: bubblewrap: bubblewrap is not installed; run: /);
    assert.match(examined.out, /Functions will be refused/);
  },
);

test("an ordinary user is told that all sandboxes are his: single tenant", async (t) => {
  const program = isRoot
    ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", ...sourceCommand]
    : sourceCommand;
  if (isRoot && find("setpriv") === undefined) return t.skip("setpriv is not installed");
  const visible = await skerry(["--version"], { program });
  if (visible.code !== 0) return t.skip(`this folder is closed to other users: ${visible.err}`);
  const data = await mkdtemp(join(tmpdir(), "skerry-cli-"));
  t.after(() => rm(data, { recursive: true, force: true }));
  if (isRoot) await (await import("node:fs/promises")).chown(data, 65_534, 65_534);
  await using server = begin(["up", "--port=0", `--data=${data}`], {
    program,
    environment: { HOME: data },
  });
  await Promise.race([server.stdout.until(/list-functions/), server.exited]);
  if (/user namespaces/.test(server.stderr.text)) {
    return t.skip(`this host keeps sandboxes from ordinary users: ${server.stderr.text}`);
  }
  assert.match(
    server.stdout.text,
    /isolation +bubblewrap: .*; single tenant$/m,
    server.stderr.text,
  );
  assert.match(server.stdout.text, /^ {2}! single tenant: every sandbox runs under your own user/m);
});
