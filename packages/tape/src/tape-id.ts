import { TapeNotFound } from "./errors.js";

/** A tape id is used in addresses, file names and object keys, so it has none of their separators. */
export const tapeIdPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

interface TapeName {
  readonly id: string;
  /** Undefined: the current version. */
  readonly version: number | undefined;
}

/** Parses `id` or `id@version`. Throws `TapeNotFound` for any other text. */
export function parseTapeName(text: string): TapeName {
  const [, id = "", version] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (!tapeIdPattern.test(id)) throw new TapeNotFound(text);
  return { id, version: version === undefined ? undefined : Number(version) };
}

export function tapeName(id: string, version: number): string {
  return `${id}@${version}`;
}
