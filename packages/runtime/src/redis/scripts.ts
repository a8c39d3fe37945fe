import { readFileSync } from "node:fs";
import { Cluster } from "ioredis";
import type { RedisConnection } from "./connection.js";

export interface Script {
  /** File name without `.lua`. */
  readonly file: string;
  /** Absent if it varies: then the number of keys is the first argument of each call. */
  readonly numberOfKeys?: number;
}

const sources = new Map<string, string>();

/**
 * Defines the Lua scripts of a folder as commands of a connection. Defining them again does no harm. On a Redis Cluster the scripts publish
 * sharded messages, as `publish` does: a script's channel is in the slot of its keys.
 */
export function defineScripts(redis: RedisConnection, folder: URL, scripts: Readonly<Record<string, Script>>): void {
  for (const [name, { file, ...keys }] of Object.entries(scripts)) {
    const source = sourceOf(new URL(`${file}.lua`, folder));
    const lua = redis instanceof Cluster ? source.replaceAll('redis.call("PUBLISH"', 'redis.call("SPUBLISH"') : source;
    redis.defineCommand(name, { ...keys, lua });
  }
}

function sourceOf(file: URL): string {
  const known = sources.get(file.href);
  if (known !== undefined) return known;
  const source = readFileSync(file, "utf8");
  sources.set(file.href, source);
  return source;
}
