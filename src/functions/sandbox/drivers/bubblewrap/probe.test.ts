import assert from "node:assert/strict";
import { test } from "node:test";
import { explain, probeHost } from "./probe.ts";

test("what bubblewrap says on restricted hosts becomes a command that repairs it", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["bwrap: setting up uid map: Permission denied", /apparmor_restrict_unprivileged_userns=0/],
    ["bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", /AppArmor/],
    ["bwrap: No permissions to create a new namespace", /unprivileged_userns_clone=1/],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", /systempaths/],
    ["bwrap: Unknown option --disable-userns", /older than 0\.8/],
    ["bwrap: Creating new namespace failed: nesting depth or …(ENOSPC)", /max_user_namespaces/],
  ];
  for (const [message, repair] of cases) assert.match(explain(message), repair);
});

test("a failed start is a reason, never an exception", async () => {
  const result = await probeHost(() => Promise.reject(new Error("bwrap: something new")));
  assert.equal(result.usable, false);
  assert.notEqual(result.reason, "");
});
