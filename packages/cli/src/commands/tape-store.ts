import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { isFolder, openTapeStore, StoreUnavailable, type TapeStore, TapeWriteError } from "@tapedeck/tape";
import { z } from "zod";
import { home } from "../repository.js";
import { codeOf, UsageError, UserError } from "../user-error.js";

const env = z.object({ TAPEDECK_STORE: commonEnv.TAPEDECK_STORE, S3_ENDPOINT: commonEnv.S3_ENDPOINT });

interface FoundStore {
  /** The absolute path of a folder, or the address of a bucket. */
  readonly place: string;
  readonly store: TapeStore;
}

/** Opens the store that `--store` names, or that of the environment, or the local cluster's. */
export async function withTapeStore<T>(asked: string | undefined, work: (found: FoundStore) => Promise<T>): Promise<T> {
  const { TAPEDECK_STORE, S3_ENDPOINT } = readConfig("tapedeck", env);
  const named = asked ?? TAPEDECK_STORE;
  const place = isFolder(named) ? resolve(asked === undefined ? home : "", named) : named;
  return withStoreAt(place, S3_ENDPOINT, (store) => work({ place, store }));
}

/**
 * Opens a store for `work`. If it cannot be read or written, the error is a UserError.
 *
 * @param endpoint of the bucket, unless it is AWS's
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
        `${place} cannot be written: ${storeErrorReason(error.cause)}. No part of the tape was kept.`,
      );
    }
    throw error;
  }
}

/** On Node 20 the AWS SDK warns about its future releases. The lock file pins a release that supports Node 20. */
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

async function opened(place: string, endpoint: string | undefined): Promise<TapeStore> {
  try {
    return await openTapeStore(place, endpoint);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--store: ${error.message}.`);
    throw error;
  }
}

/** A folder that was named but does not exist is more likely a mistake than an empty store. */
export async function requireFolder(place: string): Promise<void> {
  if (!isFolder(place)) return;
  try {
    if ((await stat(place)).isDirectory()) return;
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTDIR")
      throw new UserError(`${place} cannot be read: ${storeErrorReason(error)}.`);
    throw new UserError(`Folder ${place} does not exist: name the folder of the tapes with --store.`);
  }
  throw new UserError(`${place} is not a folder: name the folder of the tapes with --store.`);
}

/** Errors of object stores, in words that name the setting to change. */
const knownErrors: readonly (readonly [message: RegExp, reason: string])[] = [
  [/^Region is missing$/, "no region is set; set AWS_REGION (to any value with S3_ENDPOINT)"],
  [
    /^Could not load credentials from any providers$/,
    "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
  ],
];

/** Why a store could not be read or written. */
export function storeErrorReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = knownErrors.find(([message]) => message.test(error.message));
  if (known !== undefined) return known[1];
  // Several addresses of one name were tried: the message is empty, and the errors are inside.
  if (error instanceof AggregateError) return storeErrorReason(error.errors[0]);
  if (codeOf(error) === "EACCES") return "this user may not read it";
  const message = error.message.replace(/[.\s]+$/, "");
  // An error response without a body only has a name, such as NotFound or AccessDenied.
  return message === "" || /^Unknown/.test(message) ? error.name : message;
}
