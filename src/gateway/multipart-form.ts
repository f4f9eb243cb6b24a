import { formFieldBytesMax, formFieldsMax } from "./limits.ts";

/** A form with one file, whose bytes have not been read yet. */
export interface FileForm {
  /** Names in lower case; those before the file, as only they count. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: {
    readonly name: string;
    readonly contentType: string | undefined;
    readonly body: AsyncIterable<Uint8Array>;
  };
}

/** What the sender did wrong. */
export class FormError extends Error {
  override readonly name = "FormError";
}

/**
 * Reads `multipart/form-data` (RFC 7578) up to the bytes of the field `file`; those are read by whoever
 * wants them, and what comes behind is read and dropped. Errors: `FormError`, also while the file is read.
 */
export async function readFileForm(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
): Promise<FileForm> {
  const boundary = /boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) throw new FormError("The boundary of the form is missing.");
  const source = new FormSource(body);
  const fields = new Map<string, string>();
  await source.skipTo(Buffer.from(`--${mark}\r\n`, "latin1"));
  const end = Buffer.from(`\r\n--${mark}`, "latin1");
  for (let count = 0; count < formFieldsMax; count++) {
    const head = (await source.upTo(Buffer.from("\r\n\r\n"))).toString("utf8");
    const name = /;\s*name="([^"]*)"/i.exec(head)?.[1]?.toLowerCase();
    if (name === undefined) throw new FormError("A field of the form has no name.");
    if (name === "file") {
      const fileName = /filename="([^"]*)"/i.exec(head)?.[1] ?? "";
      const type = /^content-type:\s*(.+)$/im.exec(head)?.[1]?.trim();
      return { fields, file: { name: fileName, contentType: type, body: source.rest(end) } };
    }
    fields.set(name, (await source.upTo(end)).toString("utf8"));
    if ((await source.upTo(Buffer.from("\r\n"))).toString("latin1") === "--") break;
  }
  throw new FormError("POST requires exactly one file upload per request.");
}

class FormSource {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#iterator = body[Symbol.asyncIterator]();
  }

  async skipTo(mark: Buffer): Promise<void> {
    await this.upTo(mark);
  }

  /** Everything before the mark, which is taken too. */
  async upTo(mark: Buffer): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      if (at >= 0) {
        const found = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + mark.length);
        return found;
      }
      if (this.#held.length > formFieldBytesMax)
        throw new FormError("A field of the form is too large.");
      await this.#more();
    }
  }

  /** The bytes before the mark, piece by piece; then reads the body to its end. */
  async *rest(mark: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const at = this.#held.indexOf(mark);
      const ready = at < 0 ? Math.max(0, this.#held.length - mark.length + 1) : at;
      const piece = this.#held.subarray(0, ready);
      this.#held = this.#held.subarray(ready);
      if (piece.length > 0) yield piece;
      if (at >= 0) break;
      await this.#more();
    }
    while (!(await this.#iterator.next()).done);
  }

  async #more(): Promise<void> {
    const next = await this.#iterator.next();
    if (next.done)
      throw new FormError("The body of the form is not well-formed multipart/form-data.");
    this.#held =
      this.#held.length === 0 ? Buffer.from(next.value) : Buffer.concat([this.#held, next.value]);
  }
}
