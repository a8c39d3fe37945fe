import { RefusedError, type TapeVersion } from "@tapedeck/protocol";
import { bytesOf, type Manifest } from "../format/manifest.js";
import { readManifest } from "../reading/recorded-tape.js";
import type { TapeStore } from "./store.js";

/**
 * The finished versions of a tape, newest first; none if it does not exist. Of a damaged one `bytes` and `created_at` are null. Rejects
 * with `StoreUnavailable`.
 *
 * @param read reads a manifest, perhaps from a cache
 */
export async function tapeVersions(
  store: TapeStore,
  id: string,
  read: (version: number) => Promise<Manifest> = (version) => readManifest(store, id, version),
): Promise<TapeVersion[]> {
  const [versions, current] = await Promise.all([store.versions(id), store.current(id)]);
  const described = versions.map(async (version): Promise<TapeVersion[]> => {
    try {
      const manifest = await read(version);
      return [{ version, current: version === current, bytes: bytesOf(manifest), created_at: manifest.created_at }];
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code === "UNAVAILABLE") throw error;
      if (error.code === "TAPE_NOT_FOUND" && !(await store.versions(id)).includes(version)) return []; // deleted just now
      return [{ version, current: version === current, bytes: null, created_at: null }];
    }
  });
  return (await Promise.all(described)).flat().reverse();
}
