import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, type RedisConnection, throttledLog } from "@tapedeck/runtime";
import { Queue, Worker } from "bullmq";

export interface MaintenanceOptions {
  readonly connection: RedisConnection;
  /** Each kind of maintenance has its own queue; every worker of a queue can do all of its chores. */
  readonly queue: string;
  readonly prefix: string;
  readonly node: string;
  /** Each runs in every round, even if one before it failed. */
  readonly chores: Readonly<Record<string, () => Promise<unknown>>>;
  readonly log: Logger;
}

const everyMs = 5000;
const retryMs = 1000;

/** Runs rounds of maintenance, one at a time in the whole cluster, each on the worker that takes it. */
export async function startMaintenance(options: MaintenanceOptions): Promise<{ stop(): Promise<void> }> {
  const { connection, queue: queueName, prefix, node, chores, log } = options;
  const report = throttledLog(log);
  const queue = new Queue(queueName, { connection, prefix, streams: { events: { maxLen: 100 } } });
  queue.on("error", (error) => report.warn({ err: { message: error.message } }, "maintenance queue error"));
  const worker = new Worker(
    queueName,
    async () => {
      for (const [chore, run] of Object.entries(chores)) {
        try {
          await run();
        } catch (error) {
          report.warn({ err: error, chore }, "maintenance chore failed; the next round repeats it");
        }
      }
    },
    {
      connection,
      prefix,
      name: node,
      concurrency: 1,
      // Another worker soon repeats a round whose worker died, and a long round is not started twice.
      lockDuration: 10_000,
      stalledInterval: everyMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 500,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on("error", (error) => report.warn({ err: { message: error.message } }, "maintenance worker error"));
  await untilScheduled(queue, (error) => report.warn({ err: error }, "maintenance not scheduled yet; retrying"));
  return {
    async stop() {
      await worker.close();
      await queue.close();
    },
  };
}

/** Retries while Redis is away or out of memory. */
async function untilScheduled(queue: Queue, report: (error: unknown) => void): Promise<void> {
  for (;;) {
    try {
      await queue.upsertJobScheduler("upkeep", { every: everyMs }, { name: "upkeep" });
      return;
    } catch (error) {
      report(error);
      await sleep(retryMs);
    }
  }
}
