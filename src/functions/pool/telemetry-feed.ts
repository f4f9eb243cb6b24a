import type { Clock } from "#base/clock.ts";
import type { Revision } from "#functions/registry/registry.ts";
import type { GuestExtensions } from "#functions/runtimes/runtimes.ts";
import {
  initReportRecord,
  initRuntimeDoneRecord,
  initStartRecord,
  reportRecord,
  runtimeDoneRecord,
} from "./platform-records.ts";
import type { InitReport } from "./platform-records.ts";
import type { InvocationReport } from "./pool.ts";

/** What the runtime's answer to one invocation was, as `platform.runtimeDone` tells it. */
export interface RuntimeDone {
  readonly status: InvocationReport["status"];
  readonly errorType: string | undefined;
  readonly producedBytes: number | undefined;
}

/**
 * Tells the extensions of one environment what its log is told, as events of the Telemetry API. Costs
 * nothing where nobody can listen.
 */
export class TelemetryFeed {
  readonly #clock: Clock;
  readonly #revision: Revision;
  #extensions: GuestExtensions | undefined;
  /** Of the running invocation; undefined once its end has been told. */
  #running: { readonly requestId: string; readonly startedMs: number } | undefined;

  constructor(clock: Clock, revision: Revision) {
    this.#clock = clock;
    this.#revision = revision;
  }

  use(extensions: GuestExtensions | undefined): void {
    this.#extensions = extensions;
  }

  initStart(): void {
    if (this.#isWanted()) this.#publish("platform.initStart", initStartRecord(this.#revision));
  }

  initEnd(report: InitReport): void {
    if (!this.#isWanted()) return;
    this.#publish("platform.initRuntimeDone", initRuntimeDoneRecord(report));
    this.#publish("platform.initReport", initReportRecord(report));
  }

  start(requestId: string, version: string): void {
    if (!this.#isWanted()) return;
    this.#running = { requestId, startedMs: this.#clock.monotonicMs() };
    this.#publish("platform.start", { requestId, version });
  }

  runtimeDone(done: RuntimeDone): void {
    if (!this.#running) return;
    const { requestId, startedMs } = this.#running;
    const durationMs = this.#clock.monotonicMs() - startedMs;
    this.#running = undefined;
    const record = runtimeDoneRecord({ ...done, requestId, durationMs });
    this.#publish("platform.runtimeDone", record);
  }

  report(report: InvocationReport): void {
    if (!this.#isWanted()) return;
    // A runtime that never answered is done when the platform says so.
    this.runtimeDone({ ...report, producedBytes: undefined });
    this.#publish("platform.end", { requestId: report.requestId });
    this.#publish("platform.report", reportRecord(report));
  }

  lines(type: "function" | "extension", lines: readonly string[]): void {
    if (!this.#isWanted()) return;
    const isJson = this.#revision.logging.format === "JSON";
    for (const line of lines) this.#publish(type, line, isJson);
  }

  #isWanted(): boolean {
    return this.#extensions?.wantsTelemetry === true;
  }

  #publish(type: string, record: unknown, isJson = false): void {
    const time = new Date(this.#clock.nowMs()).toISOString();
    this.#extensions?.publish({ time, type, record, isJson });
  }
}
