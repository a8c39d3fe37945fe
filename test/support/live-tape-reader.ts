import { LiveTapes } from "@tapedeck/live";
import { connectRedis, createLogger, type RedisConnection } from "@tapedeck/runtime";
import { BlockCache, FolderTapeStore, type Seq, type Tape, TapeCatalog } from "@tapedeck/tape";
import { Truth } from "./truth.js";
import type { TapeSource } from "./watched-sessions.js";

/** The live tapes of a cluster as another node would read them. */
export class LiveTapeReader {
  readonly #connections: readonly RedisConnection[];
  readonly #live: LiveTapes;
  readonly #catalog: TapeCatalog;

  constructor({ redisUrl: url, keys, tapes: { folder } }: TapeSource) {
    const store = new FolderTapeStore(folder);
    const cache = new BlockCache(64 << 20);
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const commands = connectRedis({ url, purpose: "commands", name: "test", log });
    const subscriber = connectRedis({ url, purpose: "subscriber", name: "test", log });
    this.#connections = [commands, subscriber];
    this.#live = new LiveTapes({ redis: commands, subscriber, keys, store, cache, log });
    this.#catalog = new TapeCatalog(store, { cache, live: this.#live });
  }

  open(name: string): Promise<Tape> {
    return this.#catalog.open(name);
  }

  /** All frames so far, or those up to `last`. */
  async truth(name: string | null, last?: Seq): Promise<Truth> {
    if (name === null) throw new Error("the session has no tape");
    return Truth.of(await this.open(name), last);
  }

  async close(): Promise<void> {
    await this.#live.close();
    for (const connection of this.#connections) connection.disconnect();
  }
}
