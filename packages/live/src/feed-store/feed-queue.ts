import type { RedisConnection } from "@tapedeck/runtime";
import { type Keys, ReconnectingQueue } from "@tapedeck/sessions";
import type { FeedState } from "./feed-state.js";
import type { LiveInstrument } from "./live-tape-id.js";

/** The data of a feed's job; everything else is in the feed's hash. */
export interface FeedJob extends LiveInstrument {
  /** The feed's revision when the job was requested, 0 if it had no hash. Absent in jobs of earlier releases. */
  readonly rev?: number;
}

export const feedQueueName = "{feed}";
/** The queue of maintenance rounds, which feed workers run. */
export const feedMaintenanceQueue = "{feed-upkeep}";
export const feedJobName = "feed";

/**
 * Used once: BullMQ ignores a job whose id still exists. Each claim raises the feed's revision, so simultaneous requests for a
 * worker add one job.
 */
export function feedJobId(feed: LiveInstrument, rev: FeedState["rev"]): string {
  return `${jobIdsOf(feed)}${rev}`;
}

/** What the ids of a feed's jobs begin with; their revision follows. */
function jobIdsOf({ source, symbol }: LiveInstrument): string {
  return `f-${Buffer.from(`${source}:${symbol}`).toString("base64url")}-`;
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
    await queue.add(feedJobName, { source, symbol, rev }, { jobId: feedJobId({ source, symbol }, rev) });
  }

  /** Whether a worker has another job of the feed than this one. A dead worker's jobs count: they are handed on. */
  async hasOtherJob(feed: FeedJob): Promise<boolean> {
    const [begin, own] = [jobIdsOf(feed), feedJobId(feed, feed.rev ?? 0)];
    const ids = await (await this.#queue.get()).getRanges(["active"]);
    return ids.some((id) => id !== own && id.slice(0, id.lastIndexOf("-") + 1) === begin);
  }

  /** Feeds that wait for a worker with a free slot. */
  async waiting(): Promise<number> {
    return await (await this.#queue.get()).getWaitingCount();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
