import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const listening = z.array(z.object({ url: z.string(), pid: z.number() }));
const working = z.array(z.object({ pid: z.number() }));

/** What a running cluster consists of, for scripts and tests. Only what is up is listed. Redis's address is without user and password. */
export const clusterSnapshot = z.object({
  url: z.string(),
  redis: z.string(),
  gateways: listening,
  apis: listening,
  tickers: working,
  feeds: working,
  store: z.string(),
  /** The supervisor: SIGTERM to it stops everything. */
  pid: z.number(),
});
export type ClusterSnapshot = z.infer<typeof clusterSnapshot>;

/** `cluster.json`: always whole, since it is written beside and renamed; gone when the cluster is. */
export class ClusterFile {
  readonly path: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.path = join(folder, "cluster.json");
  }

  /** What the last cluster of this folder left, if it is readable. */
  async read(): Promise<ClusterSnapshot | undefined> {
    try {
      return clusterSnapshot.parse(JSON.parse(await readFile(this.path, "utf8")));
    } catch {
      return undefined; // none, or of another version: either way nothing to go by
    }
  }

  /** Writes one after the other, each as things are when its turn comes. */
  write(snapshot: () => ClusterSnapshot): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const beside = `${this.path}.${process.pid}`;
      await writeFile(beside, `${JSON.stringify(snapshot(), null, 2)}\n`, { mode: 0o600 });
      await rename(beside, this.path);
    });
    return this.#writing;
  }

  async remove(): Promise<void> {
    await this.#writing.catch(() => {}); // whoever asked for that write was told
    await rm(this.path, { force: true });
  }
}
