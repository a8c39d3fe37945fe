import { TapeNotFound } from "./errors.js";

/** Names a tape in addresses, file names and object keys alike, so it has no separator of any of them. */
export const tapeIdPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

export interface TapeName {
  readonly id: string;
  /** Undefined: the newest finished version. */
  readonly version: number | undefined;
}

/** Takes `id` or `id@version` apart. Anything else names no tape: throws `TapeNotFound`. */
export function parseTapeName(text: string): TapeName {
  const [, id = "", version] = /^([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (!tapeIdPattern.test(id)) throw new TapeNotFound(text);
  return { id, version: version === undefined ? undefined : Number(version) };
}

export function tapeName(id: string, version: number): string {
  return `${id}@${version}`;
}
