import { createHash } from "node:crypto";
import { masterOf, type RedisConnection, traceparent } from "@tapedeck/runtime";
import type { Keys } from "./redis/keys.js";
import { ReconnectingQueue } from "./redis/reconnecting-queue.js";
import type { SessionRecord } from "./rules/record.js";

/** The data of a lease's job; everything else is on the session. */
export interface TickerJob {
  readonly sessionId: string;
  /** The trace of the command that requests the ticker, with tracing on. */
  readonly trace?: string;
}

const tickerJobName = "render";

/** The queue of maintenance rounds over all sessions. Its key is `{upkeep}`, as in earlier releases. */
export const maintenanceQueue = "{upkeep}";

/** The queues that tickers take leases from, each in its own cluster slot to spread the load. */
export function tickerQueueNames(queues: number): string[] {
  return Array.from({ length: queues }, (_, at) => `{ticker-${at}}`);
}

/** The queue, out of some, that a session's leases are requested in. */
export function tickerQueueOf(sessionId: string, queues: readonly string[]): string | undefined {
  const hash = createHash("sha1").update(sessionId).digest().readUInt32BE(0);
  return queues[hash % queues.length];
}

/** BullMQ ignores a job whose id still exists, and each claim and each command has its own revision: so an id is used once. */
export function tickerJobId({ id, rev }: Pick<SessionRecord, "id" | "rev">): string {
  return `s-${Buffer.from(id).toString("base64url")}-${rev}`;
}

/** Requests tickers for sessions. Any ticker may take a request; none has to exist yet. */
export class TickerQueue {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #queues: ReadonlyMap<string, ReconnectingQueue<TickerJob>>;

  /** `redis` stays the caller's; one for BullMQ's taste has `maxRetriesPerRequest: null`, any other fails fast. */
  constructor({ redis, keys, queues, onError }: TickerQueueOptions) {
    this.#redis = redis;
    this.#keys = keys;
    this.#queues = new Map(
      tickerQueueNames(queues).map((name) => {
        const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
        const options = { connection: redis, prefix: keys.bullPrefix, defaultJobOptions };
        return [name, new ReconnectingQueue<TickerJob>(name, options, onError)];
      }),
    );
  }

  /** Adds a job for the session as it is at this revision; asking again for the same revision adds none. */
  async request(session: Pick<SessionRecord, "id" | "rev">): Promise<void> {
    const queue = await this.#queues.get(tickerQueueOf(session.id, this.#near(session.id)) ?? "")?.get();
    const trace = traceparent();
    const job = { sessionId: session.id, ...(trace !== undefined && { trace }) };
    await queue?.add(tickerJobName, job, { jobId: tickerJobId(session) });
  }

  /**
   * The queues on the master of a Redis Cluster that the session lies on, or all where none does: a master that dies then takes no
   * leases of sessions with it that could go on. The caller knows the current masters; tickers take from all queues.
   */
  #near(sessionId: string): readonly string[] {
    const names = [...this.#queues.keys()];
    const master = masterOf(this.#redis, this.#keys.session(sessionId));
    const near = names.filter((name) => masterOf(this.#redis, `${this.#keys.bullPrefix}:${name}`) === master);
    return near.length > 0 ? near : names;
  }

  /** Sessions that wait for a ticker, by queue. */
  async waiting(): Promise<Map<string, number>> {
    const counts = await Promise.all(
      [...this.#queues].map(async ([name, queue]) => [name, await (await queue.get()).getWaitingCount()] as const),
    );
    return new Map(counts);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }
}

interface TickerQueueOptions {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  /** How many queues the cluster has (TICKER_QUEUES): the same number on every node. */
  readonly queues: number;
  readonly onError?: (error: Error) => void;
}
