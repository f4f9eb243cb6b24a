import type { SandboxDriver } from "#functions/sandbox/sandbox.ts";

/** What holds, in one line, and what an operator must be told because it does not. */
export async function describeIsolation(
  driver: SandboxDriver,
): Promise<{ readonly summary: string; readonly notices: string[] }> {
  if (driver.isolation === "none") {
    const risk = "functions run as plain processes with your rights: this is not isolation";
    return { summary: "NONE (--sandbox=process)", notices: [risk] };
  }
  const limits = await driver.limits();
  const enforced = Object.entries(limits).flatMap(([name, holds]) => (holds ? [name] : []));
  const missing = Object.entries(limits).flatMap(([name, holds]) => (holds ? [] : [name]));
  const notices: string[] = [];
  if (!driver.multiTenant) {
    notices.push(
      "single tenant: every sandbox runs under your own user; start as root to separate them",
    );
  }
  if (missing.length > 0) {
    notices.push(
      `limits on ${missing.join(", ")} are advisory: no control group is delegated to this user`,
    );
  }
  const parts = [
    "namespaces, system-call filter, no network",
    enforced.length > 0 ? `limits on ${enforced.join(", ")}` : "no enforced limits",
    driver.multiTenant ? "a host user of its own per sandbox" : "single tenant",
  ];
  return { summary: `${driver.name}: ${parts.join("; ")}`, notices };
}

/** Shown at the first start of a strict server only. */
export function rootKeyNotice(key: {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}): string {
  return `root key, shown once: ${key.accessKeyId} ${key.secretAccessKey}`;
}
