import type { HttpAnswer } from "#functions/invoker/invoker.ts";
import { type Answer, type HeaderList, headerListOf } from "./answer.ts";
import { decodeBody, readResponseHead } from "./function-url.ts";
import { rememberedHeadBytesMax, rememberedHeadsMax } from "./limits.ts";

type Head = Omit<Answer, "body">;

/**
 * Status and headers of functions' answers. A function gives the same few heads again and again: each is
 * parsed and checked once and then known by its bytes.
 */
export class ResponseHeads {
  /** `undefined` for one that cannot be HTTP. */
  readonly #known = new Map<string, Head | undefined>();
  /** By identity: headers to which something was added are another object. */
  readonly #lists = new WeakMap<Answer["headers"], HeaderList>();

  /** Undefined when it cannot be HTTP; then the client gets a 502. */
  answer({ head, body, isBase64 }: HttpAnswer): Answer | undefined {
    const found = this.#find(head);
    const bytes = isBase64 ? decodeBody(body) : body;
    return found && bytes && { status: found.status, headers: found.headers, body: bytes };
  }

  /** Headers as they are written; undefined when one of them cannot be. Everything sent comes past here. */
  list(headers: Answer["headers"]): HeaderList | undefined {
    return this.#lists.get(headers) ?? headerListOf(headers);
  }

  #find(bytes: Buffer): Head | undefined {
    if (bytes.length > rememberedHeadBytesMax) return parse(bytes.toString("utf8"));
    const key = bytes.toString("latin1");
    const known = this.#known.get(key);
    if (known || this.#known.has(key)) return known;
    const head = parse(bytes.toString("utf8"));
    if (this.#known.size >= rememberedHeadsMax) this.#known.clear();
    this.#known.set(key, head);
    const list = head && headerListOf(head.headers);
    if (list) this.#lists.set(head.headers, list);
    return head;
  }
}

/** `[statusCode, headers, cookies]` */
function parse(text: string): Head | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [statusCode, headers, cookies] = value as unknown[]; // each is checked where it is read
  return readResponseHead({ statusCode, headers, cookies });
}
