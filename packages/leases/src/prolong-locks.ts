import { readFileSync } from "node:fs";
import type { RedisConnection } from "@tapedeck/runtime";

export interface HeldLock {
  readonly job: string;
  /** The lock's key, and what it holds while it is ours. */
  readonly key: string;
  readonly token: string;
}

/** The file stays in src: the same path leads there from src and from dist. */
const script = readFileSync(new URL("../src/prolong-locks.lua", import.meta.url), "utf8");

/** Renews locks in a Redis that takes nothing new. Answers with the jobs whose locks are lost. */
export async function prolongLocks(
  redis: RedisConnection,
  stalled: string,
  held: readonly HeldLock[],
  ms: number,
): Promise<string[]> {
  const keys = [stalled, ...held.map(({ key }) => key)];
  const pairs = held.flatMap(({ token, job }) => [token, job]);
  const lost = await redis.eval(script, keys.length, ...keys, ms, ...pairs);
  return Array.isArray(lost) ? lost.map(String) : [];
}
