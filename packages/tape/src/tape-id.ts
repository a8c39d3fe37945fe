import { TapeNotFound } from "./errors.js";

/** A tape id is used in addresses, file names and object keys, so it has none of their separators. */
export const tapeIdPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/** The id of a tape that a feed recorded: source, symbol with signs escaped, and when the feed began it, in ms since 1970. */
export const liveTapeIdPattern = /^live\.([A-Z0-9-]{1,24})\.([A-Za-z0-9-]{1,40})\.([1-9]\d{0,14})$/;

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
