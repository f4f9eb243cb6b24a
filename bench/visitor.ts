import { Agent, request } from "node:http";

/** One caller with one kept connection, asking one host after the other. */
export interface Visitor extends Disposable {
  /** Milliseconds from the request to the last byte of its answer; an error unless it is a 200. */
  visit(host: string): Promise<number>;
}

export function openVisitor(port: number): Visitor {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    visit: (host) =>
      new Promise((resolve, reject) => {
        const startMs = performance.now();
        request({ agent, host: "127.0.0.1", port, headers: { host } }, (response) => {
          response.resume();
          response.on("end", () => {
            if (response.statusCode === 200) resolve(performance.now() - startMs);
            else reject(new Error(`${host} answered ${response.statusCode}`));
          });
        })
          .on("error", reject)
          .end();
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
