import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, type RedisConnection, throttledLog } from "@tapedeck/runtime";
import { Queue, Worker } from "bullmq";

export interface MaintenanceOptions {
  readonly connection: RedisConnection;
  /** Each kind of upkeep has a queue of its own: whoever works on it can do all of its chores. */
  readonly queue: string;
  readonly prefix: string;
  readonly node: string;
  /** Each is tried at every round, whether or not the ones before it failed. */
  readonly chores: Readonly<Record<string, () => Promise<unknown>>>;
  readonly log: Logger;
}

const everyMs = 5000;
const tryAgainMs = 1000;

/** Rounds of upkeep, one at a time in the whole cluster, done by whichever worker takes the next. */
export async function startMaintenance(options: MaintenanceOptions): Promise<{ stop(): Promise<void> }> {
  const { connection, queue: queueName, prefix, node, chores, log } = options;
  const report = throttledLog(log);
  const queue = new Queue(queueName, { connection, prefix, streams: { events: { maxLen: 100 } } });
  queue.on("error", (error) => report.warn({ err: { message: error.message } }, "upkeep queue"));
  const worker = new Worker(
    queueName,
    async () => {
      for (const [chore, run] of Object.entries(chores)) {
        try {
          await run();
        } catch (error) {
          report.warn({ err: error, chore }, "upkeep");
        }
      }
    },
    {
      connection,
      prefix,
      name: node,
      concurrency: 1,
      // A round whose worker died is done by another one soon, and one that takes long is not started twice.
      lockDuration: 10_000,
      stalledInterval: everyMs,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      runRetryDelay: 500,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on("error", (error) => report.warn({ err: { message: error.message } }, "upkeep worker"));
  await untilScheduled(queue, (error) => report.warn({ err: error }, "upkeep not scheduled yet"));
  return {
    async stop() {
      await worker.close();
      await queue.close();
    },
  };
}

/** Redis may be away just now, or full. */
async function untilScheduled(queue: Queue, report: (error: unknown) => void): Promise<void> {
  for (;;) {
    try {
      await queue.upsertJobScheduler("upkeep", { every: everyMs }, { name: "upkeep" });
      return;
    } catch (error) {
      report(error);
      await sleep(tryAgainMs);
    }
  }
}
