import { join } from "node:path";
import { type ClusterClient, TapedeckError, type TapeVersion } from "@tapedeck/client";
import { commonEnv, readConfig } from "@tapedeck/runtime";
import { deleteTape, parseTapeName, selectVersions, type TapeStore, tapeName, tapeVersions } from "@tapedeck/tape";
import { Option } from "commander";
import { z } from "zod";
import { findRunningCluster } from "../cluster/cluster-file.js";
import { requireFolder, withTapeStore } from "../commands/tape-store.js";
import { type RemoteClusterOptions, remoteClusterOptions, withCluster } from "../remote-cluster.js";
import { home } from "../repository.js";
import { UserError } from "../user-error.js";

export interface ListedTape {
  readonly id: string;
  /** Newest first. */
  readonly versions: readonly TapeVersion[];
}

/** A version, with what it takes; null if it is damaged. */
export interface SizedVersion {
  readonly name: string;
  readonly bytes: number | null;
}

/** Where tapes are deleted: in a cluster, which knows what sessions play, or in a store alone. */
export interface TapePlace {
  /** An address, a folder or a bucket. */
  readonly name: string;
  readonly knowsSessions: boolean;
  /** The finished tapes. */
  list(): Promise<ListedTape[]>;
  /** What `id` or `id@version` names, newest first. Rejects if it does not exist, or would be refused unless forced. */
  select(name: string, force: boolean): Promise<readonly SizedVersion[]>;
  /** Rejects with the code `TAPE_IN_USE` if it has to be forced; see `isInUse`. */
  delete(name: string, force: boolean): Promise<readonly SizedVersion[]>;
}

export interface PlaceChoices extends RemoteClusterOptions {
  readonly store?: string;
}

export function placeOptions(): Option[] {
  return [
    new Option("--store <place>", "folder or s3://bucket/prefix of the tapes; sessions are then not looked at"),
    ...remoteClusterOptions(),
  ];
}

const env = z.object({ TAPEDECK_STORE: commonEnv.TAPEDECK_STORE.unwrap().optional() });

/** Opens the place that the options name, see [CM22]. */
export async function withTapePlace<T>(
  { store: asked, url, token }: PlaceChoices,
  work: (place: TapePlace) => Promise<T>,
): Promise<T> {
  const named = asked ?? readConfig("tapedeck", env).TAPEDECK_STORE;
  const running = named === undefined ? await findRunningCluster(join(home, ".tapedeck")) : undefined;
  const at = asked === undefined ? (url ?? running?.url) : undefined;
  if (at !== undefined) {
    return withCluster({ url: at, ...(token !== undefined && { token }) }, (cluster) =>
      work(clusterPlace(at, cluster)),
    );
  }
  return withTapeStore(asked, async ({ place, store }) => {
    if (asked !== undefined) await requireFolder(place);
    return work(storePlace(place, store));
  });
}

function storePlace(name: string, store: TapeStore): TapePlace {
  return {
    name,
    knowsSessions: false,
    list: async () =>
      Promise.all((await store.ids()).map(async (id) => ({ id, versions: await tapeVersions(store, id) }))),
    async select(name, force) {
      const { id, selected, current } = await selectVersions(store, name);
      if (current !== undefined && !force) {
        throw new UserError(
          `${name} was not deleted: it includes the current version, which sessions may be playing. Add --force to delete it.`,
        );
      }
      return selected.map(({ version, bytes }) => ({ name: tapeName(id, version), bytes }));
    },
    delete: (name, force) => deleteTape(store, name, { force }),
  };
}

function clusterPlace(name: string, { tapes }: ClusterClient): TapePlace {
  return {
    name,
    knowsSessions: true,
    list: async () => (await tapes.list({ versions: true })).map(({ id, versions = [] }) => ({ id, versions })),
    async select(name) {
      const { id, version } = parseTapeName(name);
      const tape = await tapes.get(name, { versions: true }).catch((error: unknown) => {
        // It can be deleted, but not be described.
        if (error instanceof TapedeckError && error.code === "TAPE_DAMAGED") return undefined;
        throw error;
      });
      if (tape === undefined) return [{ name, bytes: null }];
      const versions = tape.versions?.filter((each) => version === undefined || each.version === version);
      // Of a tape that grows, or is simulated, the cluster says why it is not deleted.
      return (
        versions?.map((each) => ({ name: tapeName(id, each.version), bytes: each.bytes })) ?? [{ name, bytes: null }]
      );
    },
    delete: async (name, force) => (await tapes.delete(name, { force })).deleted,
  };
}

/** Whether a deletion was refused because it has to be forced. */
export function isInUse(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "TAPE_IN_USE";
}

export function sumOf(versions: readonly SizedVersion[]): number {
  return versions.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}
