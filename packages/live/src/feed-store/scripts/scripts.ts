import { defineScripts, type RedisConnection } from "@tapedeck/runtime";
import type { Result } from "ioredis";

/** The files stay in src: the same path leads there from src/feed-store/scripts and from dist/feed-store/scripts. */
const folder = new URL("../../../src/feed-store/scripts/", import.meta.url);

/** The Lua scripts by command name: file, and how many keys each takes. The files say what they do and answer. */
const scripts = {
  liveRead: { file: "read-feed", numberOfKeys: 1 },
  liveAppend: { file: "append-frame", numberOfKeys: 2 },
  liveChange: { file: "change-feed", numberOfKeys: 2 },
  liveRenew: { file: "renew-claim", numberOfKeys: 1 },
  liveWant: { file: "request-feed", numberOfKeys: 6 },
  liveLeave: { file: "release-feed", numberOfKeys: 4 },
  liveDrop: { file: "drop-lingering", numberOfKeys: 2 },
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
    liveWant(
      ...args: [
        wanted: string,
        left: string,
        wishesOf: string,
        wishesFor: string,
        listed: string,
        begun: string,
        feed: string,
        symbol: string,
        session: string,
        lingerMs: number,
        most: number,
        begins: number,
        periodMs: number,
      ]
    ): Result<number, Context>;
    liveLeave(
      ...args: [wanted: string, left: string, wishesOf: string, wishesFor: string, session: string, until: number | ""]
    ): Result<1 | 0, Context>;
    liveDrop(wanted: string, left: string, feed: string): Result<1 | 0, Context>;
  }
}

/** Teaches a connection the scripts of live tapes. Doing it again does no harm. */
export function defineLiveScripts(redis: RedisConnection): RedisConnection {
  defineScripts(redis, folder, scripts);
  return redis;
}
