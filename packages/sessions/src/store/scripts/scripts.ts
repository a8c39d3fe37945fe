import { defineScripts, type RedisConnection, type Script } from "@tapedeck/runtime";
import type { Result } from "ioredis";
import type { Keys } from "../../redis/keys.js";

/** The files stay in src: the same path leads there from src/store/scripts and from dist/store/scripts. */
const folder = new URL("../../../src/store/scripts/", import.meta.url);

/** The Lua scripts by command name. Each file's header says what it does and returns. */
const scripts: Readonly<Record<string, Script>> = {
  sessionRead: { file: "read", numberOfKeys: 2 },
  sessionHold: { file: "hold", numberOfKeys: 3 },
  sessionReleaseHold: { file: "release-hold", numberOfKeys: 1 },
  sessionAdvance: { file: "advance", numberOfKeys: 2 },
  sessionCreate: { file: "create", numberOfKeys: 7 },
  sessionReplace: { file: "replace-if-unchanged", numberOfKeys: 7 },
  sessionCheckpoints: { file: "checkpoint" },
  sessionProgress: { file: "progress" },
  sessionTouch: { file: "touch", numberOfKeys: 7 },
  sessionDelete: { file: "delete", numberOfKeys: 7 },
  sessionKeepCheckpoint: { file: "keep-checkpoint", numberOfKeys: 2 },
  indexTake: { file: "take-entry", numberOfKeys: 1 },
};

/** KEYS[1] to KEYS[7] of every script on one session; `read` takes the first two. */
type SessionKeys = [
  session: string,
  viewers: string,
  epochs: string,
  orders: string,
  actions: string,
  branches: string,
  checkpoints: string,
];

export function sessionKeys(keys: Keys, id: string): SessionKeys {
  const { session, viewers, epochs, orders, actions, branches, checkpoints } = keys;
  return [session(id), viewers(id), epochs(id), orders(id), actions(id), branches(id), checkpoints(id)];
}

declare module "ioredis" {
  interface RedisCommander<Context> {
    sessionRead(
      session: string,
      viewers: string,
    ): Result<[fields: string[], viewers: string[], time: [string, string]], Context>;
    sessionHold(
      session: string,
      viewers: string,
      readers: string,
      ms: number,
    ): Result<[fields: string[], viewers: string[], time: [string, string], until: string], Context>;
    sessionReleaseHold(readers: string, rev: number, until: string): Result<null, Context>;
    sessionAdvance(
      session: string,
      readers: string,
      rev: number,
      node: string,
      forgetMs: number,
      lagMs: number,
      bound: number,
      boundNs: number,
      boundMs: number | "-",
      ...reports: (string | number)[]
    ): Result<AdvanceReply, Context>;
    sessionCreate(...args: [...SessionKeys, ttl: number, ...fields: string[]]): Result<0 | 1, Context>;
    sessionReplace(
      ...args: [
        ...SessionKeys,
        rev: number,
        ttl: number,
        message: string,
        ended: string,
        order: string,
        keep: number,
        by: number,
        actions: string,
        length: number,
        branch: string,
        keepBranches: number,
        ...fields: string[],
      ]
    ): Result<1 | 0 | -1 | -2, Context>;
    sessionCheckpoints(sessions: number, ...keysThenRevsAndSeqs: (string | number)[]): Result<number[], Context>;
    sessionProgress(sessions: number, ...keysThenRevsAndSeqs: (string | number)[]): Result<null, Context>;
    sessionTouch(...args: [...SessionKeys, node: string, sockets: number]): Result<TouchReply | null, Context>;
    sessionDelete(...args: [...SessionKeys, body: string]): Result<string[], Context>;
    sessionKeepCheckpoint(
      session: string,
      checkpoints: string,
      createdAt: number,
      number: number,
      index: string,
      dropped: number | "all",
      ...droppedThenParts: (string | Buffer)[]
    ): Result<0 | 1, Context>;
    indexTake(index: string, member: string, score: number, newScore: number | ""): Result<0 | 1, Context>;
  }
}

type AdvanceReply = [
  outcome: "moved" | "same" | "held" | "changed" | "gone",
  seq: string,
  ns: string,
  wallMs: string,
  acked: string,
];

type TouchReply = [
  createdAt: string,
  lastActivity: string,
  ttl: string,
  mode: string,
  state: string,
  createdBy: string,
  userId: string,
];

/** Defines the session scripts on a connection. Repeating it does no harm. */
export function defineSessionScripts(redis: RedisConnection): RedisConnection {
  defineScripts(redis, folder, scripts);
  return redis;
}
