import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf } from "../user-error.js";
import { acceptsConnections } from "./ports.js";

const withUrl = z.array(z.object({ url: z.string(), pid: z.number() }));
const withoutUrl = z.array(z.object({ pid: z.number() }));

/** The processes of a running cluster, for scripts and tests. It lists only what is up. Redis's address has no user and password. */
const clusterSnapshot = z.object({
  url: z.string(),
  redis: z.string(),
  gateways: withUrl,
  apis: withUrl,
  tickers: withoutUrl,
  feeds: withoutUrl,
  /** Absent in the file of an earlier release. */
  venues: withUrl.default([]),
  store: z.string(),
  /** The supervisor: SIGTERM to it stops everything. */
  pid: z.number(),
});
export type ClusterSnapshot = z.infer<typeof clusterSnapshot>;

/** `cluster.json`: always complete, because it is written to a temporary file and renamed; removed when the cluster ends. */
export class ClusterFile {
  readonly path: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.path = join(folder, "cluster.json");
  }

  /** What the last cluster of this folder wrote, if it is readable. */
  async read(): Promise<ClusterSnapshot | undefined> {
    try {
      return clusterSnapshot.parse(JSON.parse(await readFile(this.path, "utf8")));
    } catch {
      return undefined; // it is missing, or of another version
    }
  }

  /** Writes are serialised; each takes its snapshot when its turn comes. */
  write(snapshot: () => ClusterSnapshot): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const temporary = `${this.path}.${process.pid}`;
      await writeFile(temporary, `${JSON.stringify(snapshot(), null, 2)}\n`, { mode: 0o600 });
      await rename(temporary, this.path);
    });
    return this.#writing;
  }

  async remove(): Promise<void> {
    await this.#writing.catch(() => {}); // the caller of that write got the error
    await rm(this.path, { force: true });
  }
}

/** The cluster of a folder, if it is running: its file may outlive it, and process ids are reused. */
export async function findRunningCluster(folder: string): Promise<ClusterSnapshot | undefined> {
  const cluster = await new ClusterFile(folder).read();
  return cluster && (await isRunning(cluster)) ? cluster : undefined;
}

async function isRunning({ pid, url }: ClusterSnapshot): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return (
    pid !== process.pid && isAlive(pid) && (await acceptsConnections({ host: hostname, port: Number(port || 80) }))
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
