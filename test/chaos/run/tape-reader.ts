import { LiveTapes } from "@tapedeck/live";
import { connectRedis, createLogger, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { BlockCache, FolderTapeStore, type Tape, TapeCatalog } from "@tapedeck/tape";
import type { TapeData, TapeFrame } from "../oracle/tapes.js";

interface TapeReaderOptions {
  readonly redisUrl: string;
  readonly keys: Keys;
  readonly folder: string;
}

/** Tapes as a node that serves nobody reads them, as plain data for the oracle. */
export class TapeReader {
  readonly #connections: readonly RedisConnection[];
  readonly #live: LiveTapes;
  readonly #catalog: TapeCatalog;
  /** Recorded tapes never change. */
  readonly #recorded = new Map<string, Promise<TapeData>>();

  constructor({ redisUrl: url, keys, folder }: TapeReaderOptions) {
    const store = new FolderTapeStore(folder);
    const cache = new BlockCache(64 << 20);
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const commands = connectRedis({ url, purpose: "commands", name: "test", log });
    const subscriber = connectRedis({ url, purpose: "subscriber", name: "test", log });
    this.#connections = [commands, subscriber];
    this.#live = new LiveTapes({ redis: commands, subscriber, keys, store, cache, log });
    const orders = async (id: string) =>
      (await commands.lrange(keys.orders(id), 0, -1)).map((text) => JSON.parse(text));
    this.#catalog = new TapeCatalog(store, { cache, live: this.#live, orders });
  }

  /** The frames from `first` to `last`, and those beside them; all frames of a recorded tape. Undefined if the tape is gone. */
  async read(name: string, first: number, last: number): Promise<TapeData | undefined> {
    const known = this.#recorded.get(name);
    if (known !== undefined) return known;
    try {
      const tape = await this.#catalog.open(name);
      if (tape.span.growing || tape.span.lastSeq > 20_000 || name.startsWith("live")) {
        return await dataOf(tape, first - 1, last + 1);
      }
      const all = dataOf(tape, tape.span.firstSeq, tape.span.lastSeq);
      this.#recorded.set(name, all);
      return await all;
    } catch {
      this.#recorded.delete(name);
      return undefined; // lost with a Redis, or the store is away at this moment
    }
  }

  async close(): Promise<void> {
    await this.#live.close();
    for (const connection of this.#connections) connection.disconnect();
  }
}

async function dataOf(tape: Tape, from: number, to: number): Promise<TapeData> {
  const { firstSeq, lastSeq, growing } = tape.span;
  const [first, last] = [Math.max(from, firstSeq), Math.min(to, lastSeq)];
  const frames: TapeFrame[] = [];
  for (let seq = first; seq <= last; ) {
    const block = await tape.load(seq);
    for (const end = Math.min(block.lastSeq, last); seq <= end; seq++) {
      frames.push({ seq, ns: block.nsOf(seq), json: block.json(seq) });
    }
  }
  const gaps = tape.gaps.map(({ fromNs, toNs }) => ({ fromNs, toNs }));
  const end = growing || last < lastSeq ? undefined : lastSeq;
  return { id: tape.id, startNs: tape.startNs, firstSeq, lastSeq: end, gaps, frames };
}
