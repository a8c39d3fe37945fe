import { TapeInUse, TapeNotFound } from "../errors.js";
import { parseTapeName } from "../tape-id.js";
import type { TapeStore } from "./store.js";

/**
 * Deletes `id@version`, or all versions of `id`. Sessions may be playing the current version, so it is deleted only if forced.
 * Rejects with `TapeNotFound` or `TapeInUse`.
 */
export async function deleteTape(store: TapeStore, name: string, { force = false } = {}): Promise<void> {
  const { id, version } = parseTapeName(name);
  const versions = await store.versions(id);
  const selected = version === undefined ? versions : versions.filter((other) => other === version);
  if (selected.length === 0) throw new TapeNotFound(name);
  const current = await store.current(id);
  if (!force && selected.some((each) => each === current)) {
    throw new TapeInUse(`Tape ${id}@${current} is the current version of ${id}; deleting it has to be forced.`);
  }
  for (const each of selected) await store.delete(id, each);
}
