import { readFileSync } from "node:fs";
import type { Redis, Result } from "ioredis";

/** The Lua scripts by command name: file, and how many keys each takes. The files say what they do and answer. */
const scripts = {
  liveRead: { file: "read", numberOfKeys: 1 },
  liveAppend: { file: "append", numberOfKeys: 2 },
  liveChange: { file: "change", numberOfKeys: 2 },
  liveRenew: { file: "renew", numberOfKeys: 1 },
  liveWant: { file: "want", numberOfKeys: 1 },
} as const;

declare module "ioredis" {
  interface RedisCommander<Context> {
    liveRead(feed: string): Result<[fields: string[], time: [string, string]], Context>;
    liveAppend(
      ...args: [
        live: string,
        feed: string,
        owner: string,
        tape: string,
        seq: number,
        message: string,
        keepFrom: number,
        ...fields: string[],
      ]
    ): Result<1 | 2 | 0 | -1, Context>;
    liveChange(
      ...args: [
        live: string,
        feed: string,
        owner: string,
        rev: number | "",
        after: "" | "clear" | "remove",
        ...fields: string[],
      ]
    ): Result<string[] | 0 | -1, Context>;
    liveRenew(feed: string, owner: string): Result<1 | 0 | -1, Context>;
    liveWant(wanted: string, feed: string, lingerMs: number): Result<string, Context>;
  }
}

/** Teaches a connection the scripts of live tapes. Doing it again does no harm. */
export function defineLiveScripts(redis: Redis): Redis {
  for (const [name, { file, numberOfKeys }] of Object.entries(scripts)) {
    redis.defineCommand(name, { numberOfKeys, lua: luaOf(file) });
  }
  return redis;
}

const texts = new Map<string, string>();

/** The files stay in src: the same path leads there from src/scripts and from dist/scripts. */
function luaOf(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`../../src/scripts/${file}.lua`, import.meta.url), "utf8");
  texts.set(file, text);
  return text;
}
