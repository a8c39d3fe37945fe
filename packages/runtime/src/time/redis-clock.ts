import type { Logger } from "../observability/logger.js";
import { untilReady } from "../redis/availability.js";
import { type RedisConnection, redisTime } from "../redis/connection.js";
import { ClockDiscipline, type ClockSample } from "./clock-discipline.js";

/** The cluster's clock, as this process knows it. */
export interface RedisClock {
  /** Milliseconds since 1970 on Redis's clock, with fractions; never runs backwards except at a jump. */
  now(): number;
  /** Calls `listener` after a jump of more than 50 ms, when `now()` has adopted it. Returns the function that stops it. */
  onJump(listener: (byMs: number) => void): () => void;
  stop(): void;
}

const everyMs = 1000;
const confirmMs = 50;
/** Samples taken at the start, so that one slow first answer does not set the clock. */
const firstSamples = 5;

/** Waits for Redis's first answers, however long they take, then keeps the clock until `stop()`. */
export async function startRedisClock(redis: RedisConnection, { log }: { log: Logger }): Promise<RedisClock> {
  const discipline = new ClockDiscipline(await firstSample(redis));
  const listeners = new Set<(byMs: number) => void>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const addSample = async (): Promise<void> => {
    const byMs = discipline.add(await sample(redis));
    if (byMs === 0 || stopped) return;
    log.warn({ byMs: Math.round(byMs) }, "Redis's clock jumped; this node follows it");
    for (const listener of listeners) listener(byMs);
  };
  for (let i = 1; i < firstSamples; i++) await addSample().catch(() => {}); // the loop below continues

  const loop = async (): Promise<void> => {
    await addSample().catch(() => {}); // the connection logs its own errors; meanwhile the offset stays
    if (!stopped) timer = setTimeout(loop, discipline.jumpUnconfirmed ? confirmMs : everyMs);
  };
  timer = setTimeout(loop, everyMs);

  return {
    now: () => discipline.at(performance.now()),
    onJump(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      listeners.clear();
    },
  };
}

async function firstSample(redis: RedisConnection): Promise<ClockSample> {
  for (;;) {
    await untilReady(redis);
    try {
      return await sample(redis);
    } catch {
      // Redis went away between "ready" and its answer; the connection reconnects by itself.
    }
  }
}

async function sample(redis: RedisConnection): Promise<ClockSample> {
  const sentAt = performance.now();
  const redisMs = await redisTime(redis);
  return { sentAt, receivedAt: performance.now(), redisMs };
}
