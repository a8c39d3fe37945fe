import type { z } from "zod";
import type { SessionField } from "./record-codec.js";

/** A session's hash as Redis returns it. */
export type SessionHash = Readonly<Record<string, string>>;

/** A hash that no release of Tapedeck wrote: a field is missing or has an invalid value. */
export class UnreadableSession extends Error {
  override readonly name = "UnreadableSession";

  constructor(id: string | undefined, field: string, found: string | undefined) {
    super(`session ${id ?? "without id"}: field ${field} ${found === undefined ? "is missing" : `holds "${found}"`}`);
  }
}

/** Reads the fields of a hash; throws `UnreadableSession` naming the field. */
export class HashReader {
  readonly #hash: SessionHash;

  constructor(hash: SessionHash) {
    this.#hash = hash;
  }

  text(field: SessionField): string {
    return this.#hash[field] ?? this.#wrong(field);
  }

  number(field: SessionField): number {
    const value = Number(this.text(field) || Number.NaN);
    return Number.isFinite(value) ? value : this.#wrong(field);
  }

  /** Of a field that is empty without a value, and that older releases did not write. */
  numberOr<T>(field: SessionField, without: T): number | T {
    return this.#hash[field] ? this.number(field) : without;
  }

  /** The same of JSON. */
  jsonOr<T, U>(field: SessionField, schema: z.ZodType<T>, without: U): T | U {
    const json = this.#hash[field];
    if (!json) return without;
    const result = schema.safeParse(parseJson(json));
    return result.success ? result.data : this.#wrong(field);
  }

  flag(field: SessionField): boolean {
    return this.text(field) === "1";
  }

  oneOf<T extends string>(field: SessionField, allowed: z.ZodType<T>): T {
    const result = allowed.safeParse(this.text(field));
    return result.success ? result.data : this.#wrong(field);
  }

  #wrong(field: SessionField): never {
    throw new UnreadableSession(this.#hash.id, field, this.#hash[field]);
  }
}

export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
