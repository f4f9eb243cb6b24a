import type { BoundCondition, BoundUpdate, Path } from "../expressions/expressions.ts";
import type { Item } from "../values/values.ts";

/** One PartiQL statement with its parameters in place. */
export type Statement = Select | Insert | Update | Delete | Exists;

export interface Source {
  readonly table: string;
  readonly index: string | undefined;
}

export interface Select {
  readonly kind: "select";
  readonly source: Source;
  /** Undefined: `*`. */
  readonly paths: readonly Path[] | undefined;
  readonly where: BoundCondition | undefined;
  readonly order: readonly { readonly name: string; readonly isDescending: boolean }[];
}

export interface Insert {
  readonly kind: "insert";
  readonly source: Source;
  /** Checked. */
  readonly item: Item;
  /** `ON CONFLICT DO NOTHING`. */
  readonly ignoresDuplicate: boolean;
}

export interface Update {
  readonly kind: "update";
  readonly source: Source;
  readonly update: BoundUpdate;
  readonly where: BoundCondition | undefined;
  readonly returning: Returning | undefined;
}

export interface Delete {
  readonly kind: "delete";
  readonly source: Source;
  readonly where: BoundCondition | undefined;
  readonly returning: Returning | undefined;
}

/** Only inside a transaction of writes. */
export interface Exists {
  readonly kind: "exists";
  readonly select: Select;
}

export interface Returning {
  readonly attributes: "ALL" | "MODIFIED";
  readonly image: "OLD" | "NEW";
}
