import assert from "node:assert/strict";
import { test } from "node:test";
import { bubblewrapArguments, encodeArguments } from "./arguments.ts";

const profile = {
  mounts: [{ source: "/o/1", target: "/var/runtime" }],
  links: [{ target: "/var/slot/task", path: "/var/task" }],
  system: {
    mounts: [{ source: "/usr", target: "/usr" }],
    links: [{ target: "usr/bin", path: "/bin" }],
    etc: "/o/etc",
    empty: "/o/empty",
    hiddenFiles: ["/proc/keys"],
    hiddenDirectories: ["/proc/acpi"],
  },
  slot: "/o/slot",
  environment: { PATH: "/usr/bin", TOKEN: "a b" },
  scratchMiB: 512,
  descriptors: { seccomp: 6, info: 7, block: 8 },
};

test("the whole profile, in the order bubblewrap carries it out", () => {
  assert.deepEqual(bubblewrapArguments(profile).join(" ").split(" --").slice(1), [
    "unshare-user",
    "uid 1000",
    "gid 1000",
    "disable-userns",
    "die-with-parent",
    "new-session",
    "cap-drop ALL",
    "hostname 169-254-76-1",
    "clearenv",
    "setenv PATH /usr/bin",
    "setenv TOKEN a b",
    "ro-bind /usr /usr",
    "symlink usr/bin /bin",
    "ro-bind /o/etc /etc",
    "ro-bind /o/1 /var/runtime",
    "ro-bind /o/slot /var/slot",
    "symlink /var/slot/task /var/task",
    "proc /proc",
    "ro-bind /dev/null /proc/keys",
    "ro-bind /o/empty /proc/acpi",
    "dev /dev",
    "perms 1777",
    "size 536870912",
    "tmpfs /tmp",
    "remount-ro /proc",
    "remount-ro /dev",
    "remount-ro /",
    "chdir /",
    "seccomp 6",
    "info-fd 7",
    "block-fd 8",
  ]);
});

test("nothing is mounted writable but the scratch directory", () => {
  const writable = bubblewrapArguments(profile).filter((each) =>
    ["--bind", "--dev-bind", "--bind-try", "--file", "--bind-data"].includes(each),
  );
  assert.deepEqual(writable, []);
});

test("arguments end with a NUL each, empty ones included", () => {
  assert.equal(encodeArguments(["--setenv", "A", ""]).toString(), "--setenv\0A\0\0");
});
