import { defineScripts, type RedisConnection } from "@tapedeck/runtime";
import type { Result } from "ioredis";

export interface LockToExtend {
  readonly job: string;
  /** The lock's key, and its value while it is ours. */
  readonly key: string;
  readonly token: string;
}

declare module "ioredis" {
  interface RedisCommander<Context> {
    extendLocks(keys: number, ...keysMsAndPairs: (string | number)[]): Result<string[], Context>;
    retakeLocks(keys: number, ...keysMsAndPairs: (string | number)[]): Result<string[], Context>;
  }
}

/** The file stays in src: the same path leads there from src and from dist. */
const folder = new URL("../src/", import.meta.url);

/** Extends locks in a Redis that is out of memory. Returns the jobs whose locks are lost. */
export async function extendLocks(
  redis: RedisConnection,
  stalled: string,
  held: readonly LockToExtend[],
  ms: number,
): Promise<string[]> {
  defineScripts(redis, folder, { extendLocks: { file: "extend-locks" } });
  const keys = [stalled, ...held.map(({ key }) => key)];
  const pairs = held.flatMap(({ token, job }) => [token, job]);
  return await redis.extendLocks(keys.length, ...keys, ms, ...pairs);
}

/**
 * Takes back locks that have expired while Redis was away, or this process suspended, unless another worker has taken their jobs or
 * they wait for one. Returns the jobs that are lost.
 */
export async function retakeLocks(
  redis: RedisConnection,
  { active, stalled }: { readonly active: string; readonly stalled: string },
  held: readonly LockToExtend[],
  ms: number,
): Promise<string[]> {
  defineScripts(redis, folder, { retakeLocks: { file: "retake-locks" } });
  const keys = [active, stalled, ...held.map(({ key }) => key)];
  const pairs = held.flatMap(({ token, job }) => [token, job]);
  return await redis.retakeLocks(keys.length, ...keys, ms, ...pairs);
}
