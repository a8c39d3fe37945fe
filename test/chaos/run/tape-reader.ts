import { LiveTapes } from "@tapedeck/live";
import { connectRedis, createLogger, type RedisConnection } from "@tapedeck/runtime";
import { decodeOrder, type Keys } from "@tapedeck/sessions";
import { BlockCache, FolderTapeStore, type Tape, TapeCatalog } from "@tapedeck/tape";
import { z } from "zod";
import { type Observations, uncertainOrders } from "../oracle/observations.js";
import type { TapeData, TapeFrame, Tapes } from "../oracle/tapes.js";

/** The name of a tape with a user's orders: its last order, and the session. */
const forkName = /~([0-9a-f]{12})~(.+)@\d+$/;
const storedOrder = z.object({ id: z.string(), after: z.string(), tape: z.string() });

interface TapeReaderOptions {
  readonly redisUrl: string;
  readonly keys: Keys;
  readonly folder: string;
}

/** A session that jumps over hours of a simulated market is checked without the tape: to generate what lies between takes minutes. */
const mostFrames = 20_000;

/** Tapes as a node that serves nobody reads them, as plain data for the oracle. */
export class TapeReader {
  readonly #connections: readonly RedisConnection[];
  readonly #commands: RedisConnection;
  readonly #keys: Keys;
  readonly #live: LiveTapes;
  readonly #catalog: TapeCatalog;
  readonly #orders: (session: string) => Promise<unknown[]>;
  /** Recorded tapes never change. */
  readonly #recorded = new Map<string, Promise<TapeData>>();

  constructor({ redisUrl: url, keys, folder }: TapeReaderOptions) {
    const store = new FolderTapeStore(folder);
    const cache = new BlockCache(64 << 20);
    const log = createLogger({ service: "test", node: "test", level: "silent" });
    const commands = connectRedis({ url, purpose: "commands", name: "test", log });
    const subscriber = connectRedis({ url, purpose: "subscriber", name: "test", log });
    this.#connections = [commands, subscriber];
    this.#commands = commands;
    this.#keys = keys;
    this.#live = new LiveTapes({ redis: commands, subscriber, keys, store, cache, log });
    const orders = async (id: string) => (await commands.lrange(keys.orders(id), 0, -1)).map(decodeOrder);
    this.#orders = orders;
    this.#catalog = new TapeCatalog(store, { cache, live: this.#live, orders });
  }

  /** What a history refers to. */
  async tapesOf(observed: Observations): Promise<Tapes> {
    const spans = new Map<string, { first: number; last: number }>();
    for (const { items } of observed.viewers) {
      for (const item of items) {
        if (item.kind !== "frame") continue;
        const name = observed.tapes.get(item.epoch);
        if (name === undefined) continue;
        const span = spans.get(name) ?? { first: item.prev + 1, last: item.seq };
        spans.set(name, { first: Math.min(span.first, item.prev + 1), last: Math.max(span.last, item.seq) });
      }
    }
    const tapes = new Map<string, TapeData>();
    for (const [name, { first, last }] of spans) {
      // The name of a tape that a lost order made may have reached nobody.
      const later = uncertainOrders(observed) > 0 ? await this.#madeOf(name) : [];
      for (const each of [name, ...later]) {
        const span = spans.get(each) ?? { first, last };
        const data = await this.#read(each, Math.min(first, span.first), Math.max(last, span.last));
        if (data !== undefined) tapes.set(each, data);
      }
    }
    return tapes;
  }

  /** The frames from `first` to `last`, and those beside them; all frames of a recorded tape. Undefined if the tape is gone. */
  async #read(name: string, first: number, last: number): Promise<TapeData | undefined> {
    const known = this.#recorded.get(name);
    if (known !== undefined) return known;
    try {
      const tape = await this.#catalog.open(name);
      if (tape.span.growing || tape.span.lastSeq > mostFrames || name.startsWith("live")) {
        if (last - first > mostFrames) return undefined;
        return { ...(await dataOf(tape, first - 1, last + 1)), follows: await this.#followedBy(name) };
      }
      const all = dataOf(tape, tape.span.firstSeq, tape.span.lastSeq);
      this.#recorded.set(name, all);
      return await all;
    } catch {
      this.#recorded.delete(name);
      return undefined; // lost with a Redis, or the store is away at this moment
    }
  }

  /** The tapes that later orders made of a tape of a session with orders, in the order in which they were placed. */
  async #madeOf(name: string): Promise<string[]> {
    const [, last, session] = forkName.exec(name) ?? [];
    if (last === undefined || session === undefined) return [];
    const later = new Set([last]);
    return (await this.#ordersOf(session)).flatMap(({ id, after, tape }) => {
      if (!later.has(after)) return [];
      later.add(id);
      return [tape];
    });
  }

  async #followedBy(name: string): Promise<string | undefined> {
    const [, last, session] = forkName.exec(name) ?? [];
    if (session === undefined) return undefined;
    const orders = await this.#ordersOf(session);
    const order = orders.find(({ id }) => id === last);
    return orders.find(({ id }) => id === order?.after)?.tape;
  }

  async #ordersOf(session: string): Promise<z.infer<typeof storedOrder>[]> {
    return z.array(storedOrder).parse(await this.#orders(session));
  }

  /** The nodes that render these sessions; empty where none does, or Redis does not say. */
  async tickersOf(sessions: readonly string[]): Promise<string[]> {
    const hashes = sessions.map((id) => this.#commands.hget(this.#keys.session(id), "ticker"));
    return Promise.all(hashes.map((answer) => answer.then((ticker) => ticker ?? "").catch(() => "")));
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
