import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { isFolder, openTapeStore, type TapeStore } from "@tapedeck/tape";
import { z } from "zod";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const env = z.object({ TAPEDECK_STORE: commonEnv.TAPEDECK_STORE, S3_ENDPOINT: commonEnv.S3_ENDPOINT });

export interface FoundStore {
  /** A folder's whole path, or a bucket's address. */
  readonly place: string;
  readonly store: TapeStore;
}

/** The store that `--store` names, or the one of the environment, or of the local cluster. */
export async function tapeStore(asked: string | undefined): Promise<FoundStore> {
  const { TAPEDECK_STORE, S3_ENDPOINT } = readConfig("tapedeck", env);
  const place = asked ?? TAPEDECK_STORE;
  const whole = isFolder(place) ? resolve(asked === undefined ? root : "", place) : place;
  return { place: whole, store: await openTapeStore(whole, S3_ENDPOINT) };
}
