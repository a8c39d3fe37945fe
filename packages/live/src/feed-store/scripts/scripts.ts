import { defineScripts, type RedisConnection } from "@tapedeck/runtime";
import type { Result } from "ioredis";

/** The .lua files stay in src; this path leads there from src/feed-store/scripts and from dist/feed-store/scripts. */
const folder = new URL("../../../src/feed-store/scripts/", import.meta.url);

/** The Lua scripts by command name, with their number of keys. The files document arguments and replies. */
const scripts = {
  liveRead: { file: "read-feed", numberOfKeys: 1 },
  liveAppend: { file: "append-frame", numberOfKeys: 2 },
  liveEvents: { file: "append-events", numberOfKeys: 2 },
  liveChange: { file: "change-feed", numberOfKeys: 2 },
  liveRenew: { file: "renew-claim", numberOfKeys: 1 },
  liveRequest: { file: "request-feed", numberOfKeys: 6 },
  liveRelease: { file: "release-feed", numberOfKeys: 4 },
  liveDropLingering: { file: "drop-lingering", numberOfKeys: 2 },
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
    liveEvents(
      ...args: [
        events: string,
        feed: string,
        owner: string,
        tape: string,
        firstN: number,
        nextN: number,
        text: string,
        keepFrom: number,
        ttlMs: number,
        through: number,
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
    liveRequest(
      ...args: [
        wanted: string,
        left: string,
        demandsOf: string,
        demandsFor: string,
        listed: string,
        begun: string,
        feed: string,
        symbol: string,
        session: string,
        lingerMs: number,
        maxFeeds: number,
        newFeeds: number,
        periodMs: number,
      ]
    ): Result<number, Context>;
    liveRelease(
      ...args: [
        wanted: string,
        left: string,
        demandsOf: string,
        demandsFor: string,
        session: string,
        until: number | "",
      ]
    ): Result<1 | 0, Context>;
    liveDropLingering(wanted: string, left: string, feed: string): Result<1 | 0, Context>;
  }
}

/** Defines the scripts of live tapes as commands of a connection. Safe to repeat. */
export function defineLiveScripts(redis: RedisConnection): RedisConnection {
  defineScripts(redis, folder, scripts);
  return redis;
}
