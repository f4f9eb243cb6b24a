import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seccompFilter } from "./seccomp.ts";
import { architectures, forbiddenCalls, idleCalls, newestCall } from "./syscalls.ts";
import { runFilter } from "../../testing/filter-machine.ts";
import type { Call } from "../../testing/filter-machine.ts";

for (const architecture of ["x64", "arm64"] as const) {
  describe(`the filter for ${architecture}`, () => {
    const program = seccompFilter(architecture);
    const numbers = architectures[architecture];
    const judge = (call: Call): string => runFilter(program, architecture, call);
    const index = architecture === "x64" ? 0 : 1;

    test("decides every number from 0 to 1023 as reviewed", () => {
      const forbidden = new Set<number>();
      for (const pair of Object.values(forbiddenCalls)) {
        const number = pair[index];
        if (number !== undefined) forbidden.add(number);
      }
      const idle = Object.values(idleCalls).map((pair): number => pair[index]);
      for (let number = 0; number <= 1023; number++) {
        const isGap = numbers.unassigned.some(([first, last]) => number >= first && number <= last);
        const isAbsent = number > newestCall || isGap || number === numbers.clone3;
        // A call without arguments: domain 0 is no allowed socket family.
        const isFamily = number === numbers.socket || number === numbers.socketpair;
        const denied = isFamily ? "EAFNOSUPPORT" : "allow";
        const allowed = idle.includes(number) ? "nothing" : denied;
        const expected = isAbsent ? "ENOSYS" : forbidden.has(number) ? "EPERM" : allowed;
        assert.equal(judge({ number }), expected, `call ${number}`);
      }
    });

    test("names no call twice and none beyond the newest", () => {
      const all = Object.values({ ...forbiddenCalls, ...idleCalls })
        .map((pair) => pair[index])
        .filter((number) => number !== undefined);
      assert.equal(new Set(all).size, all.length);
      assert.ok(all.every((number) => number <= newestCall));
    });

    test("kills a process that uses another calling convention", () => {
      const other = architectures[architecture === "x64" ? "arm64" : "x64"].audit;
      assert.equal(judge({ number: 0, audit: other }), "kill");
      assert.equal(judge({ number: 0, audit: 0x40000003 }), "kill");
    });

    test("refuses clone with any namespace flag and allows threads and forks", () => {
      for (const bit of [17, 25, 26, 27, 28, 29, 30]) {
        const values = [BigInt(2 ** bit) | 17n];
        assert.equal(judge({ number: numbers.clone, values }), "EPERM", `bit ${bit}`);
      }
      assert.equal(judge({ number: numbers.clone, values: [0x3d0f00n] }), "allow");
      assert.equal(judge({ number: numbers.clone, values: [17n] }), "allow");
    });

    test("lets through only Unix and IP sockets of ordinary types, and the routing netlink", () => {
      for (let family = 0; family < 64; family++) {
        for (let type = 0; type < 16; type++) {
          const values = [BigInt(family), BigInt(type | 0x80000 | 0x800), 0n];
          const isFamily = [1, 2, 10].includes(family);
          const isType = [1, 2, 5].includes(type);
          const ordinary = isFamily ? (isType ? "allow" : "EPERM") : "EAFNOSUPPORT";
          const expected = family === 16 ? "allow" : ordinary;
          assert.equal(judge({ number: numbers.socket, values }), expected, `${family}/${type}`);
        }
      }
      assert.equal(judge({ number: numbers.socket, values: [16n, 3n, 15n] }), "EPERM");
      assert.equal(judge({ number: numbers.socketpair, values: [1n] }), "allow");
      assert.equal(judge({ number: numbers.socketpair, values: [40n] }), "EAFNOSUPPORT");
    });

    test("ignores the upper half of arguments the kernel reads as 32 bits", () => {
      const high = 1n << 40n;
      assert.equal(judge({ number: numbers.socket, values: [high | 40n, 1n] }), "EAFNOSUPPORT");
      assert.equal(judge({ number: numbers.ioctl, values: [0n, high | 0x5412n] }), "EPERM");
    });

    test("refuses typing into a terminal and allows other requests", () => {
      assert.equal(judge({ number: numbers.ioctl, values: [0n, 0x5412n] }), "EPERM");
      assert.equal(judge({ number: numbers.ioctl, values: [0n, 0x541cn] }), "EPERM");
      assert.equal(judge({ number: numbers.ioctl, values: [0n, 0x5401n] }), "allow");
    });

    test("fits what the kernel takes", () => {
      assert.equal(program.length % 8, 0);
      assert.ok(program.length / 8 <= 4096);
    });
  });
}

test("the x32 numbers of x86_64 do not exist", () => {
  const program = seccompFilter("x64");
  for (const number of [0x40000000, 0x40000000 + 1, 0x40000000 + 521, 0xffffffff]) {
    assert.equal(runFilter(program, "x64", { number }), "ENOSYS");
  }
});
