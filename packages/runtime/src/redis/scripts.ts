import { readFileSync } from "node:fs";
import { Cluster } from "ioredis";
import type { RedisConnection } from "./connect.js";

export interface Script {
  /** Without its `.lua`. */
  readonly file: string;
  /** Absent where it differs from call to call: then it is the first argument. */
  readonly numberOfKeys?: number;
}

const texts = new Map<string, string>();

/**
 * Teaches a connection the Lua scripts of a folder, by command name. Doing it again does no harm. On a Redis Cluster what they
 * publish is sharded, as everything is that is published there: a script's channel lies in the slot of its keys.
 */
export function defineScripts(redis: RedisConnection, folder: URL, scripts: Readonly<Record<string, Script>>): void {
  for (const [name, { file, ...keys }] of Object.entries(scripts)) {
    const text = textOf(new URL(`${file}.lua`, folder));
    const lua = redis instanceof Cluster ? text.replaceAll('redis.call("PUBLISH"', 'redis.call("SPUBLISH"') : text;
    redis.defineCommand(name, { ...keys, lua });
  }
}

function textOf(file: URL): string {
  const known = texts.get(file.href);
  if (known !== undefined) return known;
  const text = readFileSync(file, "utf8");
  texts.set(file.href, text);
  return text;
}
