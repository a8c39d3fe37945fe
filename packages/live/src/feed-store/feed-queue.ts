import type { RedisConnection } from "@tapedeck/runtime";
import { type Keys, ReconnectingQueue } from "@tapedeck/sessions";
import type { FeedState } from "./feed-state.js";
import type { LiveInstrument } from "./live-tape-id.js";

/** The data of a feed's job; everything else is in the feed's hash. */
export type FeedJob = LiveInstrument;

export const feedQueueName = "{feed}";
/** The queue of maintenance rounds, which feed workers run. */
export const feedMaintenanceQueue = "{feed-upkeep}";
export const feedJobName = "feed";

/**
 * Used once: BullMQ ignores a job whose id still exists. Each claim raises the feed's revision, so simultaneous requests for a
 * worker add one job.
 */
export function feedJobId({ source, symbol }: LiveInstrument, rev: FeedState["rev"]): string {
  return `f-${Buffer.from(`${source}:${symbol}`).toString("base64url")}-${rev}`;
}

export interface FeedQueueOptions {
  /** Owned by the caller. BullMQ expects `maxRetriesPerRequest: null`; any other connection fails fast. */
  readonly redis: RedisConnection;
  readonly keys: Pick<Keys, "bullPrefix">;
  readonly onError?: (error: Error) => void;
}

/** Requests feed workers. Any worker may take the job; none has to exist yet. */
export class FeedQueue {
  readonly #queue: ReconnectingQueue<FeedJob>;

  constructor({ redis, keys, onError }: FeedQueueOptions) {
    const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
    const options = { connection: redis, prefix: keys.bullPrefix, defaultJobOptions };
    this.#queue = new ReconnectingQueue(feedQueueName, options, onError);
  }

  /** Adds a job for the feed at this revision (0 without a hash). Requesting twice for a revision adds one job. */
  async requestWorker({ source, symbol }: LiveInstrument, rev: FeedState["rev"]): Promise<void> {
    const queue = await this.#queue.get();
    await queue.add(feedJobName, { source, symbol }, { jobId: feedJobId({ source, symbol }, rev) });
  }

  /** Feeds that wait for a worker with a free slot. */
  async waiting(): Promise<number> {
    return await (await this.#queue.get()).getWaitingCount();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
