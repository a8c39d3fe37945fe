import { TapeNotFound } from "../errors.js";
import { parseTapeName } from "../tape-id.js";
import type { TapeStore } from "./store.js";

/** Deleting was refused; nothing was changed. */
export class TapeInUse extends Error {
  override readonly name = "TapeInUse";
}

/**
 * Deletes `id@version`, or all versions of `id`. The current version may be in use by sessions, so it goes only when
 * forced. Rejects with `TapeNotFound` or `TapeInUse`.
 */
export async function deleteTape(store: TapeStore, name: string, { force = false } = {}): Promise<void> {
  const { id, version } = parseTapeName(name);
  const there = await store.versions(id);
  const leaving = version === undefined ? there : there.filter((other) => other === version);
  if (leaving.length === 0) throw new TapeNotFound(name);
  const current = await store.current(id);
  if (!force && leaving.some((each) => each === current)) {
    throw new TapeInUse(`Tape ${id}@${current} is the current version of ${id}; deleting it has to be forced.`);
  }
  for (const each of leaving) await store.delete(id, each);
}
