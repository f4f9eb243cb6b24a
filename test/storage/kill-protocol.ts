/**
 * What the child of the kill harness tells its parent, one JSON line each: `intend` before it starts
 * an operation, `done` once the store acknowledged it. The parent may see the first without the second.
 */
export type Message =
  | { readonly say: "ready" }
  | { readonly say: "intend"; readonly operation: Operation }
  | { readonly say: "done"; readonly id: string };

export type Operation =
  | { readonly id: string; readonly kind: "put"; readonly name: string; readonly value: string }
  | { readonly id: string; readonly kind: "delete"; readonly name: string }
  /** Moves money and leaves a record of it, in one transaction. */
  | { readonly id: string; readonly kind: "transfer" }
  /** The same value under every key of the group, in one transaction that clears it first. */
  | { readonly id: string; readonly kind: "group"; readonly name: string; readonly value: string }
  | {
      readonly id: string;
      readonly kind: "blob";
      readonly sha256: string;
      readonly byteCount: number;
    };

export interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

export const accountCount = 8;
export const accountStart = 1_000;
export const groupKeys = 5;
export const storeBytesMax = 512 * 1024 * 1024;
