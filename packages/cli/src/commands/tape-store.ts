import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { isFolder, openTapeStore, StoreUnavailable, type TapeStore, TapeWriteError } from "@tapedeck/tape";
import { z } from "zod";
import { home } from "../repository.js";
import { UsageError } from "../run.js";
import { codeOf, UserError } from "../user-error.js";
import { storeErrorReason } from "./why-store-fails.js";

const env = z.object({ TAPEDECK_STORE: commonEnv.TAPEDECK_STORE, S3_ENDPOINT: commonEnv.S3_ENDPOINT });

export interface FoundStore {
  /** A folder's whole path, or a bucket's address. */
  readonly place: string;
  readonly store: TapeStore;
}

/** Works with the store that `--store` names, or the one of the environment, or of the local cluster. */
export async function withTapeStore<T>(asked: string | undefined, work: (found: FoundStore) => Promise<T>): Promise<T> {
  const { TAPEDECK_STORE, S3_ENDPOINT } = readConfig("tapedeck", env);
  const named = asked ?? TAPEDECK_STORE;
  const place = isFolder(named) ? resolve(asked === undefined ? home : "", named) : named;
  return withStoreAt(place, S3_ENDPOINT, (store) => work({ place, store }));
}

/**
 * Works with a store; that it cannot be read or written becomes a Problem.
 *
 * @param endpoint of the bucket where it is not AWS's
 */
export async function withStoreAt<T>(
  place: string,
  endpoint: string | undefined,
  work: (store: TapeStore) => Promise<T>,
): Promise<T> {
  const store = await opened(place, endpoint);
  try {
    return await work(store);
  } catch (error) {
    if (error instanceof StoreUnavailable)
      throw new UserError(`${place} cannot be read: ${storeErrorReason(error.cause)}.`);
    if (error instanceof TapeWriteError && !isFolder(place) && error.cause !== undefined) {
      throw new UserError(
        `${place} cannot be written: ${storeErrorReason(error.cause)}. Nothing of the tape was kept.`,
      );
    }
    throw error;
  }
}

/** The AWS SDK warns on Node 20 of its own later releases. The lock file pins one that runs there. */
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

async function opened(place: string, endpoint: string | undefined): Promise<TapeStore> {
  try {
    return await openTapeStore(place, endpoint);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--store: ${error.message}.`);
    throw error;
  }
}

/** A folder that was named and is not there is more likely a mistake than a store without tapes. */
export async function requireFolder(place: string): Promise<void> {
  if (!isFolder(place)) return;
  try {
    if ((await stat(place)).isDirectory()) return;
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR")
      throw new UserError(`${place} cannot be read: ${storeErrorReason(error)}.`);
    throw new UserError(`There is no folder ${place}: name that of the tapes with --store.`);
  }
  throw new UserError(`${place} is not a folder: name that of the tapes with --store.`);
}
