import type { Logger } from "../observability/logger.js";
import { untilReady } from "../redis/availability.js";
import type { RedisConnection } from "../redis/connect.js";
import { redisTime } from "../redis/time.js";
import { ClockDiscipline, type ClockSample } from "./clock-discipline.js";

/** The cluster's one clock, as this process knows it. */
export interface RedisClock {
  /** Milliseconds since 1970 on Redis's clock, with fractions; never falls but at a jump. */
  now(): number;
  /** Told of a jump of more than 50 ms, in ms, after `now()` has taken it. Returns the function that ends the telling. */
  onJump(listener: (byMs: number) => void): () => void;
  stop(): void;
}

const everyMs = 1000;
const soonMs = 50;
/** Asked at the start, so that one slow first answer does not set the clock. */
const firstSamples = 5;

/** Waits for the first answers of Redis, however long they take, then keeps the clock until `stop()`. */
export async function startRedisClock(redis: RedisConnection, { log }: { log: Logger }): Promise<RedisClock> {
  const discipline = new ClockDiscipline(await firstAnswer(redis));
  const listeners = new Set<(byMs: number) => void>();
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const take = async (): Promise<void> => {
    const byMs = discipline.add(await ask(redis));
    if (byMs === 0 || stopped) return;
    log.warn({ byMs: Math.round(byMs) }, "Redis's clock jumped");
    for (const listener of listeners) listener(byMs);
  };
  for (let i = 1; i < firstSamples; i++) await take().catch(() => {}); // the loop below goes on asking

  const loop = async (): Promise<void> => {
    await take().catch(() => {}); // the connection logs its own errors; meanwhile the offset holds
    if (!stopped) timer = setTimeout(loop, discipline.jumpUnconfirmed ? soonMs : everyMs);
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

async function firstAnswer(redis: RedisConnection): Promise<ClockSample> {
  for (;;) {
    await untilReady(redis);
    try {
      return await ask(redis);
    } catch {
      // Redis went away between "ready" and its answer; the connection comes back by itself.
    }
  }
}

async function ask(redis: RedisConnection): Promise<ClockSample> {
  const sentAt = performance.now();
  const redisMs = await redisTime(redis);
  return { sentAt, receivedAt: performance.now(), redisMs };
}
