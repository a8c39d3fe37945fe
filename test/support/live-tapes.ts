import { LiveTapes } from "@tapedeck/live";
import { createLogger } from "@tapedeck/runtime";
import { BlockCache, FolderTapeStore, type Tape, TapeCatalog } from "@tapedeck/tape";
import type { Redis } from "ioredis";
import type { TestCluster } from "./cluster.js";
import { Truth } from "./truth.js";

/** The live tapes of a cluster as this process reads them, as one more node would. */
export class LiveTapeReader {
  readonly #connections: readonly Redis[];
  readonly #live: LiveTapes;
  readonly #catalog: TapeCatalog;

  constructor({ redis, keys, tapes: { folder } }: Pick<TestCluster, "redis" | "keys" | "tapes">) {
    const store = new FolderTapeStore(folder);
    const cache = new BlockCache(64 << 20);
    const [commands, subscriber] = [redis.duplicate(), redis.duplicate()];
    this.#connections = [commands, subscriber];
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    this.#live = new LiveTapes({ redis: commands, subscriber, keys, store, cache, log });
    this.#catalog = new TapeCatalog(store, { cache, live: this.#live });
  }

  open(name: string): Promise<Tape> {
    return this.#catalog.open(name);
  }

  /** All frames that there are by now. */
  async truth(name: string | null): Promise<Truth> {
    if (name === null) throw new Error("the session has no tape");
    return Truth.of(await this.open(name));
  }

  async close(): Promise<void> {
    await this.#live.close();
    for (const connection of this.#connections) connection.disconnect();
  }
}
