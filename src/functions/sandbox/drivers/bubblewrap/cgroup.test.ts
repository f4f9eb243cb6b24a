import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  directoriesOf,
  findCgroups,
  flatKeyed,
  groupPaths,
  limitWrites,
  unlimitedCpu,
} from "./cgroup.ts";

/** Recorded on a host with the hybrid layout, shortened to what matters. */
const hybrid = {
  cgroup: [
    "9:name=systemd:/",
    "8:pids:/",
    "4:memory:/service/8878d202",
    "3:cpuset:/",
    "2:cpuacct:/",
    "1:cpu:/",
    "0::/",
  ].join("\n"),
  mountinfo: [
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard",
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu",
    "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct",
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids",
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
  ].join("\n"),
};

/** As systemd sets up Debian 12 and later, seen from a user's session. */
const unified = {
  cgroup: "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
  mountinfo:
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
};

/** A container on a v1 host without a cgroup namespace: the mounts show the container's own subtree. */
const container = {
  cgroup: ["6:cpu,cpuacct:/docker/ab12", "5:memory:/docker/ab12", "4:pids:/docker/ab12"].join("\n"),
  mountinfo: [
    "51 50 0:29 /docker/ab12 /sys/fs/cgroup/cpu,cpuacct ro,relatime - cgroup cgroup rw,cpu,cpuacct",
    "52 50 0:30 /docker/ab12 /sys/fs/cgroup/memory rw,relatime master:11 - cgroup cgroup rw,memory",
    "53 50 0:31 /docker/ab12 /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids",
  ].join("\n"),
};

describe("finding control groups", () => {
  test("hybrid: controllers in their v1 trees, kill and freeze in the unified one", () => {
    const layout = findCgroups(hybrid.cgroup, hybrid.mountinfo);
    assert.equal(layout.memory?.directory, "/sys/fs/cgroup/memory/service/8878d202");
    assert.equal(layout.memory?.version, 1);
    assert.equal(layout.cpu?.directory, "/sys/fs/cgroup/cpu");
    assert.equal(layout.pids?.directory, "/sys/fs/cgroup/pids");
    assert.equal(layout.unified?.directory, "/sys/fs/cgroup/unified");
    assert.equal(layout.unified?.version, 2);
  });

  test("v2: one directory for all", () => {
    const layout = findCgroups(unified.cgroup, unified.mountinfo);
    const expected =
      "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope";
    for (const key of ["memory", "cpu", "pids", "unified"] as const) {
      assert.equal(layout[key]?.directory, expected);
      assert.equal(layout[key]?.version, 2);
    }
    assert.deepEqual(directoriesOf(groupPaths(layout, "a/b")), [`${expected}/a/b`]);
  });

  test("a container's mount shows its own subtree as the root", () => {
    const layout = findCgroups(container.cgroup, container.mountinfo);
    assert.equal(layout.cpu?.directory, "/sys/fs/cgroup/cpu,cpuacct");
    assert.equal(layout.memory?.directory, "/sys/fs/cgroup/memory");
    assert.equal(layout.unified, undefined);
  });

  test("a path outside the mount's root falls back to the mount point", () => {
    const layout = findCgroups("0::/../other\n", unified.mountinfo.replace("0:26 /", "0:26 /x"));
    assert.equal(layout.unified?.directory, "/sys/fs/cgroup");
  });

  test("a mount point with a space is unescaped", () => {
    const text = String.raw`30 23 0:26 / /sys/fs/c\040g rw - cgroup2 cgroup2 rw`;
    assert.equal(findCgroups("0::/", text).unified?.directory, "/sys/fs/c g");
  });

  test("nothing is found in nothing", () => {
    const layout = findCgroups("", "");
    assert.deepEqual(directoriesOf(groupPaths(layout, "x")), []);
  });
});

describe("limits", () => {
  const v1 = groupPaths(findCgroups(hybrid.cgroup, hybrid.mountinfo), "s");
  const v2 = groupPaths(findCgroups("0::/", unified.mountinfo), "s");
  const limits = { memoryMiB: 128, cpuMilli: 72, pidsMax: 64 };
  const names = (writes: readonly { readonly file: string; readonly value: string }[]): string[] =>
    writes.map(({ file, value }) => `${file.slice(file.lastIndexOf("/") + 1)}=${value}`);

  test("v1 writes memory before memory plus swap when it falls, after it when it grows", () => {
    const [limit, swap] = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"].map(
      (name) => `${name}=134217728`,
    );
    assert.deepEqual(names(limitWrites(v1, limits, false)), [
      limit,
      swap,
      "memory.swappiness=0",
      "memory.kmem.tcp.limit_in_bytes=33554432",
      "cpu.cfs_period_us=100000",
      "cpu.cfs_quota_us=7200",
      "pids.max=64",
    ]);
    assert.deepEqual(names(limitWrites(v1, { memoryMiB: 128 }, true)).slice(0, 2), [swap, limit]);
  });

  test("v2 forbids swap and kills a group as one", () => {
    assert.deepEqual(names(limitWrites(v2, limits, false)), [
      "memory.max=134217728",
      "memory.swap.max=0",
      "memory.oom.group=1",
      "cpu.max=7200 100000",
      "pids.max=64",
    ]);
  });

  test("a share below the kernel's smallest quota is raised to it", () => {
    assert.deepEqual(names(limitWrites(v2, { cpuMilli: 1 }, false)), ["cpu.max=1000 100000"]);
  });

  test("what is being killed may use every core", () => {
    const writes = [v1.cpu, v2.cpu].flatMap((cpu) => (cpu ? [unlimitedCpu(cpu)] : []));
    assert.deepEqual(names(writes), ["cpu.cfs_quota_us=-1", "cpu.max=max 100000"]);
    assert(writes.every((write) => write.optional));
  });

  test("only what changes is written", () => {
    assert.deepEqual(limitWrites(v2, {}, false), []);
  });
});

test("counts are read from flat-keyed files", () => {
  assert.equal(flatKeyed("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "oom_kill"), 3);
  assert.equal(flatKeyed("", "oom_kill"), 0);
});
