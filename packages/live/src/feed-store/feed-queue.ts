import type { RedisConnection } from "@tapedeck/runtime";
import { type Keys, ReconnectingQueue } from "@tapedeck/sessions";
import type { FeedState } from "./feed-state.js";
import type { LiveInstrument } from "./live-tape-id.js";

/** What a feed's job carries; all else is in the feed's hash. */
export type FeedJob = LiveInstrument;

export const feedQueueName = "{feed}";
/** Rounds of upkeep of feeds, done by feeds. */
export const feedMaintenanceQueue = "{feed-upkeep}";
export const feedJobName = "feed";

/**
 * Used once: BullMQ ignores a job whose id still exists. Each claim raises the feed's revision, so all who miss a worker at the
 * same time ask for one.
 */
export function feedJobId({ source, symbol }: LiveInstrument, rev: FeedState["rev"]): string {
  return `f-${Buffer.from(`${source}:${symbol}`).toString("base64url")}-${rev}`;
}

export interface FeedQueueOptions {
  /** Stays the caller's; one for BullMQ's taste has `maxRetriesPerRequest: null`, any other fails fast. */
  readonly redis: RedisConnection;
  readonly keys: Pick<Keys, "bullPrefix">;
  readonly onError?: (error: Error) => void;
}

/** Asks for feed workers. Any may answer; none has to exist yet. */
export class FeedQueue {
  readonly #queue: ReconnectingQueue<FeedJob>;

  constructor({ redis, keys, onError }: FeedQueueOptions) {
    const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
    const options = { connection: redis, prefix: keys.bullPrefix, defaultJobOptions };
    this.#queue = new ReconnectingQueue(feedQueueName, options, onError);
  }

  /** Adds a job for the feed as it is at this revision, 0 where it has none; asking again for the same revision adds none. */
  async requestWorker({ source, symbol }: LiveInstrument, rev: FeedState["rev"]): Promise<void> {
    const queue = await this.#queue.get();
    await queue.add(feedJobName, { source, symbol }, { jobId: feedJobId({ source, symbol }, rev) });
  }

  /** Feeds that wait for a worker with a place for them. */
  async waiting(): Promise<number> {
    return await (await this.#queue.get()).getWaitingCount();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
