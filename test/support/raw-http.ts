import { connect } from "node:net";

/** Sends these bytes to a port of this machine; resolves with all that came back until the end. */
export function exchange(
  port: number,
  request: string,
  options: { readonly hangUp?: boolean } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: "127.0.0.1", port });
    socket.setTimeout(30_000, () => socket.destroy(new Error("no end within 30 seconds")));
    socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A peer that has answered may reset what it did not want to read any more.
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.write(Buffer.from(request, "latin1"), () => {
      if (options.hangUp === true) socket.destroy();
    });
  });
}

export interface RawAnswer {
  readonly status: number;
  /** As sent, one entry per line. */
  readonly lines: readonly string[];
  readonly body: string;
}

/** All answers on one connection, by their own lengths; bytes that belong to none are an error. */
export function parseAnswers(bytes: string): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = bytes;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    const [first = "", ...lines] = rest.slice(0, Math.max(0, end)).split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3})/.exec(first)?.[1];
    if (status === undefined) throw new Error(`no answer: ${JSON.stringify(rest.slice(0, 200))}`);
    const header = (name: string): string | undefined =>
      lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1);
    const after = rest.slice(end + 4);
    const { body, length } = /chunked/i.test(header("transfer-encoding") ?? "")
      ? readChunks(after)
      : { body: after.slice(0, Number(header("content-length") ?? 0)), length: undefined };
    answers.push({ status: Number(status), lines, body });
    rest = after.slice(length ?? Number(header("content-length") ?? 0));
  }
  return answers;
}

function readChunks(bytes: string): { readonly body: string; readonly length: number } {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.slice(at, lineEnd), 16);
    if (lineEnd < 0 || Number.isNaN(size)) throw new Error("the chunks break off");
    if (size === 0) return { body, length: lineEnd + 4 };
    body += bytes.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}
