import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { FolderTapeStore } from "@tapedeck/tape";
import { z } from "zod";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const env = z.object({ TAPEDECK_STORE: commonEnv.TAPEDECK_STORE });

export interface FolderOfTapes {
  readonly folder: string;
  readonly store: FolderTapeStore;
}

/** The store that `--store` names, or the one of the local cluster. */
export function tapeStore(asked: string | undefined): FolderOfTapes {
  const folder = asked === undefined ? resolve(root, readConfig("tapedeck", env).TAPEDECK_STORE) : resolve(asked);
  return { folder, store: new FolderTapeStore(folder) };
}
