import { RefusedError, type TapeVersion } from "@tapedeck/protocol";
import { StoreNotWritable, TapeInUse, TapeNotFound } from "../errors.js";
import { parseTapeName, tapeName } from "../tape-id.js";
import { FileMissing, type TapeStore } from "./store.js";
import { tapeVersions } from "./tape-versions.js";

/** A version that was, or is to be, deleted. */
export interface DeletedVersion {
  /** `id@version` */
  readonly name: string;
  /** What it takes; null if it is damaged. */
  readonly bytes: number | null;
}

/**
 * Deletes `id@version`, or all versions of `id`, and resolves to what is deleted, newest first. Sessions may be playing the current
 * version, so it is deleted only if forced. Rejects with `TapeNotFound`, with
 * `TapeInUse`, when nothing is deleted, or with `StoreNotWritable`.
 */
export async function deleteTape(store: TapeStore, name: string, { force = false } = {}): Promise<DeletedVersion[]> {
  const { id, selected, current } = await selectVersions(store, name);
  if (!force && current !== undefined) throw currentVersion(id, current.version);
  // The current one last: until then the id stands for the same frames.
  for (const { version } of [...selected].sort((a, b) => Number(a.current) - Number(b.current))) {
    await store.delete(id, version).catch((error: unknown) => {
      if (error instanceof FileMissing) return; // another process was faster
      throw error instanceof RefusedError ? error : new StoreNotWritable(error);
    });
  }
  return selected.map(({ version, bytes }) => ({ name: tapeName(id, version), bytes }));
}

interface Selection {
  readonly id: string;
  /** Newest first. */
  readonly selected: readonly TapeVersion[];
  /** The current version, if it is among them. */
  readonly current: TapeVersion | undefined;
}

/** What `id@version` or `id` names. Rejects with `TapeNotFound`, or with `TapeInUse` for a tape that is being recorded. */
export async function selectVersions(store: TapeStore, name: string): Promise<Selection> {
  const { id, version } = parseTapeName(name);
  const versions = await tapeVersions(store, id);
  const selected = versions.filter((each) => version === undefined || each.version === version);
  if (selected.length === 0) {
    if ((await store.segments(id).ids()).length > 0) throw beingRecorded(id);
    throw new TapeNotFound(name);
  }
  return { id, selected, current: selected.find(({ current }) => current) };
}

export function beingRecorded(id: string): TapeInUse {
  return new TapeInUse(
    `Tape ${id} is being recorded, and can be deleted only when its feed has ended and it is finished; nothing was deleted.`,
  );
}

function currentVersion(id: string, version: number): TapeInUse {
  return new TapeInUse(
    `Tape ${tapeName(id, version)} is the current version of ${id}; deleting it has to be forced. Nothing was deleted.`,
  );
}
